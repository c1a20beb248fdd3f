"""A network that is registered by the test: train, load, export, resume and start from it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import charcnn
from charcnn.errors import ConfigError, ExportError, TrainingInterrupted
from charcnn.export.load_network import load_network
from charcnn.export.onnx import write_onnx
from charcnn.registry.runs import list_runs
from charcnn.registry.store import Registry
from charcnn.registry.version import WEIGHTS_FILE
from charcnn.training.callbacks import Batch
from charcnn.training.step import StepResult
from charcnn.training.train import Trained

Draw = Callable[..., Path]
Run = Callable[..., Trained]


@charcnn.register_network("test-own", sizes=[28], recipe="lab", summary="one convolution")
def own(classes: int, *, channels: int = 4, pool: str = "max", dropout: float = 0.0) -> nn.Module:
    """Build one convolution and a linear layer."""
    pools = {"max": nn.MaxPool2d, "mean": nn.AvgPool2d}
    layers = (nn.Conv2d(1, channels, 3), nn.ReLU(), pools[pool](6), nn.Flatten(), nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(channels * 16, classes))


OPTIONS = {"net": "test-own", "net_options": {"channels": 6, "pool": "mean"}, "dropout": 0.25}


def test_its_options_are_in_the_card_and_open_it_again(draw: Draw, run: Run) -> None:
    version = run(draw("small"), **OPTIONS).version
    assert version.card.network.name == "test-own"
    assert version.card.network.options == {"channels": 6, "pool": "mean", "dropout": 0.25}
    network = load_network(version)
    kinds = [type(layer) for layer in network.children()]
    assert nn.AvgPool2d in kinds
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 3)


def test_it_reads_images_by_its_onnx_file(draw: Draw, registry: Registry) -> None:
    config = charcnn.TrainConfig(data=(str(draw("small")),), net="TEST-OWN", epochs=1, net_options={"channels": 5})
    version = charcnn.train(config, registry=registry).version
    assert version.card.network.name == "test-own"
    assert charcnn.load("latest", registry).predict(np.full((40, 30), 255, np.uint8)).label in "博学自"


def test_it_is_exported_again(draw: Draw, run: Run, tmp_path: Path) -> None:
    version = run(draw("small"), **OPTIONS).version
    assert write_onnx(load_network(version), version.card.labels, version.card.image, tmp_path / "it.onnx") < 1e-4


@charcnn.register_network("test-unexportable", sizes=[28])
def unexportable(classes: int) -> nn.Module:
    """Build a network that ONNX does not support: it pools 26 pixels into 4 cells of unequal sizes."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveMaxPool2d(4), nn.Flatten(), nn.Linear(64, classes))


def test_a_network_that_onnx_cannot_hold_is_named_and_its_run_stays(draw: Draw, registry: Registry) -> None:
    config = charcnn.TrainConfig(data=(str(draw("small")),), net="test-unexportable", epochs=1)
    with pytest.raises(ExportError, match="torch cannot export this network to ONNX: "):
        charcnn.train(config, registry=registry)
    assert registry.versions() == []
    assert [run.checkpoint_file.is_file() for run in list_runs(registry.root)] == [True]


class StopsAfter(charcnn.Callback):
    """A callback that stops the training after some steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        self.left -= 1
        self.should_stop = self.left == 0


def test_it_is_resumed_to_the_same_weights(draw: Draw, run: Run, registry: Registry) -> None:
    data = draw("small")
    whole = run(data, name="whole", epochs=2, **OPTIONS).version
    with pytest.raises(TrainingInterrupted) as stopped:
        run(data, StopsAfter(1), name="cut", epochs=2, **OPTIONS)
    again = charcnn.resume(stopped.value.run, registry=registry).version
    assert again.card.files[WEIGHTS_FILE] == whole.card.files[WEIGHTS_FILE]
    assert again.card.network == whole.card.network


def test_another_training_starts_from_its_weights(draw: Draw, run: Run) -> None:
    data = draw("small")
    parent = run(data, name="parent", **OPTIONS).version
    child = run(data, name="child", init_from="parent", opt="gd", lr=1e-12, **OPTIONS).version
    weights = [load_network(version).state_dict()["0.weight"] for version in (parent, child)]
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=1e-6)
    with pytest.raises(ConfigError, match="do not fit"):
        run(data, name="other", init_from="parent", net="test-own")


def test_an_option_that_it_lacks_is_refused_before_the_work(draw: Draw, run: Run, registry: Registry) -> None:
    with pytest.raises(ConfigError, match="has no option chanels") as fault:
        run(draw("small"), net="test-own", net_options={"chanels": 6})
    assert fault.value.field == "net_options"
    assert "channels" in fault.value.hint
    assert registry.versions() == []
