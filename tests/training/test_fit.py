"""Training without a registry: one step, and a network fitted on images in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from charcnn.handwriting.style import WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.specs.image import ImageSpec
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.context import make_context
from charcnn.training.fit import fit_network
from charcnn.training.history import EpochRecord, History
from charcnn.training.prepare import load_training_data
from charcnn.training.step import StepResult, train_step

Labeled = tuple[NDArray[np.uint8], list[str]]
CONFIG = TrainConfig(net="lenet", epochs=2, batch_size=8, precision="fp32", threads=1)


@pytest.fixture(scope="module")
def arrays() -> Labeled:
    """24 images of three characters."""
    characters = "博学自"
    style = WritingStyle("neat", paper="scan", seed=0)
    images = [picture for character in characters for picture in write_character(character, range(8), 28, style)]
    return np.stack(images), [character for character in characters for _ in range(8)]


# one step


def test_one_step_is_gradient_descent(arrays: Labeled) -> None:
    """It equals plain gradient descent on the cross entropy, computed by hand."""
    spec, images, labels = ImageSpec(), torch.from_numpy(arrays[0][:4])[:, None], torch.tensor([0, 1, 2, 0])
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 3))
    before = [weight.detach().clone() for weight in network.parameters()]
    result = train_step(
        network, torch.optim.SGD(network.parameters(), lr=0.1), nn.functional.cross_entropy, images, labels, spec=spec
    )
    inputs = (images.float() / 255 - spec.mean) / spec.std
    by_hand = [weight.requires_grad_() for weight in before]
    logits = inputs.flatten(1) @ by_hand[0].T + by_hand[1]
    loss = nn.functional.cross_entropy(logits, labels)
    gradients = torch.autograd.grad(loss, by_hand)
    torch.testing.assert_close(result.inputs, inputs)
    torch.testing.assert_close(result.logits, logits.detach())
    torch.testing.assert_close(result.loss, loss.detach())
    for weight, start, gradient in zip(network.parameters(), by_hand, gradients, strict=True):
        torch.testing.assert_close(weight.detach(), (start - 0.1 * gradient).detach())


def test_a_step_leaves_its_gradients_and_no_graph(arrays: Labeled) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 3))
    optimizer = torch.optim.Adam(network.parameters())
    images, labels = torch.from_numpy(arrays[0][:4])[:, None], torch.tensor([0, 1, 2, 0])
    results = [
        train_step(network, optimizer, nn.functional.cross_entropy, images, labels, spec=ImageSpec()) for _ in range(9)
    ]
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())
    assert not results[0].loss.requires_grad
    assert not results[0].logits.requires_grad
    assert results[-1].loss < results[0].loss


# a network fitted without a registry


def test_two_folds_are_fitted_and_nothing_is_written(arrays: Labeled, tmp_path: Path) -> None:
    data = load_training_data(CONFIG, (32,), arrays)
    folds = np.arange(24) % 2
    accuracies = []
    for fold in (0, 1):
        halves = replace(data, train_indices=np.flatnonzero(folds != fold), val_indices=np.flatnonzero(folds == fold))
        fitted = fit_network(make_context(CONFIG, halves))
        assert len(fitted.history.records) == 2
        accuracies.append(fitted.history.best.val_accuracy)
        assert fitted.network(torch.zeros(1, 1, 32, 32)).shape == (1, 3)
    assert all(accuracy is not None and accuracy * 12 == pytest.approx(round(accuracy * 12)) for accuracy in accuracies)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".cache"] == []


def test_the_fitted_network_has_the_best_epochs_weights(arrays: Labeled) -> None:
    fitted = fit_network(make_context(CONFIG, load_training_data(CONFIG, (32,), arrays)))
    state = fitted.network.state_dict()
    assert state.keys() == fitted.history.weights.keys()
    assert all(torch.equal(state[name], value) for name, value in fitted.history.weights.items())


# callbacks


class Order(Callback):
    """A callback that records the calls of its methods, in order."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.told: list[str] = []
        self.fault = fault
        self.end: tuple[History, BaseException | None] | None = None

    def on_train_begin(self, config: ResolvedConfig, network: nn.Module, images: int) -> None:
        self.told.append("train")

    def on_epoch_begin(self, epoch: int) -> None:
        self.told.append(f"epoch {epoch}")

    def on_batch_begin(self, batch: Batch) -> None:
        self.told.append(f"batch {batch.number}/{batch.count}")

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        self.told.append("batch end")
        if self.fault:
            raise self.fault

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        self.told.append("epoch end")

    def on_train_end(self, history: History, error: BaseException | None) -> None:
        self.told.append("train end")
        self.end = history, error


def test_callbacks_are_called_in_order(arrays: Labeled) -> None:
    config, order = replace(CONFIG, val_split=0.0, batch_size=12), Order()
    fit_network(make_context(config, load_training_data(config, (32,), arrays)), callbacks=[order])
    epoch = ["batch 1/2", "batch end", "batch 2/2", "batch end", "epoch end"]
    assert order.told == ["train", "epoch 1", *epoch, "epoch 2", *epoch, "train end"]
    assert order.end is not None
    assert (len(order.end[0].records), order.end[1]) == (2, None)


def test_on_train_end_gets_the_error(arrays: Labeled) -> None:
    fault = RuntimeError("of a callback")
    order, context = Order(fault), make_context(CONFIG, load_training_data(CONFIG, (32,), arrays))
    with pytest.raises(RuntimeError, match="of a callback"):
        fit_network(context, callbacks=[order])
    assert order.end is not None
    assert (order.end[0].records, order.end[1]) == ((), fault)


class StopsAtEnd(Callback):
    """A callback that stops the training after an epoch."""

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        self.should_stop = True


def test_a_callback_stops_after_an_epoch(arrays: Labeled) -> None:
    config = replace(CONFIG, epochs=9)
    history = fit_network(
        make_context(config, load_training_data(config, (32,), arrays)), callbacks=[StopsAtEnd()]
    ).history
    assert (len(history.records), history.interrupted) == (1, True)


def test_the_rate_counts_the_images_that_were_seen(arrays: Labeled) -> None:
    """24 images in batches of 23: the last batch has a single image and is dropped."""
    config = replace(CONFIG, val_split=0.0, batch_size=23, epochs=1)
    (record,) = fit_network(make_context(config, load_training_data(config, (32,), arrays))).history.records
    assert record.images_per_second * record.seconds == pytest.approx(23)
