"""The recipes: settings that go well together, under one name."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MIN_EPOCHS, _MAX_EPOCHS = 2, 60
_MAX_WEIGHT_DECAY = 0.3


@dataclass(frozen=True)
class Recipe:
    """Settings that go well together.

    Attributes:
        settings: Of a `TrainConfig`, by name.
        views: Without `epochs` in `settings`: `views * sqrt(images)` images are seen in all, so that few images are
            seen often and many a few times.
        decay: Without a weight decay in `settings`: learning rate × weight decay × steps. A weight then forgets over
            the same share of the training, however long that is (Wang and Aitchison, arXiv:2405.13698).
        strong_from: Without `augment` in `settings`: it is strong from this many epochs on, and light below.
        by_name: Settings that count only where the recipe is asked for by name, and not as a network's own.
    """

    settings: Mapping[str, Any]
    views: float = 0.0
    decay: float = 0.0
    strong_from: int = 0
    by_name: Mapping[str, Any] = field(default_factory=dict)

    def epochs(self, images: int) -> int:
        """Return the epochs for a number of images to learn from."""
        fixed: int = self.settings.get("epochs", 0)
        return fixed or max(_MIN_EPOCHS, min(_MAX_EPOCHS, round(self.views / math.sqrt(images))))

    def weight_decay(self, lr: float, steps: int) -> float:
        """Return the weight decay for a number of steps at a learning rate."""
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
