"""A config in which nothing is left open, without data or a probe of the machine."""

from typing import Any

from charcnn.specs.train_config import TrainConfig
from charcnn.training.recipes import Settled, settle


def settled(**settings: Any) -> Settled:
    """What `settle` makes of some settings; of the lab's `cnn` on one thread in fp32, where nothing else is said."""
    machine = {"net": "cnn", "precision": "fp32", "threads": 1, "epochs": 9}
    config = settle(TrainConfig.parse({**machine, **settings}))
    return Settled.model_validate(config.model_dump(exclude_none=True))
