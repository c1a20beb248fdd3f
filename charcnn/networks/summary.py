"""List the layers of a network with their output shapes."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes:
        kind: Class name of the module, such as `Conv2d`.
        shape: Output shape without the batch dimension, such as `(25, 26, 26)`.
        parameters: Number of parameters.
    """

    kind: str
    shape: tuple[int, ...]
    parameters: int


def trace_shapes(module: nn.Module, size: int) -> list[Layer]:
    """Return the output shape of each leaf module for one image `[1,1,size,size]`.

    Dropout at a rate of 0 is omitted.
    """
    layers: list[Layer] = []

    def record(part: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        count = sum(weight.numel() for weight in part.parameters())
        layers.append(Layer(type(part).__name__, tuple(output.shape[1:]), count))

    leaves = [part for part in module.modules() if not list(part.children()) and not _does_nothing(part)]
    hooks = [part.register_forward_hook(record) for part in leaves]
    was_training = module.training
    try:
        with torch.inference_mode():
            module.eval()(torch.zeros(1, 1, size, size, device=next(module.parameters()).device))
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    return layers


def _does_nothing(part: nn.Module) -> bool:
    return isinstance(part, nn.Dropout) and part.p == 0
