"""Trainings that start from the weights of another model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from charcnn.errors import ConfigError
from charcnn.registry.store import Registry
from charcnn.registry.version import WEIGHTS_FILE, Version
from charcnn.training.train import Trained
from tests.support.trainings import Notes

Draw = Callable[..., Path]
Run = Callable[..., Trained]


@pytest.fixture
def parent(draw: Draw, run: Run) -> Version:
    return run(draw("parent", {"1": "博", "2": "学", "3": "自"}), name="parent", epochs=2, val_split=0).version


STILL: dict[str, Any] = {"opt": "gd", "lr": 1e-30}
"""A learning rate too small to change a float32 weight."""


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
    assert torch.equal(new["13.weight"][1], fresh["13.weight"][1])  # the new label's row is random


def test_the_statistics_of_batch_norm_come_along(draw: Draw, run: Run) -> None:
    data, notes = draw("small"), Notes()
    old = run(data, name="parent", net="cnn", epochs=2, val_split=0).version
    new = run(data, notes, name="child", net="cnn", init_from="parent@1", val_split=0, **STILL).version
    before, after = (int(load_file(v.file(WEIGHTS_FILE))["1.num_batches_tracked"]) for v in (old, new))
    assert after == before + len(notes.batches)
    assert before == 2 * len(notes.batches)


def test_a_training_starts_from_a_version_folder_too(draw: Draw, run: Run, parent: Version, tmp_path: Path) -> None:
    copy = parent.folder.rename(tmp_path / "elsewhere")
    child = run(draw("child", seed=5), init_from=str(copy), **STILL).version
    assert child.card.parent == "parent@1"


def test_weights_of_a_parent_help(draw: Draw, run: Run) -> None:
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
    with pytest.raises(ConfigError, match=r"The weights of parent@1 \(lenet\) do not fit") as fault:
        run(draw("child", seed=5), init_from="parent", **settings)
    assert "`net=lenet`" in fault.value.hint
    assert [listed.reference for listed in registry.versions()] == ["parent@1"]


def test_weights_of_other_layers_are_refused(draw: Draw, run: Run) -> None:
    data = draw("small")
    run(data, name="parent", activation="prelu")
    with pytest.raises(ConfigError, match="do not fit"):
        run(data, init_from="parent", activation="relu")


def test_another_preprocessing_than_the_parents_is_reported(
    draw: Draw, run: Run, parent: Version, caplog: pytest.LogCaptureFixture
) -> None:
    run(draw("child", seed=5), init_from="parent", fit="pad", **STILL)
    assert "parent@1 was trained on images of" in caplog.text
