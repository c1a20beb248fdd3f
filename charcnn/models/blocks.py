"""What the lab's networks are made of."""

from torch import nn

from charcnn.models.catalogue import activation_module


def convolution(
    channels_in: int, channels_out: int, kernel: int, *, padding: int = 0, activation: str, batch_norm: bool
) -> list[nn.Module]:
    """Convolution, batch norm where asked, activation, max-pool by 2.

    An activation that never falls is applied to the maxima instead: the same function, a quarter of the work. PReLU's
    slope is learnt and may turn negative, so it comes first.

    Shape: `[N,channels_in,H,W]` → `[N,channels_out,h/2,w/2]` with `h = H - kernel + 1 + 2 * padding`.
    """
    norm: list[nn.Module] = [nn.BatchNorm2d(channels_out)] if batch_norm else []
    end: list[nn.Module] = [activation_module(activation), nn.MaxPool2d(2)]
    if activation != "prelu":
        end.reverse()
    return [nn.Conv2d(channels_in, channels_out, kernel, padding=padding), *norm, *end]


def dense(features_in: int, features_out: int, *, activation: str, dropout: float = 0.0) -> list[nn.Module]:
    """Linear layer, activation, dropout. Shape: `[N,features_in]` → `[N,features_out]`.

    Dropout is there at a rate of 0 too, so that weights of networks with and without it fit each other.
    """
    return [nn.Linear(features_in, features_out), activation_module(activation), nn.Dropout(dropout)]
