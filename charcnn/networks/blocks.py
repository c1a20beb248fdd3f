"""What the lab's networks are made of."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from charcnn.networks.catalogue import activation_module

_LANES = 16
"""Numbers that a processor works on at once; products of other numbers of channels are copied there and back."""

_MIND_NO_CHANNELS = (
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


class Layers(nn.Sequential):
    """Layers in a row, computed in the memory format and on the numbers of channels that a processor is fastest with.

    In training the channels of convolutions are filled up to multiples of 16 with zeros, which no later layer sees: the
    function, its gradients, the weights and their names are those of `nn.Sequential`.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Applies the layers. Shape: `[N,1,H,W]` → `[N,classes]`."""
        on_processor = features.device.type == "cpu"
        if on_processor:
            features = _channels_last(features)
        if not (on_processor and self.training and all(map(_bears_more_channels, self))):
            answer: Tensor = super().forward(features)  # type: ignore[no-untyped-call]
            return answer
        channels = features.shape[1]
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                channels = layer.out_channels
                features = _convolved(features, layer)
            elif isinstance(layer, nn.BatchNorm2d):
                features = _normalised(features, layer)
            else:
                features = layer(features[:, :channels] if isinstance(layer, nn.Flatten) else features)
        return features[:, :channels] if features.ndim == 4 else features


def _bears_more_channels(layer: nn.Module) -> bool:
    """Tells whether a layer in training is one that `_convolved` or `_normalised` stands for, or minds no channels."""
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and layer.padding_mode == "zeros"
    if isinstance(layer, nn.BatchNorm2d):
        return layer.training and layer.affine and layer.track_running_stats and layer.momentum is not None
    return isinstance(layer, _MIND_NO_CHANNELS)


def _channels_last(images: Tensor) -> Tensor:
    """The same images with strides that say so: with a single channel torch takes them for channels-first."""
    channels, height, width = images.shape[1:]
    if channels != 1:
        return images.contiguous(memory_format=torch.channels_last)
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))


def _convolved(features: Tensor, layer: nn.Conv2d) -> Tensor:
    """Convolves; what comes in may have more channels than the layer, what goes out is filled up."""
    more_in, more_out = features.shape[1] - layer.in_channels, -layer.out_channels % _LANES
    weight = functional.pad(layer.weight, (0, 0, 0, 0, 0, more_in, 0, more_out))
    bias = None if layer.bias is None else functional.pad(layer.bias, (0, more_out))
    weight = weight.contiguous(memory_format=torch.channels_last)
    return functional.conv2d(features, weight, bias, layer.stride, layer.padding, layer.dilation)


def _normalised(features: Tensor, layer: nn.BatchNorm2d) -> Tensor:
    """Normalises a batch and notes its statistics; channels that were filled up stay zero."""
    if layer.running_mean is None or layer.running_var is None or layer.num_batches_tracked is None:
        raise TypeError("a batch norm without statistics")
    more = (0, features.shape[1] - layer.num_features)
    mean, variance, weight, bias = (
        functional.pad(part, more) for part in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    answer = functional.batch_norm(features, mean, variance, weight, bias, True, layer.momentum or 0.0, layer.eps)
    layer.running_mean.copy_(mean[: layer.num_features])
    layer.running_var.copy_(variance[: layer.num_features])
    layer.num_batches_tracked.add_(1)
    return answer


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
