"""Building blocks of networks: `Layers`, which trains fast on a CPU, and convolution and dense blocks."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from charcnn.networks.activations import activation_module

CHANNEL_MULTIPLE = 16
"""Channels are padded to multiples of this. On a CPU, other numbers are several times slower in convolutions."""

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
"""Layers that process each channel separately, or only come after the padding is removed."""


class Layers(nn.Sequential):
    """An `nn.Sequential` that trains faster on a CPU.

    On a CPU, features are stored channels-last. In training, the outputs of convolutions are also padded with zero
    channels to multiples of 16. Later layers ignore the padding, so outputs, gradients, weights and their names are
    those of `nn.Sequential`. However, convolutions and batch norms are not called as modules, so their hooks do not
    run. Use `plain_layers` where that matters.

    Attributes:
        is_plain: Whether to run as a plain `nn.Sequential`. Set by `plain_layers`.
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
    """Run a network module by module within a block, without the optimizations of `Layers`.

    The forward hooks of all layers are called with unpadded features, and parametrizations take effect. Training on a
    CPU is slower. Outputs and gradients differ from those of the fast path only by rounding.

    Args:
        network: Any network. A network without `Layers` is not affected.

    Examples:
        >>> import charcnn
        >>> import torch
        >>> from charcnn.networks.catalogue import get_network
        >>> network = get_network("lenet").build(classes=3)
        >>> shapes = []
        >>> hook = network[0].register_forward_hook(lambda layer, inputs, output: shapes.append(output.shape))
        >>> with charcnn.plain_layers(network):
        ...     logits = network(torch.zeros(2, 1, 32, 32))
        >>> shapes
        [torch.Size([2, 6, 28, 28])]
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
    """Return whether a layer in training accepts padded channels."""
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and layer.padding_mode == "zeros"
    if isinstance(layer, nn.BatchNorm2d):
        return layer.training and layer.affine and layer.track_running_stats and layer.momentum is not None
    return isinstance(layer, _CHANNEL_AGNOSTIC)


def _to_channels_last(images: Tensor) -> Tensor:
    """Return the images in channels-last format, for a single channel too, which torch considers channels-first."""
    channels, height, width = images.shape[1:]
    if channels != 1:
        return images.contiguous(memory_format=torch.channels_last)
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))


def _convolve_padded(features: Tensor, layer: nn.Conv2d) -> Tensor:
    """Apply a convolution to features with or without padded channels, and pad the channels of the output."""
    extra_in, extra_out = features.shape[1] - layer.in_channels, -layer.out_channels % CHANNEL_MULTIPLE
    weight = functional.pad(layer.weight, (0, 0, 0, 0, 0, extra_in, 0, extra_out))
    bias = None if layer.bias is None else functional.pad(layer.bias, (0, extra_out))
    weight = weight.contiguous(memory_format=torch.channels_last)
    return functional.conv2d(features, weight, bias, layer.stride, layer.padding, layer.dilation)


def _normalize_padded(features: Tensor, layer: nn.BatchNorm2d) -> Tensor:
    """Apply a batch norm in training mode and update its statistics. Padded channels stay zero."""
    if layer.running_mean is None or layer.running_var is None or layer.num_batches_tracked is None:
        raise TypeError("batch norm has no running statistics")
    padding = (0, features.shape[1] - layer.num_features)
    mean, variance, weight, bias = (
        functional.pad(part, padding) for part in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    output = functional.batch_norm(features, mean, variance, weight, bias, True, layer.momentum or 0.0, layer.eps)
    layer.running_mean.copy_(mean[: layer.num_features])
    layer.running_var.copy_(variance[: layer.num_features])
    layer.num_batches_tracked.add_(1)
    return output


def convolution(
    channels_in: int, channels_out: int, kernel: int, *, padding: int = 0, activation: str, batch_norm: bool
) -> list[nn.Module]:
    """Return the layers of a convolution block: convolution, optional batch norm, activation and 2 × 2 max-pool.

    Monotonic activations commute with the max-pool and are applied after it, to a quarter of the values. PReLU is
    applied before it, because its learned slope can become negative.

    Shape: `[N,channels_in,H,W]` → `[N,channels_out,h/2,w/2]` with `h = H - kernel + 1 + 2 * padding`.
    """
    norm: list[nn.Module] = [nn.BatchNorm2d(channels_out)] if batch_norm else []
    end: list[nn.Module] = [activation_module(activation), nn.MaxPool2d(2)]
    if activation != "prelu":
        end.reverse()
    return [nn.Conv2d(channels_in, channels_out, kernel, padding=padding), *norm, *end]


def dense(features_in: int, features_out: int, *, activation: str, dropout: float = 0.0) -> list[nn.Module]:
    """Return the layers of a dense block: linear, activation and dropout.

    The dropout layer exists even at a rate of 0, so that networks with and without dropout can share weights.

    Shape: `[N,features_in]` → `[N,features_out]`.
    """
    return [nn.Linear(features_in, features_out), activation_module(activation), nn.Dropout(dropout)]
