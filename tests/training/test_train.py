"""`train`: determinism, the best epoch, callbacks and settings."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from charcnn.export.load_network import load_network
from charcnn.networks.catalogue import get_network
from charcnn.registry.store import Registry
from charcnn.registry.version import WEIGHTS_FILE
from charcnn.specs.image import ImageSpec
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig
from charcnn.storage.files import sha256_of
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.prepare import load_training_data
from charcnn.training.step import StepResult
from charcnn.training.train import Trained, train
from tests.support.trainings import Notes, scripted, weights_hash

Draw = Callable[..., Path]
Run = Callable[..., Trained]


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
    until_best = run(data, epochs=best)  # ends with the best epoch of the training above
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
def test_annealed_schedule_keeps_the_last_epoch_unless_clearly_worse(
    draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch, schedule: str, accuracies: list[float], best: int
) -> None:
    data, notes = draw("small"), Notes()
    scripted(monkeypatch, accuracies)
    trained = run(data, notes, epochs=3, schedule=schedule)
    facts = trained.version.card.training
    assert (facts.epochs, facts.best_epoch) == (3, best)
    assert max(epoch for epoch, is_best in notes.epochs if is_best) == best
    scores = trained.version.card.validation
    assert scores is not None
    assert scores.accuracy == accuracies[best - 1]
    scripted(monkeypatch, [0.1, 0.2, 0.3])
    of_the_end = weights_hash(run(data, epochs=3, schedule=schedule).version)
    assert (weights_hash(trained.version) == of_the_end) is (best == 3)


def test_training_ended_by_patience_keeps_its_best_epoch(draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
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
    """The score in the card equals one that is computed from the saved files."""
    data, other = draw("small"), draw("other", count=5, seed=8)
    trained = run(data, net=net, epochs=2, val=str(other))
    loaded = load_training_data(trained.version.card.training.config, (get_network(net).size,))
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
def test_patience_ends_the_training(
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


def test_an_equally_good_epoch_is_not_an_improvement(draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`patience` is the number of epochs without an improvement before training stops."""
    scripted(monkeypatch, [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert len(run(draw("small"), epochs=8, patience=2).history) == 4


# the loop and its callbacks


def test_a_callback_gets_all_events(draw: Draw, run: Run) -> None:
    notes = Notes()
    run(draw("small", count=7), notes, epochs=2, val_split=0, batch_size=8)  # 21 images
    assert notes.start == [(2, 21)]
    assert notes.batches == [8, 8, 5] * 2
    assert [epoch for epoch, _ in notes.epochs] == [1, 2]


def test_a_last_batch_of_one_image_is_dropped(draw: Draw, run: Run) -> None:
    notes = Notes()
    run(draw("small", count=3), notes, net="cnn", val_split=0, batch_size=8)  # 9 images
    assert notes.batches == [8]
    notes = Notes()
    run(draw("other", count=2), notes, net="cnn", val_split=0, batch_size=1)
    assert notes.batches == [1] * 6


def test_every_epoch_has_a_different_order(draw: Draw, run: Run) -> None:
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


def test_every_epoch_trains_in_training_mode(draw: Draw, run: Run) -> None:
    """Validation switches the network to evaluation mode in between."""
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
def test_a_setting_changes_the_weights(draw: Draw, run: Run, settings: dict[str, Any]) -> None:
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
