"""`train`: from a config to a version, and what is kept when it is cut short."""

import csv
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from charcnn.errors import ConfigError, DatasetError, ModelError, TrainingError
from charcnn.export.load_network import load_network
from charcnn.networks.catalogue import get_network
from charcnn.registry.store import Registry
from charcnn.registry.version import WEIGHTS_FILE, Version
from charcnn.specs.image import ImageSpec
from charcnn.specs.train_config import ResolvedConfig, TrainConfig
from charcnn.storage.files import sha256_of
from charcnn.training import trainer
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.history import EpochRecord
from charcnn.training.prepare import load_training_data
from charcnn.training.step import StepResult
from charcnn.training.train import Trained, train

Draw = Callable[..., Path]
Run = Callable[..., Trained]


def weights_hash(version: Version) -> str:
    return version.card.files[WEIGHTS_FILE]


class Notes(Callback):
    """Writes down what it is told."""

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
    """Validation gives these accuracies, epoch by epoch."""
    script = iter(accuracies)

    def validate(*_: object) -> tuple[float, float]:
        accuracy = next(script)
        return 1 - accuracy, accuracy

    monkeypatch.setattr(trainer, "validate", validate)


def nothing_is_left(registry: Registry) -> bool:
    staging = registry.root / ".staging"
    return registry.versions() == [] and not (staging.exists() and any(staging.iterdir()))


# determinism


@pytest.mark.parametrize("net", ["lenet", "cnn-dropout"])
def test_the_same_config_gives_the_same_weights_bit_for_bit(draw: Draw, run: Run, net: str) -> None:
    data = draw("small")
    one, same, other = (run(data, net=net, epochs=2, seed=seed) for seed in (3, 3, 4))
    assert weights_hash(one.version) == weights_hash(same.version)
    assert weights_hash(one.version) != weights_hash(other.version)
    assert [record.loss for record in one.history] == [record.loss for record in same.history]


def test_the_weights_do_not_depend_on_torchs_global_generator(draw: Draw, run: Run) -> None:
    data = draw("small")
    hashes = []
    for seed in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            hashes.append(weights_hash(run(data, net="cnn-dropout").version))
    assert hashes[0] == hashes[1]


def test_torchs_global_generator_is_left_alone(draw: Draw, registry: Registry) -> None:
    config = TrainConfig(data=(str(draw("small")),), net="lenet", epochs=1, dropout=0.5)
    before = torch.get_rng_state()
    train(config, registry=registry)  # with the ONNX file
    assert torch.equal(torch.get_rng_state(), before)


# the best epoch


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [([0.2, 0.9, 0.5], 2), ([0.9, 0.2, 0.5], 1), ([0.2, 0.5, 0.9], 3), ([0.5, 0.9, 0.9], 3), ([0.0, 0.0, 0.0], 3)],
)
def test_the_best_epochs_weights_are_saved(
    draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch, accuracies: list[float], best: int
) -> None:
    data, notes = draw("small"), Notes()
    scripted(monkeypatch, accuracies)
    trained = run(data, notes, epochs=3)
    scripted(monkeypatch, [0.1] * best)
    until_best = run(data, epochs=best)  # ends with the epoch that was the best above
    assert weights_hash(trained.version) == weights_hash(until_best.version)
    if best < 3:
        scripted(monkeypatch, [0.1, 0.2, 0.3])
        assert weights_hash(trained.version) != weights_hash(run(data, epochs=3).version)
    facts = trained.version.card.training
    assert (facts.epochs, facts.best_epoch) == (3, best)
    assert "val_accuracy" in facts.metric
    assert "highest" in facts.metric
    scores = trained.version.card.validation
    assert scores is not None
    assert scores.accuracy == accuracies[best - 1]
    assert max(epoch for epoch, is_best in notes.epochs if is_best) == best


@pytest.mark.parametrize(
    ("schedule", "accuracies", "best"),
    [
        ("constant", [0.2, 0.6, 0.55], 2),
        ("onecycle", [0.2, 0.6, 0.55], 3),
        ("cosine", [0.2, 0.6, 0.55], 3),
        ("onecycle", [0.2, 1.0, 0.1], 2),
        ("onecycle", [0.2, 0.5, 0.6], 3),
    ],
)
def test_where_the_rate_falls_to_nothing_the_end_is_the_best_unless_it_is_clearly_not(
    draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch, schedule: str, accuracies: list[float], best: int
) -> None:
    data = draw("small")
    scripted(monkeypatch, accuracies)
    trained = run(data, epochs=3, schedule=schedule)
    facts = trained.version.card.training
    assert (facts.epochs, facts.best_epoch) == (3, best)
    scores = trained.version.card.validation
    assert scores is not None
    assert scores.accuracy == accuracies[best - 1]
    scripted(monkeypatch, [0.1, 0.2, 0.3])
    of_the_end = weights_hash(run(data, epochs=3, schedule=schedule).version)
    assert (weights_hash(trained.version) == of_the_end) is (best == 3)


def test_a_training_that_patience_ended_is_not_at_rest(draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [0.2, 0.6, 0.55, 0.55, 0.55])
    trained = run(draw("small"), epochs=5, patience=1, schedule="cosine")
    assert len(trained.history) == 3
    assert trained.version.card.training.best_epoch == 2


def test_without_validation_the_last_epoch_is_saved(draw: Draw, run: Run) -> None:
    data = draw("small")
    trained = run(data, epochs=2, val_split=0)
    card = trained.version.card
    assert card.validation is None
    assert card.training.best_epoch == 2
    assert "last" in card.training.metric
    assert all(record.val_loss is None and record.val_accuracy is None for record in trained.history)
    assert weights_hash(trained.version) != weights_hash(run(data, epochs=1, val_split=0).version)
    with trained.version.file("history.csv").open(newline="") as stream:
        assert [row["val_accuracy"] for row in csv.DictReader(stream)] == ["", ""]


@pytest.mark.parametrize("net", ["lenet", "cnn-dropout"])
def test_validation_is_measured_by_the_saved_weights(draw: Draw, run: Run, net: str) -> None:
    """The score in the card, computed again from the files alone."""
    data, other = draw("small"), draw("other", count=5, seed=8)
    trained = run(data, net=net, epochs=2, val=str(other))
    loaded = load_training_data(trained.version.card.training.config, get_network(net).size)
    images = torch.from_numpy(loaded.val.images.copy())[:, None]
    labels = torch.from_numpy(loaded.val.labels_in(loaded.classes))
    with torch.inference_mode():
        logits = load_network(trained.version)(images.float() / 255 - 1)
    scores = trained.version.card.validation
    assert scores is not None
    assert scores.accuracy == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert scores.loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), rel=1e-4)


@pytest.mark.parametrize(
    ("accuracies", "patience", "finished", "best"),
    [
        ([0.9, 0.8, 0.7, 0.6, 0.5], 2, 3, 1),
        ([0.5, 0.4, 0.6, 0.5, 0.4], 2, 5, 3),
        ([0.5, 0.4, 0.6, 0.5, 0.7], 2, 5, 5),
        ([0.9, 0.8, 0.95, 0.1, 0.2], 1, 2, 1),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1, 5, 5),
    ],
)
def test_patience_ends_it(
    draw: Draw,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    accuracies: list[float],
    patience: int,
    finished: int,
    best: int,
) -> None:
    scripted(monkeypatch, accuracies)
    trained = run(draw("small"), epochs=5, patience=patience)
    assert len(trained.history) == finished
    assert trained.version.card.training.best_epoch == best
    assert not trained.interrupted


def test_an_epoch_that_is_only_as_good_is_not_a_better_one(
    draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`patience`: stop after so many epochs without a better one."""
    scripted(monkeypatch, [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert len(run(draw("small"), epochs=8, patience=2).history) == 4


# when it goes wrong


def test_a_loss_that_is_no_number_ends_it(draw: Draw, run: Run, registry: Registry) -> None:
    with pytest.raises(TrainingError, match="not finite in epoch") as fault:
        run(draw("small"), epochs=5, opt="gd", lr=1e30)
    assert "`lr=1e+29`" in fault.value.hint
    assert nothing_is_left(registry)


@pytest.mark.parametrize("val_split", [0.2, 0.0])
def test_weights_that_give_no_numbers_after_the_last_step_end_it_too(
    draw: Draw, registry: Registry, val_split: float
) -> None:
    """One epoch of one batch: the loss is computed before the only step, and says nothing yet."""
    settings = {"net": "lenet", "epochs": 1, "batch_size": 64, "opt": "gd", "lr": 1e38, "val_split": val_split}
    config = TrainConfig.parse({"data": [str(draw("small"))], **settings})
    with pytest.raises(TrainingError, match="too large"):
        train(config, registry=registry)
    assert nothing_is_left(registry)


class Stops(Notes):
    """Ctrl-C, at a place."""

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
    """Ctrl-C comes in the moment after an epoch in which its weights are copied."""
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
    assert trained.version.card.training.best_epoch == 1  # the card names the epoch whose weights these are


def test_a_run_that_ends_by_itself_is_not_interrupted(draw: Draw, run: Run) -> None:
    trained = run(draw("small"))
    assert trained.interrupted is False
    assert trained.version.card.training.interrupted is False


def test_a_registry_that_cannot_be_written_is_said_before_the_work(
    draw: Draw, without_onnx: None, tmp_path: Path
) -> None:
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
        ({"name": "a/b"}, ModelError, "not a valid model name"),
        ({"init_from": "nobody"}, ModelError, "No model named nobody"),
        ({"init_from": "./nowhere"}, ModelError, "nowhere is not a model version"),
        ({"data": ["no/where"]}, DatasetError, "no/where"),
    ],
)
def test_what_is_wrong_is_said_before_the_work(
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


# starting from another model


@pytest.fixture
def parent(draw: Draw, run: Run) -> Version:
    return run(draw("parent", {"1": "博", "2": "学", "3": "自"}), name="parent", epochs=2, val_split=0).version


STILL: dict[str, Any] = {"opt": "gd", "lr": 1e-30}
"""Steps too small to change a float32."""


def test_the_head_is_mapped_by_label(draw: Draw, run: Run, parent: Version) -> None:
    data = draw("child", {"1": "自", "2": "无", "3": "博"}, seed=5)
    child = run(data, init_from="parent", **STILL).version
    assert child.card.labels == ("自", "无", "博")
    assert child.card.parent == "parent@1"
    old, new = (load_file(version.file(WEIGHTS_FILE)) for version in (parent, child))
    assert old.keys() == new.keys()
    head = {"13.weight", "13.bias"}
    assert head < old.keys()
    for key in old.keys() - head:
        assert torch.equal(old[key], new[key]), key
    for key in head:
        assert torch.equal(new[key][0], old[key][2])
        assert torch.equal(new[key][2], old[key][0])
        assert not any(torch.equal(new[key][1], row) for row in old[key])
    fresh = load_file(run(data, **STILL).version.file(WEIGHTS_FILE))
    assert torch.equal(new["13.weight"][1], fresh["13.weight"][1])  # the new label's row is drawn by the seed


def test_the_statistics_of_batch_norm_come_along(draw: Draw, run: Run) -> None:
    data, notes = draw("small"), Notes()
    old = run(data, name="parent", net="cnn", epochs=2, val_split=0).version
    new = run(data, notes, name="child", net="cnn", init_from="parent@1", val_split=0, **STILL).version
    before, after = (int(load_file(v.file(WEIGHTS_FILE))["1.num_batches_tracked"]) for v in (old, new))
    assert after == before + len(notes.batches)
    assert before == 2 * len(notes.batches)


def test_it_starts_from_a_folder_too(draw: Draw, run: Run, parent: Version, tmp_path: Path) -> None:
    copy = parent.folder.rename(tmp_path / "elsewhere")
    child = run(draw("child", seed=5), init_from=str(copy), **STILL).version
    assert child.card.parent == "parent@1"


def test_what_was_learnt_helps(draw: Draw, run: Run) -> None:
    data = draw("small")
    first = run(data, name="parent", epochs=10, lr=0.005, val_split=0)
    second = run(data, name="child", init_from="parent", val_split=0, **STILL)
    assert second.history[0].loss < 0.5 * first.history[0].loss


@pytest.mark.parametrize(
    "settings",
    [{"net": "lenet-wide"}, {"net": "cnn"}, {"net": "cnn-dropout"}, {"batch_norm": True}, {"activation": "prelu"}],
    ids=str,
)
def test_another_network_is_refused(
    draw: Draw, run: Run, registry: Registry, parent: Version, settings: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="parent@1 is a lenet: its weights do not fit") as fault:
        run(draw("child", seed=5), init_from="parent", **settings)
    assert "`net=lenet`" in fault.value.hint
    assert [listed.reference for listed in registry.versions()] == ["parent@1"]


def test_weights_that_the_network_has_no_place_for_are_refused(draw: Draw, run: Run) -> None:
    data = draw("small")
    run(data, name="parent", activation="prelu")
    with pytest.raises(ConfigError, match="do not fit"):
        run(data, init_from="parent", activation="relu")


# the loop and its callbacks


def test_a_callback_is_told_everything(draw: Draw, run: Run) -> None:
    notes = Notes()
    run(draw("small", count=7), notes, epochs=2, val_split=0, batch_size=8)  # 21 images
    assert notes.start == [(2, 21)]
    assert notes.batches == [8, 8, 5] * 2
    assert [epoch for epoch, _ in notes.epochs] == [1, 2]


def test_a_single_image_left_over_is_left_out(draw: Draw, run: Run) -> None:
    notes = Notes()
    run(draw("small", count=3), notes, net="cnn", val_split=0, batch_size=8)  # 9 images
    assert notes.batches == [8]
    notes = Notes()
    run(draw("other", count=2), notes, net="cnn", val_split=0, batch_size=1)
    assert notes.batches == [1] * 6


def test_every_epoch_has_an_order_of_its_own(draw: Draw, run: Run) -> None:
    orders: list[list[bytes]] = []

    class Orders(Callback):
        def on_epoch_begin(self, epoch: int) -> None:
            orders.append([])

        def on_batch_end(self, batch: Batch, result: StepResult) -> None:
            orders[-1] += [image.numpy().tobytes() for image in result.inputs]

    run(draw("small"), Orders(), epochs=2, val_split=0)
    assert len(set(orders[0])) == 24
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_every_epoch_learns_in_training_mode(draw: Draw, run: Run) -> None:
    """Validation, in between, takes the network out of it."""
    modes: list[bool] = []

    class Modes(Callback):
        def on_train_begin(self, config: ResolvedConfig, network: nn.Module, images: int) -> None:
            self.network = network

        def on_batch_begin(self, batch: Batch) -> None:
            modes.append(self.network.training)

    run(draw("small"), Modes(), epochs=3)
    assert modes
    assert all(modes)


@pytest.mark.parametrize(
    ("opt", "lr"),
    [("sgd", 0.03), ("nesterov", 0.03), ("adam", 0.003), ("adamw", 0.003), ("rmsprop", 0.001), ("gd", 0.1)],
)
@pytest.mark.parametrize("loss", ["ce", "mse", "l1"])
def test_every_optimizer_makes_every_loss_smaller(draw: Draw, run: Run, opt: str, lr: float, loss: str) -> None:
    history = run(draw("small"), opt=opt, lr=lr, loss=loss, batch_norm=True, epochs=5, val_split=0).history
    assert history[-1].loss < 0.9 * history[0].loss


@pytest.mark.parametrize("opt", ["sgd", "nesterov", "adam", "adamw", "rmsprop"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_optimizer_trains_compact_by_its_recipe(draw: Draw, run: Run, opt: str, precision: str) -> None:
    history = run(draw("small"), net="compact", opt=opt, precision=precision, epochs=4, val_split=0).history
    assert history[-1].loss < history[0].loss


@pytest.mark.parametrize(
    "settings",
    [
        {"class_weights": "inverse"},
        {"label_smoothing": 0.2},
        {"activation": "tanh"},
        {"dropout": 0.5},
        {"batch_norm": True},
        {"batch_size": 5},
        {"fit": "ink"},
    ],
    ids=str,
)
def test_a_setting_changes_what_is_learnt(draw: Draw, run: Run, settings: dict[str, Any]) -> None:
    data = draw("small", {"1": "博", "2": "学"})
    for path in sorted((data / "2").iterdir())[4:]:
        path.unlink()
    assert weights_hash(run(data, **settings).version) != weights_hash(run(data).version)


def test_the_options_of_the_network_are_in_the_card(draw: Draw, run: Run) -> None:
    version = run(draw("small"), activation="tanh", dropout=0.25, batch_norm=True).version
    assert version.card.network.name == "lenet"
    assert version.card.network.options == {"activation": "tanh", "dropout": 0.25, "batch_norm": True}
    network = load_network(version)
    assert version.card.network.parameters == sum(weight.numel() for weight in network.parameters())
    assert not network.training


def test_a_version_knows_the_hash_of_its_weights(draw: Draw, run: Run) -> None:
    version = run(draw("small")).version
    assert weights_hash(version) == sha256_of(version.folder / WEIGHTS_FILE)
    assert version.card.image == ImageSpec(height=32, width=32)
