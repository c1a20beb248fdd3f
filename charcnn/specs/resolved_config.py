"""Training settings, fully resolved."""

from dataclasses import dataclass
from typing import Literal

from charcnn.specs.choices import Augmentation, Fit, Schedule
from charcnn.specs.optimizers import Optimizer
from charcnn.specs.train_config import TrainSettings


@dataclass(frozen=True, kw_only=True)
class ResolvedConfig(TrainSettings):
    """The settings that a `TrainConfig` resolves to on its images and machine. All that training needs is set."""

    fit: Fit
    margin: float
    net: str
    size: int
    recipe: Literal["compact", "lab"]
    opt: Optimizer
    lr: float
    schedule: Schedule
    label_smoothing: float
    augment: Augmentation
    batch_size: int
    epochs: int
    precision: Literal["fp32", "bf16"]
    threads: int
    share_cores: bool = False  # configs of earlier versions lack it
    name: str
