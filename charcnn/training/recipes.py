"""Recipes: named sets of training settings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MIN_EPOCHS, _MAX_EPOCHS = 2, 60
"""Limits for a number of epochs that depends on the number of images."""
_MAX_WEIGHT_DECAY = 0.3
"""Limit for a weight decay that depends on the number of steps."""


@dataclass(frozen=True)
class Recipe:
    """A named set of training settings.

    Attributes:
        settings: Values for the settings of a `TrainConfig`, by name.
        views: If `settings` has no `epochs`: the training uses `views * sqrt(images)` images in total, so small
            datasets get more epochs than large ones.
        decay: If `settings` has no weight decay: the product of learning rate, weight decay and steps. It makes weights
            decay over the same fraction of the training, whatever its length (Wang and Aitchison, arXiv:2405.13698).
        strong_from: If `settings` has no `augment`: the number of epochs from which augmentation is strong. It is light
            for fewer epochs.
        by_name: Settings that only apply if the recipe is selected by name, not as a network's default.
    """

    settings: Mapping[str, Any]
    views: float = 0.0
    decay: float = 0.0
    strong_from: int = 0
    by_name: Mapping[str, Any] = field(default_factory=dict)

    def epochs(self, images: int) -> int:
        """Return the number of epochs for a number of training images."""
        fixed: int = self.settings.get("epochs", 0)
        return fixed or max(_MIN_EPOCHS, min(_MAX_EPOCHS, round(self.views / math.sqrt(images))))

    def weight_decay(self, lr: float, steps: int) -> float:
        """Return the weight decay for a learning rate and a number of steps."""
        return min(_MAX_WEIGHT_DECAY, self.decay / (lr * steps))


RECIPES = {
    "lab": Recipe(
        settings={
            "opt": "adam",
            "schedule": "constant",
            "label_smoothing": 0.0,
            "augment": "off",
            "batch_size": 64,
            "epochs": 9,
        },
        by_name={"net": "cnn", "precision": "fp32"},
    ),
    "compact": Recipe(
        settings={
            "opt": "adamw",
            "lr": 0.01,
            "schedule": "onecycle",
            "label_smoothing": 0.1,
            "batch_size": 128,
        },
        views=2500.0,
        decay=1.6,
        strong_from=20,
        by_name={"net": "compact"},
    ),
}
"""The recipes by name."""
