"""The layers of a network and the shapes of their outputs."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Layer:
    """One step of a network.

    Attributes:
        kind: The module's type, for instance Conv2d.
        shape: What comes out for one image, without the batch: `(25, 26, 26)`.
        parameters: Trainable numbers in it.
    """

    kind: str
    shape: tuple[int, ...]
    parameters: int


def trace_shapes(module: nn.Module, size: int) -> list[Layer]:
    """Run a network on one blank image `[1,1,size,size]` and return the output shape of each leaf module.

    Dropout at a rate of 0 is left out.
    """
    layers: list[Layer] = []

    def note(part: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        count = sum(weight.numel() for weight in part.parameters())
        layers.append(Layer(type(part).__name__, tuple(output.shape[1:]), count))

    leaves = [part for part in module.modules() if not list(part.children()) and not _does_nothing(part)]
    hooks = [part.register_forward_hook(note) for part in leaves]
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
