"""Support for tests of training: a recording callback, scripted validation and hashes of weights."""

import pytest
from torch import nn

from charcnn.registry.store import Registry
from charcnn.registry.version import WEIGHTS_FILE, Version
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.training import trainer
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.history import EpochRecord
from charcnn.training.step import StepResult


def weights_hash(version: Version) -> str:
    return version.card.files[WEIGHTS_FILE]


class Notes(Callback):
    """A callback that records its arguments."""

    def __init__(self) -> None:
        self.start: list[tuple[int, int]] = []
        self.batches: list[int] = []
        self.epochs: list[tuple[int, bool]] = []

    def on_train_begin(self, config: ResolvedConfig, network: nn.Module, images: int) -> None:
        self.start.append((config.epochs, images))

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        self.batches.append(batch.images)

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        self.epochs.append((record.epoch, is_best))


def scripted(monkeypatch: pytest.MonkeyPatch, accuracies: list[float]) -> None:
    """Make validation return the given accuracies, epoch by epoch."""
    script = iter(accuracies)

    def validate(*_: object) -> tuple[float, float]:
        accuracy = next(script)
        return 1 - accuracy, accuracy

    monkeypatch.setattr(trainer, "validate", validate)


def nothing_is_left(registry: Registry) -> bool:
    staging = registry.root / ".staging"
    return registry.versions() == [] and not (staging.exists() and any(staging.iterdir()))
