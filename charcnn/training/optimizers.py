"""The optimizers by name, each with its own learning rate."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from charcnn.spec import TrainConfig


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


@dataclass(frozen=True)
class OptimizerInfo:
    """An optimizer's own settings, for what nobody says.

    Attributes:
        lr: Learning rate.
        momentum: None where it has none.
        weight_decay: None where it has none.
    """

    lr: float
    momentum: float | None = None
    weight_decay: float | None = 0.0


OPTIMIZERS = {
    "sgd": OptimizerInfo(lr=0.01, momentum=0.9),
    "nesterov": OptimizerInfo(lr=0.01, momentum=0.9),
    "adam": OptimizerInfo(lr=0.001),
    "adamw": OptimizerInfo(lr=0.001, weight_decay=0.01),
    "rmsprop": OptimizerInfo(lr=0.001, momentum=0.0),
    "gd": OptimizerInfo(lr=0.01, weight_decay=None),
}


def make_optimizer(config: TrainConfig, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Makes the optimizer of a settled config (its lr, momentum and weight decay are filled in)."""
    lr, momentum, decay = config.lr or 0.0, config.momentum or 0.0, config.weight_decay or 0.0
    match config.opt:
        case "sgd":
            return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay)
        case "nesterov":
            return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay, nesterov=True)
        case "adam":
            return torch.optim.Adam(parameters, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(parameters, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr, momentum=momentum, weight_decay=decay)
        case "gd":
            return GradientDescent(parameters, lr)
