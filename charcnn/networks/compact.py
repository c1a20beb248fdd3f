"""charcnn's own small networks: 3 × 3 convolutions, and the strongest answer anywhere in the image.

What was tried, and what it gave: docs/decisions/0002-compact.md.
"""

import torch
from torch import nn

from charcnn.networks.catalogue import network


@network("compact", sizes=(28, 32, 48, 64), recipe="compact", summary="charcnn's own: five convolutions")
def compact(classes: int, *, dropout: float = 0.0) -> nn.Module:
    """Builds the compact network.

    Shape: `[N,1,28,28]` → 16×28×28 → 16×14×14 → 32×14×14 → 32×7×7 → 64×7×7 → 64 → `[N,classes]`.

    Args:
        classes: Number of logits.
        dropout: Rate before the last layer.
    """
    return _channels_last(
        *_convolution(1, 16, kernel=5, pool=True),
        *_convolution(16, 32),
        *_convolution(32, 32, pool=True),
        *_convolution(32, 64),
        *_convolution(64, 64),
        *_head(64, classes, dropout),
    )


@network(
    "compact-l",
    sizes=(48, 28, 32, 64),
    recipe="compact",
    summary="charcnn's own, for hundreds to thousands of classes",
)
def compact_l(classes: int, *, dropout: float = 0.2) -> nn.Module:
    """Builds the large compact network.

    Shape: `[N,1,48,48]` → 32×48×48 → 32×24×24 → 64×24×24 → 64×12×12 → 128×12×12 → 128×6×6 → 256×6×6 → 256 →
    `[N,classes]`.

    Args:
        classes: Number of logits.
        dropout: Rate before the last layer.
    """
    return _channels_last(
        *_convolution(1, 32, kernel=5, pool=True),
        *_convolution(32, 64, pool=True),
        *_convolution(64, 128),
        *_convolution(128, 128, pool=True),
        *_convolution(128, 256),
        *_convolution(256, 256),
        *_head(256, classes, dropout),
    )


def _channels_last(*layers: nn.Module) -> nn.Module:
    """Layers in a row, their weights in the memory format in which products of 16 channels and more are fastest."""
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def _convolution(channels_in: int, channels_out: int, kernel: int = 3, pool: bool = False) -> list[nn.Module]:
    """Convolution, max-pool by 2 where asked, batch norm, ReLU: pooled first, so that a quarter is left to do."""
    return [
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        *([nn.MaxPool2d(2)] if pool else []),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    ]


def _head(channels: int, classes: int, dropout: float) -> list[nn.Module]:
    """The largest value of each channel, wherever it is, and a linear layer."""
    return [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, classes)]
