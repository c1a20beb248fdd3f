"""Building blocks: layers in a row that train fast on a CPU, convolution and dense blocks."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from charcnn.networks.activations import activation_module

CHANNEL_MULTIPLE = 16
"""Channels that a CPU computes at once: a convolution to another number of channels is several times slower."""

_CHANNEL_AGNOSTIC = (
    nn.MaxPool2d,
    nn.Flatten,
    nn.Linear,
    nn.Dropout,
    nn.ReLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.LeakyReLU,
    nn.PReLU,
)
"""Layers that compute each channel alone, or see no padded ones."""


class Layers(nn.Sequential):
    """Layers in a row, computed in the memory format and with the numbers of channels that are fastest on a CPU.

    In training on a CPU the channels of convolutions are padded with zeros to multiples of 16, which no later layer
    sees: the function, its gradients, the weights and their names are those of `nn.Sequential`, but convolutions and
    batch norms are not called as modules. `plain_layers` calls them.
    """

    is_plain = False

    def forward(self, features: Tensor) -> Tensor:
        """Apply the layers. Shape: `[N,1,H,W]` → `[N,classes]`."""
        on_cpu = features.device.type == "cpu" and not self.is_plain
        if on_cpu:
            features = _to_channels_last(features)
        if not (on_cpu and self.training and all(map(_supports_channel_padding, self))):
            output: Tensor = super().forward(features)  # type: ignore[no-untyped-call]
            return output
        channels = features.shape[1]
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                channels = layer.out_channels
                features = _convolve_padded(features, layer)
            elif isinstance(layer, nn.BatchNorm2d):
                features = _normalize_padded(features, layer)
            else:
                features = layer(features[:, :channels] if isinstance(layer, nn.Flatten) else features)
        return features[:, :channels] if features.ndim == 4 else features


@contextmanager
def plain_layers(network: nn.Module) -> Iterator[None]:
    """Run the modules of a network one by one within this block, in training on a CPU too.

    Forward hooks of every layer are called and see the shapes of its design, parametrizations count, and slower
    training is the price. Outputs and gradients differ from the fast way by rounding alone.

    Args:
        network: Any network; one without `Layers` stays as it is.
    """
    fast = [part for part in network.modules() if isinstance(part, Layers) and not part.is_plain]
    for part in fast:
        part.is_plain = True
    try:
        yield
    finally:
        for part in fast:
            part.is_plain = False


def _supports_channel_padding(layer: nn.Module) -> bool:
    """Return whether a layer in training can be computed with padded channels."""
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and layer.padding_mode == "zeros"
    if isinstance(layer, nn.BatchNorm2d):
        return layer.training and layer.affine and layer.track_running_stats and layer.momentum is not None
    return isinstance(layer, _CHANNEL_AGNOSTIC)


def _to_channels_last(images: Tensor) -> Tensor:
    """Return the same images with strides of channels-last: torch takes a single channel for channels-first."""
    channels, height, width = images.shape[1:]
    if channels != 1:
        return images.contiguous(memory_format=torch.channels_last)
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))


def _convolve_padded(features: Tensor, layer: nn.Conv2d) -> Tensor:
    """Apply a convolution to features that may have padded channels; pad the channels of the output."""
    more_in, more_out = features.shape[1] - layer.in_channels, -layer.out_channels % CHANNEL_MULTIPLE
    weight = functional.pad(layer.weight, (0, 0, 0, 0, 0, more_in, 0, more_out))
    bias = None if layer.bias is None else functional.pad(layer.bias, (0, more_out))
    weight = weight.contiguous(memory_format=torch.channels_last)
    return functional.conv2d(features, weight, bias, layer.stride, layer.padding, layer.dilation)


def _normalize_padded(features: Tensor, layer: nn.BatchNorm2d) -> Tensor:
    """Apply a batch norm in training and update its statistics; padded channels stay zero."""
    if layer.running_mean is None or layer.running_var is None or layer.num_batches_tracked is None:
        raise TypeError("a batch norm without statistics")
    more = (0, features.shape[1] - layer.num_features)
    mean, variance, weight, bias = (
        functional.pad(part, more) for part in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    output = functional.batch_norm(features, mean, variance, weight, bias, True, layer.momentum or 0.0, layer.eps)
    layer.running_mean.copy_(mean[: layer.num_features])
    layer.running_var.copy_(variance[: layer.num_features])
    layer.num_batches_tracked.add_(1)
    return output


def convolution(
    channels_in: int, channels_out: int, kernel: int, *, padding: int = 0, activation: str, batch_norm: bool
) -> list[nn.Module]:
    """Return a convolution, a batch norm if asked, an activation and a max-pool by 2.

    A monotonic activation comes after the max-pool: the same function, a quarter of the work. PReLU's slope is learned
    and may become negative, so it comes first.

    Shape: `[N,channels_in,H,W]` → `[N,channels_out,h/2,w/2]` with `h = H - kernel + 1 + 2 * padding`.
    """
    norm: list[nn.Module] = [nn.BatchNorm2d(channels_out)] if batch_norm else []
    end: list[nn.Module] = [activation_module(activation), nn.MaxPool2d(2)]
    if activation != "prelu":
        end.reverse()
    return [nn.Conv2d(channels_in, channels_out, kernel, padding=padding), *norm, *end]


def dense(features_in: int, features_out: int, *, activation: str, dropout: float = 0.0) -> list[nn.Module]:
    """Return a linear layer, an activation and dropout. Shape: `[N,features_in]` → `[N,features_out]`.

    Dropout at a rate of 0 is a layer too, so that weights of networks with and without it fit each other.
    """
    return [nn.Linear(features_in, features_out), activation_module(activation), nn.Dropout(dropout)]
