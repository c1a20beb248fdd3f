"""Resolved configs, without data and without a benchmark of the machine."""

from typing import Any

from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig
from charcnn.training.resolve import ImageFacts, MachineFacts, resolve_config

MACHINE = MachineFacts("cpu", threads=1, precision="fp32")


def images(count: int = 1000) -> ImageFacts:
    """Return facts about `count` images."""
    return ImageFacts(count, "stretch", 0.08, "model")


def resolved(count: int = 1000, **settings: Any) -> ResolvedConfig:
    """Resolve settings for `count` images. The default network is `cnn`."""
    return resolve_config(TrainConfig.parse({"net": "cnn", **settings}), images(count), MACHINE)
