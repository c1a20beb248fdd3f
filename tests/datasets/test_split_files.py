"""Datasets are split into lists or copies of files, with duplicates and copies on one side."""

import csv
import shutil
from pathlib import Path
from typing import Literal

import pytest

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.generate.augment import augment
from charcnn.datasets.generate.rotation import AugmentRanges
from charcnn.datasets.scan import scan
from charcnn.datasets.split_files import split_dataset
from charcnn.errors import DatasetError, OverwriteError
from charcnn.specs.image import ImageSpec

By = Literal["list", "copy"]
BOTH: tuple[By, ...] = ("list", "copy")
SUFFIX = {"list": ".csv", "copy": ""}


@pytest.fixture
def source(starter: Path, world: Path) -> Path:
    """The starter's 12 × 20 training images and their classes.txt, in `world/source`; some of them duplicates."""
    root = Path(shutil.copytree(starter / "train", world / "source"))
    shutil.copy(starter / "classes.txt", root)
    for number in range(1, 9):
        shutil.copy(root / "1" / f"{number}.bmp", root / "1" / f"copy{number}.bmp")
    return root


def _digests(path: Path) -> dict[bytes, str]:
    """Digest → label."""
    arrays = LabeledImages.load(scan(path), ImageSpec(polarity="dark-on-light"))
    labels = [arrays.classes[label] for label in arrays.labels]
    return {digest.tobytes(): label for digest, label in zip(arrays.digests, labels, strict=True)}


def _files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("by", BOTH)
def test_every_image_is_on_one_side_with_its_label(source: Path, world: Path, by: By) -> None:
    before = _files(source)
    written = split_dataset(scan(source), world / "out", by=by)
    train, test = (world / "out" / f"{side}{SUFFIX[by]}" for side in ("train", "test"))
    assert list(written) == [train, test]
    assert sum(written.values()) == 248
    assert written[test] == pytest.approx(48, abs=3)
    for path, count in written.items():
        assert len(scan(path)) == count
        assert set(scan(path).classes) == set("博学笃志切问近思自由无用")
    sides = [_digests(path) for path in written]
    assert not sides[0].keys() & sides[1].keys()
    assert sides[0] | sides[1] == _digests(source)
    assert _files(source) == before


@pytest.mark.parametrize("by", BOTH)
def test_the_same_seed_gives_the_same_sides(source: Path, world: Path, by: By) -> None:
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        split_dataset(scan(source), world / name, by=by, seed=seed)
    one, again, other = (_digests(world / name / f"test{SUFFIX[by]}") for name in ("one", "again", "other"))
    assert one == again
    assert one != other


def test_the_share_is_the_requested_one(source: Path, world: Path) -> None:
    written = split_dataset(scan(source), world / "out", test_split=0.5)
    assert written[world / "out" / "test.csv"] == pytest.approx(124, abs=6)


def test_a_list_names_near_files_by_relative_paths(source: Path, world: Path) -> None:
    split_dataset(scan(source), world)
    with (world / "test.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["file"].split("/")[0] for row in rows} == {"source"}
    (world / "moved").mkdir()
    for name in ("source", "train.csv", "test.csv"):
        (world / name).rename(world / "moved" / name)
    assert len(_digests(world / "moved" / "test.csv")) > 30


def test_a_list_elsewhere_names_files_by_absolute_paths(
    source: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split_dataset(scan(Path("source")), world / "far" / "away")
    monkeypatch.chdir(world / "far")
    assert len(_digests(Path("away/train.csv"))) + len(_digests(Path("away/test.csv"))) == 240


def test_a_copy_keeps_names_and_bytes(source: Path, world: Path) -> None:
    split_dataset(scan(source), world / "out", by="copy")
    for side in ("train", "test"):
        dataset = scan(world / "out" / side)
        for file, label in zip(dataset.files, dataset.require_labels(), strict=True):
            folder = "博学笃志切问近思自由无用".index(dataset.classes[label]) + 1
            assert file.read_bytes() == (source / str(folder) / file.name).read_bytes()


def test_unreadable_images_are_on_neither_side(source: Path, world: Path) -> None:
    (source / "1" / "1.bmp").write_bytes(b"broken")
    assert sum(split_dataset(scan(source), world / "out").values()) == 247


@pytest.mark.parametrize("by", BOTH)
def test_copies_stay_with_their_originals(source: Path, world: Path, by: By) -> None:
    augment(source / "2", world / "all" / "x", AugmentRanges(min_angle=5, max_angle=25), copies=2)
    shutil.copytree(source / "2", world / "all" / "x", dirs_exist_ok=True)
    augment(source / "3", world / "all" / "y", AugmentRanges(min_angle=5, max_angle=25))
    written = split_dataset(scan(world / "all"), world / "out", by=by)
    assert sum(written.values()) == 80
    sides = [
        {file.name.split("-")[0].removesuffix(".bmp") for file in scan(path).files if file.parent.name == "x"}
        for path in written
    ]
    assert len(sides[0]) + len(sides[1]) == 20
    assert not sides[0] & sides[1]


@pytest.mark.parametrize("by", BOTH)
def test_splitting_a_side_again_keeps_copies_with_their_originals(source: Path, world: Path, by: By) -> None:
    for folder in ("2", "3"):
        augment(source / folder, world / "all" / folder, AugmentRanges(min_angle=5, max_angle=25), copies=3)
    written = split_dataset(scan(world / "all"), world / "out", by=by)
    arrays = LabeledImages.load(scan(next(iter(written))), ImageSpec(polarity="dark-on-light"))
    assert len(arrays.files) == 96
    assert len(set(arrays.groups.tolist())) == 32


@pytest.mark.parametrize("by", BOTH)
@pytest.mark.parametrize("side", ["train", "test"])
def test_existing_targets_are_kept_and_nothing_is_written(source: Path, world: Path, by: By, side: str) -> None:
    path = world / "out" / f"{side}.csv" if by == "list" else world / "out" / side / "mine.bmp"
    path.parent.mkdir(parents=True)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OverwriteError) as caught:
        split_dataset(scan(source), world / "out", by=by)
    assert side in caught.value.message
    assert ("force=True" if by == "list" else "remove it") in caught.value.hint
    assert _files(world / "out") == {path.relative_to(world / "out").as_posix(): b"mine"}


def test_lists_replaced_with_force_have_no_image_on_both_sides(source: Path, world: Path) -> None:
    split_dataset(scan(source), world / "out", seed=0)
    written = split_dataset(scan(source), world / "out", seed=1, force=True)
    sides = [_digests(path) for path in written]
    assert not sides[0].keys() & sides[1].keys()


def test_folders_are_never_replaced(source: Path, world: Path) -> None:
    split_dataset(scan(source), world / "out", by="copy", seed=0)
    before = _files(world / "out")
    with pytest.raises(OverwriteError, match="already exists"):
        split_dataset(scan(source), world / "out", by="copy", seed=1, force=True)
    assert _files(world / "out") == before


def test_two_images_of_one_class_with_the_same_name_are_refused(source: Path, world: Path) -> None:
    lines = [f"source/{folder}/{number}.bmp,x\n" for folder in (2, 3) for number in range(1, 21)]
    (world / "some.csv").write_text("file,label\n" + "".join(lines), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"named \d+\.bmp") as caught:
        split_dataset(scan(world / "some.csv"), world / "out", by="copy")
    assert '`by="list"`' in caught.value.hint
    assert sum(split_dataset(scan(world / "some.csv"), world / "lists", by="list").values()) == 40


def test_a_dataset_without_labels_is_refused(source: Path, world: Path) -> None:
    with pytest.raises(DatasetError, match="no labels"):
        split_dataset(scan(source / "1"), world / "out")


def test_letters_of_both_cases_are_copied_to_different_folders(source: Path, world: Path) -> None:
    (source / "classes.txt").write_text("1\tA\n2\ta\n3\t/\n", encoding="utf-8")
    split_dataset(scan(source), world / "out", by="copy")
    assert {path.name for path in (world / "out" / "test").iterdir() if path.is_dir()} >= {"U+0041", "U+0061", "U+002F"}
    assert set(scan(world / "out" / "test").classes) == {"A", "a", "/", *map(str, range(4, 13))}
