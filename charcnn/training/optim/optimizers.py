"""The optimizers by name."""

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from charcnn.training.recipes import Settled
from charcnn.training.torch_startup import compiler_not_imported


class GradientDescent(Optimizer):
    """The rule as the lab writes it by hand: `weight -= lr * gradient`.

    Args:
        parameters: What to train.
        lr: Learning rate.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Takes one step along the gradients that are there."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.sub_(group["lr"] * weight.grad)
        return loss


@compiler_not_imported()
def make_optimizer(config: Settled, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Makes the optimizer of a config.

    Fused ones do a step in one pass over the weights.
    """
    lr, momentum, decay = config.lr, config.momentum or 0.0, config.weight_decay or 0.0
    match config.opt:
        case "sgd":
            return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay, fused=True)
        case "nesterov":
            return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay, nesterov=True, fused=True)
        case "adam":
            return torch.optim.Adam(parameters, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(parameters, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr, momentum=momentum, weight_decay=decay)
        case "gd":
            return GradientDescent(parameters, lr)
