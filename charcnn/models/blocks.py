"""What the lab's networks are made of."""

from typing import Any

import torch
from torch import Tensor, nn

from charcnn.models.catalogue import activation_module


class MaxPool2d(nn.MaxPool2d):
    """torch's max-pool by way of channels-last memory, where it is five times as fast on a processor.

    What comes before and after stays channels-first, forwards and backwards: there batch norm is the faster one, for
    channels that are no multiples of 16.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Pools. Shape: `[N,C,H,W]` → `[N,C,H/2,W/2]` for a window of 2."""
        on_processor = features.device.type == "cpu"
        pooled: Tensor = super().forward(_ChannelsLast.apply(features) if on_processor else features)
        return pooled.contiguous()


class _ChannelsLast(torch.autograd.Function):
    """The same values in channels-last memory; their gradient in channels-first."""

    @staticmethod
    def forward(_context: Any, features: Tensor) -> Tensor:
        return features.contiguous(memory_format=torch.channels_last)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return gradient.contiguous()


def convolution(
    channels_in: int, channels_out: int, kernel: int, *, padding: int = 0, activation: str, batch_norm: bool
) -> list[nn.Module]:
    """Convolution, batch norm where asked, activation, max-pool by 2.

    An activation that never falls is applied to the maxima instead: the same function, a quarter of the work. PReLU's
    slope is learnt and may turn negative, so it comes first.

    Shape: `[N,channels_in,H,W]` → `[N,channels_out,h/2,w/2]` with `h = H - kernel + 1 + 2 * padding`.
    """
    norm: list[nn.Module] = [nn.BatchNorm2d(channels_out)] if batch_norm else []
    end: list[nn.Module] = [activation_module(activation), MaxPool2d(2)]
    if activation != "prelu":
        end.reverse()
    return [nn.Conv2d(channels_in, channels_out, kernel, padding=padding), *norm, *end]


def dense(features_in: int, features_out: int, *, activation: str, dropout: float = 0.0) -> list[nn.Module]:
    """Linear layer, activation, dropout. Shape: `[N,features_in]` → `[N,features_out]`.

    Dropout is there at a rate of 0 too, so that weights of networks with and without it fit each other.
    """
    return [nn.Linear(features_in, features_out), activation_module(activation), nn.Dropout(dropout)]
