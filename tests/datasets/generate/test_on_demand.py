"""The starter set is written only if a default dataset is requested and nothing is in its place."""

import logging
from pathlib import Path

import pytest

from charcnn.datasets.generate.on_demand import dataset_or_starter
from charcnn.datasets.generate.synth import synth
from charcnn.errors import DatasetNotFoundError


def _write_smallest(root: Path) -> None:
    synth(root=root, per_class=1, test_per_class=1)


def _refuse_to_write(root: Path) -> None:
    raise AssertionError(f"the starter set was written to {root}")


@pytest.mark.parametrize("name", ["train", "test", "ttest"])
def test_missing_default_dataset_is_written_and_reported(
    world: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert dataset_or_starter(name, _write_smallest).resolve() == world / "data" / name
    assert str(Path("data", name)) in caplog.text
    assert {"train", "test", "ttest", "ttest.csv", "classes.txt"} <= {p.name for p in (world / "data").iterdir()}


def test_it_is_written_to_the_data_root(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARCNN_DATA", str(world / "elsewhere"))
    assert dataset_or_starter("train", _write_smallest) == world / "elsewhere" / "train"


def test_existing_datasets_are_used(world: Path) -> None:
    (world / "data" / "train").mkdir(parents=True)
    assert dataset_or_starter("train", _refuse_to_write).resolve() == world / "data" / "train"


def test_a_missing_part_of_an_unmodified_set_is_written_again(world: Path) -> None:
    _write_smallest(world / "data")
    (world / "data" / "ttest").rename(world / "moved")
    assert dataset_or_starter("ttest", _write_smallest).resolve() == world / "data" / "ttest"


@pytest.mark.parametrize("name", ["mine", "data/train", "Train"])
def test_no_other_name_writes_the_starter_set(world: Path, name: str) -> None:
    with pytest.raises(DatasetNotFoundError, match=name):
        dataset_or_starter(name, _refuse_to_write)


@pytest.mark.parametrize("own", ["train", "test", "ttest"])
def test_starter_set_is_not_written_next_to_own_data(world: Path, own: str) -> None:
    (world / "data" / own / "1").mkdir(parents=True)
    (world / "data" / own / "1" / "1.bmp").write_bytes(b"mine")
    for name in {"train", "test", "ttest"} - {own}:
        with pytest.raises(DatasetNotFoundError, match=name):
            dataset_or_starter(name, _refuse_to_write)


def test_starter_set_does_not_replace_a_dataset_of_other_characters(world: Path) -> None:
    synth("01", world / "data", per_class=2, test_per_class=1)
    with pytest.raises(DatasetNotFoundError, match="ttest"):
        dataset_or_starter("ttest", _refuse_to_write)
