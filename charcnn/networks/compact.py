"""charcnn's default networks: small stacks of convolutions with global max-pooling.

The design and the alternatives that were measured are described in docs/decisions/0002-compact.md.
"""

import torch
from torch import nn

from charcnn.networks.catalogue import register_network


@register_network("compact", sizes=(28, 32, 48, 64), recipe="compact", summary="charcnn's default: five convolutions")
def compact(classes: int, *, dropout: float = 0.0) -> nn.Module:
    """Build the compact network.

    Shape: `[N,1,28,28]` → 16×28×28 → 16×14×14 → 32×14×14 → 32×7×7 → 64×7×7 → 64 → `[N,classes]`.

    Args:
        classes: Number of logits.
        dropout: Dropout rate before the last layer.
    """
    return _channels_last(
        *_convolution(1, 16, kernel=5, pool=True),
        *_convolution(16, 32),
        *_convolution(32, 32, pool=True),
        *_convolution(32, 64),
        *_convolution(64, 64),
        *_head(64, classes, dropout),
    )


@register_network(
    "compact-l",
    sizes=(48, 28, 32, 64),
    recipe="compact",
    summary="larger compact, for hundreds to thousands of classes",
)
def compact_l(classes: int, *, dropout: float = 0.2) -> nn.Module:
    """Build the large compact network.

    Shape: `[N,1,48,48]` → 32×48×48 → 32×24×24 → 64×24×24 → 64×12×12 → 128×12×12 → 128×6×6 → 256×6×6 → 256 →
    `[N,classes]`.

    Args:
        classes: Number of logits.
        dropout: Dropout rate before the last layer.
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
    """Return an `nn.Sequential` with channels-last weights, the fastest format for 16 or more channels."""
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def _convolution(channels_in: int, channels_out: int, kernel: int = 3, pool: bool = False) -> list[nn.Module]:
    """Return the layers of a block: convolution, optional 2 × 2 max-pool, batch norm and ReLU.

    Pooling comes before batch norm and ReLU, which then process a quarter of the values.
    """
    return [
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        *([nn.MaxPool2d(2)] if pool else []),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    ]


def _head(channels: int, classes: int, dropout: float) -> list[nn.Module]:
    """Return the last layers: global max-pool, dropout and a linear layer."""
    return [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, classes)]
