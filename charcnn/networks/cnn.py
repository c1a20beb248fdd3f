"""The CNN of the original course: two convolutions and three linear layers, with and without dropout."""

from torch import nn

from charcnn.networks.blocks import Layers, convolution, dense
from charcnn.networks.catalogue import register_network


@register_network("cnn", sizes=(28,), recipe="lab", summary="original course: two convolutions, three linear layers")
def cnn(classes: int, *, activation: str = "relu", batch_norm: bool = True, dropout: float = 0.0) -> nn.Module:
    """Build the CNN of the original course.

    Shape: `[N,1,28,28]` → 25×26×26 → 25×13×13 → 50×11×11 → 50×5×5 → 1250 → 1024 → 128 → `[N,classes]`.

    Args:
        classes: Number of logits.
        activation: Name of the activation function.
        batch_norm: Whether to add batch norm after each convolution.
        dropout: Dropout rate after the linear layers of 1024 and 128.
    """
    return _cnn(classes, activation, batch_norm, dropout, dropout)


@register_network("cnn-dropout", sizes=(28,), recipe="lab", summary="cnn with dropout 0.2 after 1024 and 0.5 after 128")
def cnn_dropout(
    classes: int, *, activation: str = "relu", batch_norm: bool = True, dropout: float | None = None
) -> nn.Module:
    """Build `cnn` with dropout.

    Args:
        classes: Number of logits.
        activation: Name of the activation function.
        batch_norm: Whether to add batch norm after each convolution.
        dropout: Dropout rate after the linear layers of 1024 and 128. By default, 0.2 and 0.5.
    """
    rates = (0.2, 0.5) if dropout is None else (dropout, dropout)
    return _cnn(classes, activation, batch_norm, *rates)


def _cnn(classes: int, activation: str, batch_norm: bool, dropout_1024: float, dropout_128: float) -> nn.Module:
    return Layers(
        *convolution(1, 25, 3, activation=activation, batch_norm=batch_norm),
        *convolution(25, 50, 3, activation=activation, batch_norm=batch_norm),
        nn.Flatten(),
        *dense(1250, 1024, activation=activation, dropout=dropout_1024),
        *dense(1024, 128, activation=activation, dropout=dropout_128),
        nn.Linear(128, classes),
    )
