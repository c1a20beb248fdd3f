"""Create optimizers by name."""

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from charcnn.specs.optimizers import OPTIMIZERS
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.training.torch_startup import compiler_not_imported


class GradientDescent(Optimizer):
    """Plain gradient descent, as in the original course: `weight -= lr * gradient`.

    Args:
        parameters: The parameters to train.
        lr: Learning rate.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step. If given, `closure` recomputes the loss, which is returned."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.sub_(group["lr"] * weight.grad)
        return loss


@compiler_not_imported()
def make_optimizer(config: ResolvedConfig, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Return the optimizer of a config for the given parameters."""
    spec = OPTIMIZERS[config.opt]
    optimizer_class: Callable[..., Optimizer] = _CUSTOM_OPTIMIZERS.get(spec.kind) or getattr(torch.optim, spec.kind)
    defaults = {"momentum": spec.momentum, "weight_decay": spec.weight_decay}
    values = {name: getattr(config, name) or 0.0 for name, default in defaults.items() if default is not None}
    return optimizer_class(parameters, lr=config.lr, **values, **spec.arguments)


_CUSTOM_OPTIMIZERS: dict[str, type[Optimizer]] = {"GradientDescent": GradientDescent}
