"""A config in which nothing is left open, without data or a benchmark of the machine."""

from typing import Any

from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig
from charcnn.training.resolve import ImageFacts, MachineFacts, resolve_config

MACHINE = MachineFacts("cpu", threads=1, precision="fp32")


def images(count: int = 1000) -> ImageFacts:
    """Facts of a number of images."""
    return ImageFacts(count, "stretch", 0.08, "model")


def resolved(count: int = 1000, **settings: Any) -> ResolvedConfig:
    """What some settings come to on `count` images; the course's `cnn`, where nothing else is said."""
    return resolve_config(TrainConfig.parse({"net": "cnn", **settings}), images(count), MACHINE)
