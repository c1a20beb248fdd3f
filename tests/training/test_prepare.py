"""Training data: splits without leaks, labels, polarity and default names."""

import hashlib
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.generate.augment import augment
from charcnn.datasets.generate.synth import synth
from charcnn.datasets.provenance.augment_manifest import read_copies
from charcnn.errors import DatasetError, UnknownLabelError
from charcnn.specs.train_config import TrainConfig
from charcnn.training.prepare import TrainingData, default_model_name, load_training_data

Draw = Callable[..., Path]


def load(*data: Path, size: int = 28, **settings: object) -> TrainingData:
    return load_training_data(TrainConfig.parse({"data": [str(path) for path in data], **settings}), (size,))


def files(arrays: LabeledImages, indices: np.ndarray) -> list[Path]:
    return [arrays.files[index] for index in indices]


def sides(data: TrainingData) -> tuple[list[Path], list[Path]]:
    return files(data.train, data.train_indices), files(data.val, data.val_indices)


def test_a_tenth_of_each_class_is_for_validation(draw: Draw) -> None:
    data = load(draw("small", "博学自", count=20))
    assert data.val is data.train
    train, val = sides(data)
    assert len(train) + len(val) == len(set(train) | set(val)) == 60
    for folder in "123":
        assert sum(path.parent.name == folder for path in val) == 2
    assert (data.facts.train, data.facts.val, data.facts.images) == (54, 6, 60)
    assert data.facts.val_source is None
    assert data.classes == ("博", "学", "自")


def test_the_split_depends_on_the_seed(draw: Draw) -> None:
    folder = draw("small", count=20)
    one, same, other = (set(sides(load(folder, seed=seed))[1]) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_duplicates_stay_on_one_side(draw: Draw) -> None:
    folder = draw("small", count=10)
    for path in sorted(folder.glob("*/[1-5].png")):
        for copy in ("a", "b"):
            shutil.copy(path, path.with_name(f"copy-{copy}-{path.name}"))
    shutil.copy(folder / "1" / "1.png", folder / "2" / "under-another-label.png")
    for seed in range(5):
        data = load(folder, seed=seed, val_split=0.3)
        assert data.facts.duplicates == 31
        train, val = ({hashlib.sha256(path.read_bytes()).digest() for path in side} for side in sides(data))
        assert train
        assert val
        assert train.isdisjoint(val)


def test_augmented_copies_stay_with_their_original(draw: Draw) -> None:
    folder = draw("small", count=10)
    shutil.copy(folder / "classes.txt", folder.parent)  # next to the datasets, so that it applies to all of them
    once = augment(folder, folder.parent / "turned", copies=3).folder
    twice = augment(once, folder.parent / "again", seed=1).folder  # copies of copies
    parent: dict[Path, Path] = {}
    for child, source in ((once, folder), (twice, once)):
        parent |= {child / row["child"]: source / row["parent"] for row in read_copies(child)}
    assert len(parent) == 180

    def original(path: Path) -> Path:
        return original(parent[path]) if path in parent else path

    for sources in ((folder, once, twice), (once, twice), (twice,)):
        for seed in range(3):
            train, val = ({original(path) for path in side} for side in sides(load(*sources, seed=seed)))
            assert len(train) + len(val) == 30
            assert train.isdisjoint(val)


def test_without_a_split_all_images_are_for_training(draw: Draw) -> None:
    data = load(draw("small"), val_split=0)
    assert len(data.train_indices) == 24
    assert len(data.val_indices) == 0


def test_another_dataset_is_used_for_validation(draw: Draw, caplog: pytest.LogCaptureFixture) -> None:
    train = draw("a", {"1": "博", "2": "学", "3": "自"})
    val = draw("b", {"x": "自", "y": "博"}, count=4, seed=9)  # fewer labels, in another order
    data = load(train, val=str(val))
    assert len(data.train_indices) == 24
    assert {data.classes[label] for label in data.val.labels_in(data.classes)[data.val_indices]} == {"自", "博"}
    assert (data.facts.val, data.facts.val_source) == (8, str(val))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_validation_images_that_are_trained_on_are_reported(draw: Draw, caplog: pytest.LogCaptureFixture) -> None:
    train, val = draw("a"), draw("b", count=4, seed=9)
    for number in (1, 2):
        shutil.copy(train / "1" / f"{number}.png", val / "1" / f"again-{number}.png")
    load(train, val=str(val))
    (message,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert message.startswith("2 of 14 validation images in ")
    assert str(val) in message


def test_copies_of_training_images_are_reported_too(draw: Draw, caplog: pytest.LogCaptureFixture) -> None:
    train = draw("a")
    val = augment(train, train.parent / "b").folder
    shutil.copy(train / "classes.txt", val / "classes.txt")
    load(train, val=str(val))
    assert "24 of 24 validation images" in caplog.text


def test_a_validation_label_that_is_not_trained_on_is_named(draw: Draw) -> None:
    with pytest.raises(UnknownLabelError, match="无"):
        load(draw("a"), val=str(draw("b", "博无")))


def test_a_single_class_is_refused(draw: Draw) -> None:
    with pytest.raises(DatasetError, match=r"has only one class \(博\)") as fault:
        load(draw("small", "博"))
    assert "one subfolder per class" in fault.value.hint


def test_too_few_images_to_split_are_refused(draw: Draw) -> None:
    with pytest.raises(DatasetError, match="cannot be split") as fault:
        load(draw("small", count=1))
    assert "`val_split=0`" in fault.value.hint


def test_a_missing_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_several_datasets_are_joined_by_label(draw: Draw) -> None:
    one = draw("a", {"1": "博", "2": "学"}, count=4)
    two = draw("b", {"1": "学", "2": "自"}, count=6, seed=1)
    data = load(one, two)
    assert data.classes == ("博", "学", "自")
    assert data.facts.per_class == {"博": 4, "学": 10, "自": 6}
    assert data.facts.sources == (str(one), str(two))
    labels = {path: data.classes[label] for path, label in zip(data.train.files, data.train.labels, strict=True)}
    assert labels[one / "2" / "1.png"] == labels[two / "1" / "1.png"] == "学"


def test_each_dataset_of_a_union_has_its_own_polarity(draw: Draw) -> None:
    dark, light = draw("dark", count=6), draw("light", count=6, light_on_dark=True)
    data = load(dark, light)
    assert data.facts.polarity == ("dark-on-light", "light-on-dark")
    assert data.spec.polarity == "auto"
    images = dict(zip(data.train.files, data.train.images, strict=True))
    for path in dark.glob("*/*.png"):
        np.testing.assert_array_equal(images[path], images[light / path.relative_to(dark)])
        assert images[path].mean() > 128


def test_a_validation_set_has_its_own_polarity_too(draw: Draw) -> None:
    data = load(draw("dark"), val=str(draw("light", count=4, seed=3, light_on_dark=True)))
    assert data.val.images.mean() > 128


def test_a_polarity_that_is_asked_for_is_not_decided(draw: Draw) -> None:
    data = load(draw("dark"), polarity="light-on-dark")
    assert data.facts.polarity == ("light-on-dark",)
    assert data.spec.polarity == "light-on-dark"
    assert data.train.images.mean() < 128


def test_the_fit_is_chosen_by_the_sizes(draw: Draw, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    square, other = draw("square"), draw("other", size=40)
    assert load(square, size=32).spec.fit == "stretch"
    assert load(square, other).spec.fit == "stretch"
    shutil.copy(other / "1" / "1.png", square / "1" / "larger.png")
    caplog.clear()
    data = load(square, size=32)
    assert (data.spec.fit, data.spec.height, data.spec.width) == ("ink", 32, 32)
    assert data.train.images.shape == (25, 32, 32)
    assert "`fit=ink`" in caplog.text
    assert load(square, fit="pad", margin=0.2).spec.model_dump(include={"fit", "margin"}) == {
        "fit": "pad",
        "margin": 0.2,
    }


def test_the_fingerprint_is_free_of_paths(draw: Draw) -> None:
    folder = draw("small")
    before = load(folder).facts.fingerprint
    moved = folder.rename(folder.parent / "moved")
    assert load(moved).facts.fingerprint == before
    (moved / "1" / "1.png").unlink()
    assert load(moved).facts.fingerprint != before


def test_unreadable_images_are_counted_or_refused(draw: Draw, caplog: pytest.LogCaptureFixture) -> None:
    folder = draw("small")
    (folder / "1" / "bad.png").write_bytes(b"not an image")
    data = load(folder)
    assert (data.facts.unreadable, data.facts.images) == (1, 24)
    assert "bad.png" in caplog.text
    with pytest.raises(DatasetError, match=r"bad\.png"):
        load(folder, strict=True)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("fudan12/train", "fudan12"),
        ("fudan12/train/", "fudan12"),
        ("fudan12/test", "fudan12"),
        ("my digits!/train", "my-digits"),
        ("meters", "meters"),
        ("博学/train", "博学"),
        ("lists/train.csv", "lists"),
        ("lists/meters.csv", "meters"),
        ("lists.v2/train.csv", "lists-v2"),
        ("lists/meters.v2.csv", "meters-v2"),
        ("digits.v1/train", "digits-v1"),
        ("digits.v2", "digits-v2"),
        ("digits/train.v2", "train-v2"),
        ("data/train", "chars7"),
        ("train", "chars7"),
        ("latest", "chars7"),
        ("2024/train", "chars7"),
        ("...", "chars7"),
    ],
)
def test_a_model_is_named_after_its_data(world: Path, data: str, name: str) -> None:
    path = world / data
    if path.suffix == ".csv":
        path.parent.mkdir(parents=True)
        path.write_text("file,label\n")
    else:
        path.mkdir(parents=True)
    assert default_model_name(data, 7) == name
    assert default_model_name(str(path), 7) == name


@pytest.mark.parametrize(
    ("characters", "name"), [("ABCDE", "ABCDE"), ("0123456789", "chars10"), ("0123456789✓", r"chars11-[0-9a-f]{4}")]
)
def test_models_of_synthetic_sets_follow_the_same_rule(world: Path, characters: str, name: str) -> None:
    folder = synth(characters, per_class=2, test_per_class=1) / "train"
    assert re.fullmatch(name, default_model_name(str(folder), len(characters)))


def test_data_under_the_data_root_is_named_after_its_folder(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world / "sets" / "meters").mkdir(parents=True)
    (world / "sets" / "train").mkdir()
    monkeypatch.setenv("CHARCNN_DATA", str(world / "sets"))
    assert default_model_name("meters", 7) == "meters"
    monkeypatch.chdir(world / "sets")
    assert default_model_name(".", 7) == "chars7"


def test_few_real_images_among_synthetic_ones_are_oversampled(draw: Draw, tmp_path: Path) -> None:
    real = draw("real", "博学", count=4)
    synthetic = synth("博学", tmp_path / "made", per_class=40, test_per_class=1, size=28)
    data = load(synthetic / "train", real, val_split=0)
    seen = np.bincount(data.train_indices)
    is_real = np.array([real in path.parents for path in data.train.files])
    assert set(seen[~is_real]) == {1}
    assert set(seen[is_real]) == {5}  # 8 real and 80 synthetic images: a third of the images in an epoch are real
    assert data.spec.fit == "ink"
    assert data.facts.train == data.facts.images == 88
    alone = load(real, val_split=0)
    assert set(np.bincount(alone.train_indices)) == {1}


def test_a_synthetic_writer_is_on_one_side(tmp_path: Path) -> None:
    data = load(synth("博学自", tmp_path / "made", per_class=20, test_per_class=1, size=28) / "train")
    train, val = sides(data)
    assert {path.name for path in train}.isdisjoint(path.name for path in val)  # the n-th image is by the n-th writer
    assert len(val) == 6
