"""LeNet, as in PyTorch's tutorial, and the wider variant of the original course.

Source: LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition. Proc. IEEE, 1998.
"""

from torch import nn

from charcnn.networks.blocks import Layers, convolution, dense
from charcnn.networks.catalogue import register_network


@register_network("lenet", sizes=(32,), recipe="lab", summary="LeNet-5 as in PyTorch's tutorial")
def lenet(classes: int, *, activation: str = "relu", batch_norm: bool = False, dropout: float = 0.0) -> nn.Module:
    """Build LeNet.

    Shape: `[N,1,32,32]` → 6×28×28 → 6×14×14 → 16×10×10 → 16×5×5 → 400 → 120 → 84 → `[N,classes]`.

    Args:
        classes: Number of logits.
        activation: Name of the activation function.
        batch_norm: Whether to add batch norm after each convolution.
        dropout: Dropout rate after the linear layers of 120 and 84.
    """
    return Layers(
        *convolution(1, 6, 5, activation=activation, batch_norm=batch_norm),
        *convolution(6, 16, 5, activation=activation, batch_norm=batch_norm),
        nn.Flatten(),
        *_head(400, classes, activation, dropout),
    )


@register_network("lenet-wide", sizes=(32,), recipe="lab", summary="LeNet with 32 and 64 channels, padded")
def lenet_wide(classes: int, *, activation: str = "relu", batch_norm: bool = False, dropout: float = 0.0) -> nn.Module:
    """Build the wider LeNet.

    Shape: `[N,1,32,32]` → 32×32×32 → 32×16×16 → 64×16×16 → 64×8×8 → 4096 → 120 → 84 → `[N,classes]`.

    Args:
        classes: Number of logits.
        activation: Name of the activation function.
        batch_norm: Whether to add batch norm after each convolution.
        dropout: Dropout rate after the linear layers of 120 and 84.
    """
    return Layers(
        *convolution(1, 32, 5, padding=2, activation=activation, batch_norm=batch_norm),
        *convolution(32, 64, 5, padding=2, activation=activation, batch_norm=batch_norm),
        nn.Flatten(),
        *_head(4096, classes, activation, dropout),
    )


def _head(features: int, classes: int, activation: str, dropout: float) -> list[nn.Module]:
    return [
        *dense(features, 120, activation=activation, dropout=dropout),
        *dense(120, 84, activation=activation, dropout=dropout),
        nn.Linear(84, classes),
    ]
