"""Packed datasets: the same images as class folders, in one array; damaged ones are named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import Result

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.formats.idx import import_idx
from charcnn.datasets.sample_stats import inspect_sample
from charcnn.datasets.scan import scan
from charcnn.errors import DatasetError, OverwriteError
from charcnn.handwriting.style import WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.images.fit import fit
from charcnn.specs.image import ImageSpec
from tests.support.idx_files import IMAGES, LABELS, write_pair

Cli = Callable[..., Result]
SPEC = ImageSpec(polarity="dark-on-light")


@pytest.fixture
def packed(world: Path) -> Path:
    """Twelve images of noise, packed."""
    import_idx(write_pair(world / "raw", "train"), world / "packed", packed=True)
    return world / "packed" / "train"


def by_pixels(arrays: LabeledImages) -> list[tuple[bytes, str]]:
    return sorted((i.tobytes(), arrays.classes[x]) for i, x in zip(arrays.images, arrays.labels, strict=True))


def drawn(size: int = 28, light_on_dark: bool = False) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Eight drawings of each of three characters."""
    style = WritingStyle("neat", paper="scan", seed=3)
    images = np.concatenate([write_character(character, range(8), size, style) for character in "博学自"])
    return (255 - images if light_on_dark else images), np.repeat(np.arange(3, dtype=np.uint8), 8)


def imported(folder: Path, *, size: int = 28, light_on_dark: bool = False) -> Path:
    """The drawings as a packed dataset."""
    images, labels = drawn(size, light_on_dark)
    files = write_pair(folder / "raw", "train", count=len(labels), images=images, labels=labels)
    import_idx(files, folder / "drawn", packed=True)
    return folder / "drawn" / "train"


# what is in it


@pytest.mark.parametrize("zipped", [False, True])
def test_a_packed_dataset_equals_class_folders(world: Path, zipped: bool) -> None:
    files = write_pair(world / "raw", "train", zipped) + write_pair(world / "raw", "t10k", zipped, count=5)
    written = {form: import_idx(files, world / form, packed=form == "packed") for form in ("packed", "folders")}
    for split in ("train", "test"):
        one, other = (LabeledImages.load(scan(world / form / split), SPEC) for form in ("packed", "folders"))
        assert one.classes == other.classes
        assert one.per_class == other.per_class
        assert by_pixels(one) == by_pixels(other)
        assert len(one.digests) == len(one.labels) == written["packed"][world / "packed" / split]


def test_the_order_of_the_files_is_kept_and_nothing_else_is_written(packed: Path) -> None:
    arrays = LabeledImages.load(scan(packed), SPEC)
    assert np.array_equal(arrays.images, IMAGES)
    assert [arrays.classes[label] for label in arrays.labels] == [str(value) for value in LABELS]
    assert {path.name for path in packed.iterdir()} == {"images.npy", "labels.npy", "digests.npy", "classes.txt"}


def test_images_are_mapped_and_read_only(packed: Path) -> None:
    arrays = LabeledImages.load(scan(packed), SPEC)
    assert isinstance(arrays.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        arrays.images[0, 0, 0] = 1


def test_duplicates_are_counted(world: Path) -> None:
    images = IMAGES.copy()
    images[5] = images[1]
    import_idx(write_pair(world / "raw", "train", images=images), world / "out", packed=True)
    arrays = LabeledImages.load(scan(world / "out/train"), SPEC)
    assert arrays.duplicates == 1
    assert arrays.groups[5] == arrays.groups[1]


@pytest.mark.parametrize(
    "spec",
    [
        ImageSpec(height=32, width=32, polarity="dark-on-light"),
        ImageSpec(fit="ink", polarity="dark-on-light"),
        ImageSpec(polarity="light-on-dark"),
        ImageSpec(height=20, width=24, fit="pad", polarity="auto"),
    ],
    ids=str,
)
def test_another_spec_gives_what_fit_gives_cached_or_not(packed: Path, spec: ImageSpec) -> None:
    for _ in range(2):
        arrays = LabeledImages.load(scan(packed), spec)
        assert np.array_equal(arrays.images, np.stack([fit(image, spec) for image in IMAGES]))
        assert isinstance(arrays.images, np.memmap)


def test_a_changed_dataset_is_fitted_again(packed: Path, world: Path) -> None:
    spec = ImageSpec(height=32, width=32, polarity="dark-on-light")
    LabeledImages.load(scan(packed), spec)
    files = write_pair(world / "raw", "train", images=255 - IMAGES)
    import_idx(files, world / "other", packed=True)
    shutil.rmtree(packed)
    (world / "other/train").rename(packed)
    expected = np.stack([fit(255 - image, spec) for image in IMAGES])
    assert np.array_equal(LabeledImages.load(scan(packed), spec).images, expected)


@pytest.mark.parametrize("light_on_dark", [False, True])
def test_light_on_dark_is_noticed(world: Path, light_on_dark: bool) -> None:
    look = inspect_sample(scan(imported(world, light_on_dark=light_on_dark)))
    assert look.polarity == ("light-on-dark" if light_on_dark else "dark-on-light")
    assert look.one_square_size
    assert look.fit == "stretch"


def test_progress_counts_every_image(world: Path) -> None:
    steps: list[tuple[int, int]] = []

    def record(done: int, total: int) -> None:
        steps.append((done, total))

    import_idx(write_pair(world / "raw", "train"), world / "out", packed=True, on_progress=record)
    assert steps[-1] == (12, 12)
    for spec in (SPEC, ImageSpec(height=32, width=32, polarity="dark-on-light")):
        steps.clear()
        LabeledImages.load(scan(world / "out/train"), spec, on_progress=record)
        assert steps[-1] == (12, 12)


# what is refused


def test_a_packed_dataset_is_not_overwritten(packed: Path, world: Path) -> None:
    before = {path.name: path.read_bytes() for path in packed.iterdir()}
    with pytest.raises(OverwriteError, match="already exists"):
        import_idx(write_pair(world / "raw", "train", images=255 - IMAGES), world / "packed", packed=True)
    assert {path.name: path.read_bytes() for path in packed.iterdir()} == before


def load(folder: Path) -> LabeledImages:
    return LabeledImages.load(scan(folder), SPEC)


@pytest.mark.parametrize("name", ["labels.npy", "digests.npy", "classes.txt"])
def test_a_missing_file_is_named(packed: Path, name: str) -> None:
    (packed / name).unlink()
    with pytest.raises(DatasetError, match=name):
        load(packed)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "digests.npy"])
@pytest.mark.parametrize("left", [0, 5, 60, 135])
def test_a_file_that_was_cut_short_is_named(packed: Path, name: str, left: int) -> None:
    path = packed / name
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DatasetError, match=name):
        load(packed)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "digests.npy"])
@pytest.mark.parametrize("content", [b"\x80\x04.", b"no array", b"\x93NUMPY\x01\x00\xff\xff{'descr'"])
def test_a_file_that_is_not_an_array_is_named(packed: Path, name: str, content: bytes) -> None:
    (packed / name).write_bytes(content)
    with pytest.raises(DatasetError, match=name):
        load(packed)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("images.npy", IMAGES.astype(np.int16)),
        ("images.npy", IMAGES[0]),
        ("images.npy", IMAGES[:, None]),
        ("labels.npy", np.zeros(12, np.float64)),
        ("labels.npy", np.zeros((12, 1), np.int64)),
        ("digests.npy", np.zeros((12, 32), np.int64)),
        ("digests.npy", np.zeros(12, np.uint8)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.dtype}{value.shape}",
)
def test_an_array_of_another_kind_is_named(packed: Path, name: str, array: NDArray[np.generic]) -> None:
    np.save(packed / name, array)
    with pytest.raises(DatasetError, match=f"{name} contains {array.dtype}"):
        load(packed)


def test_an_array_of_objects_is_not_unpickled(packed: Path) -> None:
    np.save(packed / "labels.npy", np.array([print] * 12, object), allow_pickle=True)
    with pytest.raises(DatasetError, match=r"labels\.npy"):
        load(packed)


@pytest.mark.parametrize(
    "labels",
    [[0] * 11, [0] * 12, [*range(7), *range(6)], [7, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4], [-1, *range(7), 0, 1, 2, 3], []],
    ids=str,
)
def test_labels_that_do_not_match_are_named(packed: Path, labels: list[int]) -> None:
    np.save(packed / "labels.npy", np.array(labels, np.int64))
    with pytest.raises(DatasetError, match=r"packed/train.*do not match"):
        load(packed)


@pytest.mark.parametrize("text", ["0\ta\n", "".join(f"{index}\t{index}\n" for index in range(8)), "1\ta\n2\tb\n"])
def test_classes_that_do_not_match_are_named(packed: Path, text: str) -> None:
    (packed / "classes.txt").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"packed/train.*do not match"):
        load(packed)


# the commands


def test_it_is_imported_trained_on_and_evaluated(cli: Cli, world: Path) -> None:
    images, labels = drawn(light_on_dark=True)
    files = [
        *write_pair(world / "raw", "train", count=24, images=images, labels=labels),
        *write_pair(world / "raw", "t10k", count=24, images=np.roll(images, 1, 1), labels=labels),
    ]
    result = cli("data", "import", "idx", *files, "-o", "mine", "--packed")
    assert result.exit_code == 0, result.stderr
    assert "Next: charcnn train --data mine/train" in result.stderr
    again = cli("data", "import", "idx", *files, "-o", "mine", "--packed")
    assert again.exit_code == 1
    assert "already exists" in again.stderr
    flags = (
        "--net",
        "compact",
        "--epochs",
        30,
        "--lr",
        0.003,
        "--batch-size",
        8,
        "--augment",
        "off",
        "--precision",
        "fp32",
    )
    trained = cli("train", "--data", "mine/train", *flags, "--json")
    assert trained.exit_code == 0, trained.stderr
    card = json.loads(trained.stdout)
    assert card["labels"] == ["0", "1", "2"]
    assert card["data"]["per_class"] == {"0": 8, "1": 8, "2": 8}
    assert card["data"]["polarity"] == ["light-on-dark"]
    evaluation = json.loads(cli("evaluate", "--json").stdout)
    assert (evaluation["dataset"], evaluation["images"]) == ("mine/test", 24)
    assert evaluation["accuracy"] > 0.8  # the same images, shifted by a pixel, and as dark ink on both sides


def test_splitting_a_packed_dataset_is_refused_with_a_hint(cli: Cli, packed: Path) -> None:
    for by in ("list", "copy"):
        result = cli("data", "split", packed, "--by", by, "-o", "new")
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        assert "not files" in result.stderr
        assert "--val-split" in result.stderr
    assert not Path("new").exists()


@pytest.mark.parametrize("line", ["train --data", "evaluate --model x.onnx --data"])
def test_a_damaged_one_gives_one_line_without_traceback(cli: Cli, packed: Path, trained: Path, line: str) -> None:
    shutil.copy(trained / "small12/1/model.onnx", "x.onnx")
    (packed / "images.npy").write_bytes(b"junk")
    result = cli(*line.split(), packed)
    assert result.exit_code == 1
    assert "images.npy" in result.stderr
    assert "Traceback" not in result.output


def test_joined_with_folders_each_image_keeps_its_origin(packed: Path, world: Path) -> None:
    from charcnn.datasets.generate.augment import augment

    import_idx(write_pair(world / "raw2", "train"), world / "folders")
    augment(world / "folders/train", world / "children")
    parts = [LabeledImages.load(scan(path), SPEC) for path in (packed, world / "folders/train", world / "children")]
    joined = LabeledImages.join(parts)
    alone, originals, children = (joined.groups[start : start + 12].tolist() for start in (0, 12, 24))
    assert alone == parts[0].groups.tolist()
    assert originals == children  # class by class, in the same order
    assert not set(alone) & set(children)
