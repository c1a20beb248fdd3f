"""The optimizers: name, class and defaults. A new one only needs an entry here. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Optimizer = Literal["sgd", "nesterov", "adam", "adamw", "rmsprop", "gd"]


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """Class and defaults of an optimizer.

    Attributes:
        kind: Class in `torch.optim`, or `GradientDescent` in `charcnn.training.optim.optimizers`.
        lr: Default learning rate.
        momentum: Default momentum; None if the optimizer has none.
        weight_decay: Default weight decay; None if the optimizer has none.
        arguments: Additional arguments of the class.
    """

    kind: str
    lr: float
    momentum: float | None = None
    weight_decay: float | None = 0.0
    arguments: Mapping[str, bool] = field(default_factory=dict)


_FUSED = {"fused": True}
"""The implementation that updates the weights in a single pass."""

OPTIMIZERS: dict[Optimizer, OptimizerSpec] = {
    "sgd": OptimizerSpec(kind="SGD", lr=0.01, momentum=0.9, arguments=_FUSED),
    "nesterov": OptimizerSpec(kind="SGD", lr=0.01, momentum=0.9, arguments={**_FUSED, "nesterov": True}),
    "adam": OptimizerSpec(kind="Adam", lr=0.001, arguments=_FUSED),
    "adamw": OptimizerSpec(kind="AdamW", lr=0.001, weight_decay=0.01, arguments=_FUSED),
    "rmsprop": OptimizerSpec(kind="RMSprop", lr=0.001, momentum=0.0),
    "gd": OptimizerSpec(kind="GradientDescent", lr=0.01, weight_decay=None),
}
