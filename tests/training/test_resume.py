"""A training that was interrupted and resumed gives the same weights as an uninterrupted one, bit for bit."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from charcnn.errors import CardError, ConfigError, DatasetError, ModelError, TrainingInterrupted
from charcnn.registry.runs import find_run, list_runs
from charcnn.registry.store import Registry
from charcnn.registry.version import WEIGHTS_FILE, Version
from charcnn.storage.files import sha256_of
from charcnn.training import trainer
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.checkpoint import Checkpoint
from charcnn.training.history import EpochRecord
from charcnn.training.step import StepResult
from charcnn.training.train import Trained, resume
from tests.support.trainings import Notes

Draw = Callable[..., Path]
Run = Callable[..., Trained]
EPOCHS = 6
EVERYTHING_DRAWS = {"net": "cnn-dropout", "augment": "strong", "opt": "adamw", "schedule": "onecycle", "batch_size": 8}


class Stops(Callback):
    """A callback that stops the training in a step."""

    def __init__(self, step: int) -> None:
        self.left = step

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        self.left -= 1
        self.should_stop = self.left <= 0


class Dies(Callback):
    """A callback that raises an unexpected exception after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        if record.epoch == self.epoch:
            raise RuntimeError("the plug was pulled")


def weights(version: Version) -> str:
    return sha256_of(version.file(WEIGHTS_FILE))


def cut(run: Run, data: Path, callback: Callback, **settings: Any) -> None:
    with suppress(TrainingInterrupted, RuntimeError):
        assert run(data, callback, name="cut", **settings).interrupted


@pytest.mark.parametrize(
    "settings",
    [
        EVERYTHING_DRAWS,
        {"net": "compact", "precision": "bf16"},
        {"net": "lenet", "opt": "nesterov", "batch_size": 8},
        {"net": "cnn", "opt": "rmsprop", "momentum": 0.5, "batch_size": 8},
        {"net": "lenet", "opt": "gd", "batch_size": 8},
    ],
    ids=lambda settings: settings["net"] + "-" + settings.get("opt", "own"),
)
def test_stop_within_an_epoch_changes_nothing(
    draw: Draw, run: Run, registry: Registry, settings: dict[str, Any]
) -> None:
    data = draw("small")
    whole = run(data, name="whole", epochs=3, **settings)
    cut(run, data, Stops(len(whole.history) + 1), epochs=3, **settings)
    again = resume("last", registry=registry)
    assert weights(again.version) == weights(whole.version)
    assert [r[:5] for r in again.history] == [r[:5] for r in whole.history]


@pytest.mark.parametrize("epoch", range(1, EPOCHS + 1))
def test_kill_after_any_epoch_changes_nothing(draw: Draw, run: Run, registry: Registry, epoch: int) -> None:
    data = draw("small")
    whole = run(data, name="whole", epochs=EPOCHS, **EVERYTHING_DRAWS).version
    cut(run, data, Dies(epoch), epochs=EPOCHS, **EVERYTHING_DRAWS)
    again = resume("last", registry=registry).version
    assert weights(again) == weights(whole)
    assert again.card.reference == "cut@1"


def test_several_stops_change_nothing(draw: Draw, run: Run, registry: Registry) -> None:
    data = draw("small")
    settings = EVERYTHING_DRAWS | {"batch_size": 4}
    whole = run(data, name="whole", epochs=2, **settings).version
    with pytest.raises(TrainingInterrupted) as stopped:
        run(data, Stops(1), name="cut", epochs=2, **settings)
    for _ in range(2):
        with pytest.raises(TrainingInterrupted):
            resume(stopped.value.run, registry=registry, callbacks=[Stops(1)])
    assert registry.names() == ["whole"]
    assert weights(resume(stopped.value.run, registry=registry).version) == weights(whole)


@pytest.mark.parametrize("epoch", [3, 5], ids=["before", "after the last"])
def test_patience_and_the_best_epoch_are_restored(
    draw: Draw, run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    def scripted() -> None:
        scores = iter([0.2, 0.9, 0.5, 0.5, 0.5, 0.5])
        monkeypatch.setattr(trainer, "validate", lambda *_: (1.0, next(scores)))

    data, settings = draw("small"), {"net": "lenet", "epochs": 6, "patience": 3, "batch_size": 8}
    scripted()
    whole = run(data, name="whole", **settings)
    assert len(whole.history) == 5
    scripted()
    cut(run, data, Dies(epoch), **settings)
    again = resume("last", registry=registry)
    assert [record.val_accuracy for record in again.history] == [0.2, 0.9, 0.5, 0.5, 0.5]
    assert again.version.card.training.best_epoch == 2
    assert weights(again.version) == weights(whole.version)


@pytest.mark.parametrize(("stop", "marked"), [(Dies(2), [(3, True)]), (Dies(3), [])], ids=["before", "after the last"])
def test_a_resumed_training_marks_and_keeps_the_same_epoch(
    draw: Draw,
    run: Run,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    stop: Dies,
    marked: list[tuple[int, bool]],
) -> None:
    """Of a falling learning rate the last epoch is kept, although the second one is better by an image or so."""

    def scripted() -> None:
        scores = iter([0.2, 0.6, 0.55])
        monkeypatch.setattr(trainer, "validate", lambda *_: (1.0, next(scores)))

    data, settings = draw("small"), {"net": "lenet", "epochs": 3, "schedule": "onecycle", "batch_size": 8}
    scripted()
    whole = run(data, name="whole", **settings)
    scripted()
    cut(run, data, stop, **settings)
    notes = Notes()
    again = resume("last", registry=registry, callbacks=[notes])
    assert notes.epochs == marked
    assert again.version.card.training.best_epoch == 3
    assert weights(again.version) == weights(whole.version)


def test_a_finished_training_is_given_more_epochs(draw: Draw, run: Run, registry: Registry) -> None:
    data, settings = draw("small"), {"net": "lenet", "opt": "adam", "schedule": "constant", "val_split": 0}
    whole = run(data, name="whole", epochs=4, **settings).version
    short = run(data, name="short", epochs=2, **settings)
    longer = resume(short.run, epochs=4, registry=registry)
    assert weights(longer.version) == weights(whole)
    assert longer.version.card.reference == "short@2"
    with pytest.raises(ConfigError, match="increased but not reduced"):
        resume(short.run, epochs=3, registry=registry)


@pytest.mark.parametrize("epochs", [None, 2])
def test_a_finished_training_without_more_epochs_is_not_saved_again(
    draw: Draw, run: Run, registry: Registry, epochs: int | None
) -> None:
    done = run(draw("small"), net="lenet", epochs=2, val_split=0)
    with pytest.raises(ConfigError, match="is finished: it has trained 2 epochs") as fault:
        resume(done.run, epochs=epochs, registry=registry)
    assert "`epochs=4`" in fault.value.hint
    assert [info.reference for info in registry.versions()] == [done.version.card.reference]


@pytest.mark.parametrize("epochs", [None, 9])
def test_a_training_ended_by_patience_is_not_given_more_epochs(
    draw: Draw, run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch, epochs: int | None
) -> None:
    monkeypatch.setattr(trainer, "validate", lambda *_: (1.0, 0.5))
    done = run(draw("small"), net="lenet", epochs=6, patience=1)
    with pytest.raises(ConfigError, match="is finished: `patience=1` ended it after 2 of 6 epochs") as fault:
        resume(done.run, epochs=epochs, registry=registry)
    assert "a higher `patience`" in fault.value.hint
    assert [info.reference for info in registry.versions()] == [done.version.card.reference]


def test_other_runs_finished_or_not_stay(draw: Draw, run: Run, registry: Registry) -> None:
    data = draw("small")
    cut(run, data, Dies(1), net="lenet", epochs=2)
    unfinished = list_runs(registry.root)[0].name
    names = [run(data, net="lenet", epochs=1).run for _ in range(2)]
    assert {kept.name for kept in list_runs(registry.root)} == {unfinished, *names}
    assert find_run(registry.root, "last").name == unfinished


def test_changed_training_data_is_refused(draw: Draw, run: Run, registry: Registry) -> None:
    data = draw("small")
    cut(run, data, Dies(1), net="lenet", epochs=2)
    next((data / "1").iterdir()).unlink()
    with pytest.raises(DatasetError, match=r"has changed since cut-\S+ was trained on it"):
        resume("last", registry=registry)
    assert len(list_runs(registry.root)) == 1  # the run is kept, so the image can be restored


def test_a_run_cannot_be_resumed_by_two_processes(draw: Draw, run: Run, registry: Registry) -> None:
    cut(run, draw("small"), Dies(1), net="lenet", epochs=2)
    with list_runs(registry.root)[0].lock(), pytest.raises(ModelError, match="Another process is training"):
        resume("last", registry=registry)


@pytest.mark.parametrize("name", ["nobody", "../../etc", "last", "a/b", "x" * 300, "\0"])
def test_an_unknown_run_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(ModelError):
        resume(name, registry=registry)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\x80\x04" + b, lambda b: b[:9]]
)
def test_a_damaged_checkpoint_is_named(
    draw: Draw, run: Run, registry: Registry, damage: Callable[[bytes], bytes]
) -> None:
    cut(run, draw("small"), Dies(1), net="lenet", epochs=2)
    path = list_runs(registry.root)[0].checkpoint_file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CardError, match=r"checkpoint\.safetensors"):
        resume("last", registry=registry)


def test_a_checkpoint_is_read_as_it_was_written(draw: Draw, run: Run, registry: Registry) -> None:
    cut(run, draw("small"), Stops(2), net="lenet", epochs=2, batch_size=8)
    data = list_runs(registry.root)[0].checkpoint_file.read_bytes()
    assert Checkpoint.from_bytes(data, "it").to_bytes() == data


def test_interrupted_save_changes_nothing(
    draw: Draw, run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from charcnn.training import train as module

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    data = draw("small")
    whole = run(data, name="whole", net="lenet", epochs=2).version
    with monkeypatch.context() as patched:
        patched.setattr(module, "write_version", interrupted)
        with pytest.raises(TrainingInterrupted) as stopped:
            run(data, name="cut", net="lenet", epochs=2)
    assert weights(resume(stopped.value.run, registry=registry).version) == weights(whole)


def test_a_disk_that_fills_up_does_not_end_the_training(
    draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from charcnn.registry.runs import Run as Folder

    def full(_self: Folder, _checkpoint: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "write_checkpoint", full)
    assert run(draw("small"), net="lenet", epochs=2).version.card.training.epochs == 2
    assert "No space left on device" in caplog.text


def test_a_full_disk_is_reported_before_training(
    draw: Draw, run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(OSError, match="No space left"):
        run(draw("small"), net="lenet", epochs=1)
    assert registry.versions() == []
    assert list_runs(registry.root) == []


def test_the_batch_that_broke_the_loss_is_named(draw: Draw, run: Run, registry: Registry) -> None:
    from charcnn.errors import TrainingError

    with pytest.raises(TrainingError, match=r"in epoch \d+, at batch \d+ of \d+"):
        run(draw("small"), net="lenet", opt="gd", lr=1e30, batch_size=8, epochs=9)
    assert list_runs(registry.root) == []


def test_a_checkpoint_of_a_newer_schema_is_refused(draw: Draw, run: Run, registry: Registry) -> None:
    cut(run, draw("small"), Dies(1), net="lenet", epochs=2)
    data = list_runs(registry.root)[0].checkpoint_file.read_bytes()
    newer = data.replace(b'\\"schema_version\\": 1', b'\\"schema_version\\": 9')
    assert newer != data
    with pytest.raises(CardError, match="schema version 9; this charcnn reads 1"):
        Checkpoint.from_bytes(newer, "it")
