"""Failed and interrupted trainings: what is kept, and errors before training starts."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from charcnn.errors import ConfigError, DatasetError, ModelError, TrainingError
from charcnn.registry.store import Registry
from charcnn.specs.train_config import TrainConfig
from charcnn.training.callbacks import Batch
from charcnn.training.history import EpochRecord
from charcnn.training.step import StepResult
from charcnn.training.train import Trained, train
from tests.support.cards import publish
from tests.support.trainings import Notes, nothing_is_left, weights_hash

Draw = Callable[..., Path]
Run = Callable[..., Trained]


def test_a_loss_that_is_not_a_number_ends_the_training(draw: Draw, run: Run, registry: Registry) -> None:
    with pytest.raises(TrainingError, match="NaN or infinite in epoch") as fault:
        run(draw("small"), epochs=5, opt="gd", lr=1e30)
    assert "`lr=1e+29`" in fault.value.hint
    assert nothing_is_left(registry)


@pytest.mark.parametrize("val_split", [0.2, 0.0])
def test_weights_that_give_no_numbers_after_the_last_step_end_it_too(
    draw: Draw, registry: Registry, val_split: float
) -> None:
    """In one epoch of one batch, the loss is computed before the only step, so it is still finite."""
    settings = {"net": "lenet", "epochs": 1, "batch_size": 64, "opt": "gd", "lr": 1e38, "val_split": val_split}
    config = TrainConfig.parse({"data": [str(draw("small"))], **settings})
    with pytest.raises(TrainingError, match="NaN or infinite"):
        train(config, registry=registry)
    assert nothing_is_left(registry)


class Stops(Notes):
    """A callback that raises KeyboardInterrupt at some point."""

    def __init__(self, epoch: int = 0, batch: int = 0) -> None:
        super().__init__()
        self.epoch, self.batch = epoch, batch

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        super().on_batch_end(batch, result)
        if len(self.batches) == self.batch:
            raise KeyboardInterrupt

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        super().on_epoch_end(record, is_best)
        if record.epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("callback", [Stops(epoch=2), Stops(batch=7)], ids=["after epoch 2", "in epoch 3"])
def test_ctrl_c_keeps_what_was_finished(draw: Draw, run: Run, registry: Registry, callback: Stops) -> None:
    data = draw("small")
    trained = run(data, callback, epochs=9, val_split=0)  # 24 images in 3 batches
    assert trained.interrupted
    assert len(trained.history) == 2
    facts = registry.open("latest").card.training
    assert (facts.interrupted, facts.epochs, facts.best_epoch, facts.config.epochs) == (True, 2, 2, 9)
    assert registry.problems(registry.find("latest")) == []
    assert weights_hash(trained.version) == weights_hash(run(data, epochs=2, val_split=0).version)


@pytest.mark.parametrize("batch", [1, 3])
def test_ctrl_c_in_the_first_epoch_keeps_nothing(draw: Draw, run: Run, registry: Registry, batch: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(draw("small"), Stops(batch=batch), epochs=9, val_split=0)
    assert nothing_is_left(registry)


def interrupted_copying(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Raise KeyboardInterrupt while the weights of an epoch are copied."""
    finished = iter(range(1, epoch))
    whole = torch.nn.Module.state_dict

    def state_dict(self: torch.nn.Module, *arguments: Any, **more: Any) -> Any:
        if not arguments and not more and next(finished, None) is None:
            monkeypatch.setattr(torch.nn.Module, "state_dict", whole)
            raise KeyboardInterrupt
        return whole(self, *arguments, **more)

    monkeypatch.setattr(torch.nn.Module, "state_dict", state_dict)


def test_ctrl_c_while_the_first_weights_are_copied(
    draw: Draw, run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_copying(monkeypatch, epoch=1)
    with pytest.raises(KeyboardInterrupt):
        run(draw("small"), epochs=9, val_split=0)
    assert nothing_is_left(registry)


def test_ctrl_c_while_later_weights_are_copied(draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    data = draw("small")
    until_first = run(data, epochs=1, val_split=0).version
    interrupted_copying(monkeypatch, epoch=2)
    trained = run(data, epochs=9, val_split=0)
    assert trained.interrupted
    assert weights_hash(trained.version) == weights_hash(until_first)
    assert trained.version.card.training.best_epoch == 1  # the card names the epoch of the saved weights


def test_a_run_that_ends_by_itself_is_not_interrupted(draw: Draw, run: Run) -> None:
    trained = run(draw("small"))
    assert trained.interrupted is False
    assert trained.version.card.training.interrupted is False


def test_a_read_only_registry_is_reported_before_training(draw: Draw, without_onnx: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    notes = Notes()
    with pytest.raises(OSError, match="file"):
        train(TrainConfig(data=(str(draw("small")),)), registry=Registry(tmp_path / "file"), callbacks=[notes])
    assert notes.start == []


def test_a_full_disk_leaves_no_version(
    draw: Draw, run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run(draw("small"))
    assert nothing_is_left(registry)


@pytest.mark.parametrize(
    ("settings", "fault", "message"),
    [
        ({"net": "lenett"}, ConfigError, "Unknown network: lenett"),
        ({"net": "resnet18", "activation": "tanh"}, ConfigError, "resnet18 has no option activation"),
        ({"net": "mobilenet_v3_small", "batch_norm": False}, ConfigError, "has no option batch_norm"),
        ({"device": "mps"}, ConfigError, "has no such device"),
        ({"name": "latest"}, ModelError, "latest is reserved"),
        ({"threads": 1000}, ConfigError, "must be at most"),
        ({"name": "a/b"}, ModelError, "not a valid model name"),
        ({"init_from": "nobody"}, ModelError, "No model named nobody"),
        ({"init_from": "./nowhere"}, ModelError, "nowhere is not a model version"),
        ({"data": ["no/where"]}, DatasetError, "no/where"),
    ],
)
def test_errors_are_raised_before_training(
    draw: Draw, registry: Registry, settings: dict[str, Any], fault: type[Exception], message: str
) -> None:
    if settings.get("device") == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has the device mps")
    notes = Notes()
    config = TrainConfig.parse({"data": [str(draw("small"))], **settings})
    with pytest.raises(fault, match=message):
        train(config, registry=registry, callbacks=[notes])
    assert notes.start == []
    assert nothing_is_left(registry)


@pytest.mark.parametrize("settings", [{"name": "SMALL"}, {}], ids=["given", "default"])
def test_a_name_that_differs_only_in_case_is_refused_before_training(
    draw: Draw, registry: Registry, settings: dict[str, str]
) -> None:
    publish(registry, "Small")
    notes = Notes()
    config = TrainConfig.parse({"data": [str(draw("small"))], "net": "lenet", **settings})
    with pytest.raises(ModelError, match="differs from the model Small only in case"):
        train(config, registry=registry, callbacks=[notes])
    assert notes.start == []
