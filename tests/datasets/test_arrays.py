"""Datasets are loaded as one array, unreadable files are skipped and reported, and datasets join by label."""

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charcnn.datasets.arrays import LabeledImages, check_known
from charcnn.datasets.scan import scan
from charcnn.errors import DatasetError, UnknownLabelError
from charcnn.images.codec import Gray, read_image, write_image
from charcnn.specs.image import ImageSpec

SPEC = ImageSpec(polarity="dark-on-light")


def _dataset(root: Path, classes: str, each: int = 4, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for label in classes:
        (root / label).mkdir(parents=True)
        for number in range(each):
            write_image(root / label / f"{number}.png", rng.integers(0, 256, (28, 28), dtype=np.uint8))
    return root


def _load(root: Path, strict: bool = False) -> LabeledImages:
    return LabeledImages.load(scan(root), SPEC, strict=strict)


def test_images_labels_files_and_digests_match(world: Path) -> None:
    arrays = _load(_dataset(world / "a", "xyz"))
    assert arrays.images.shape == (12, 28, 28)
    assert arrays.classes == ("x", "y", "z")
    assert arrays.unreadable == {}
    for image, label, file, digest in zip(arrays.images, arrays.labels, arrays.files, arrays.digests, strict=True):
        assert np.array_equal(image, read_image(file))
        assert arrays.classes[label] == file.parent.name
        assert digest.tobytes() == hashlib.sha256(file.read_bytes()).digest()
    assert arrays.per_class == {"x": 4, "y": 4, "z": 4}


def test_images_are_read_only(world: Path) -> None:
    root = _dataset(world / "a", "xy")
    for _ in range(2):  # first from the files, then from the cache
        assert not _load(root).images.flags.writeable


def test_a_dataset_without_labels_is_named(world: Path) -> None:
    with pytest.raises(DatasetError, match="x has no labels"):
        _load(_dataset(world / "a", "xy") / "x")


def test_unreadable_images_are_skipped_and_reported(world: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = _dataset(world / "a", "xy")
    (root / "x" / "1.png").write_bytes(b"")
    (root / "y" / "0.png").write_bytes(b"no image")
    for _ in range(2):  # first from the files, then from the cache
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            arrays = _load(root)
        assert [file.relative_to(root).as_posix() for file in arrays.files] == [
            *("x/0.png", "x/2.png", "x/3.png"),
            *("y/1.png", "y/2.png", "y/3.png"),
        ]
        for image, file in zip(arrays.images, arrays.files, strict=True):
            assert np.array_equal(image, read_image(file))
        assert arrays.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert len(arrays.digests) == 6
        assert arrays.unreadable.keys() == {root / "x" / "1.png", root / "y" / "0.png"}
        assert str(root / "x" / "1.png") in caplog.text
        assert str(root / "y" / "0.png") in caplog.text
        assert f"2 of 8 images in {root}" in caplog.text


def test_five_of_many_unreadable_images_are_named_and_all_counted(
    world: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = _dataset(world / "a", "xy", each=10)
    for number in range(9):
        (root / "x" / f"{number}.png").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        arrays = _load(root)
    assert len(arrays.unreadable) == 9
    assert len(caplog.records) == 6
    assert "9 of 20" in caplog.text
    assert "4 more" in caplog.text


def test_strict_raises_on_an_unreadable_image(world: Path) -> None:
    root = _dataset(world / "a", "xy")
    _load(root, strict=True)
    (root / "x" / "1.png").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(DatasetError, match=r"1 of 8 .*1\.png is empty"):
            _load(root, strict=True)


def test_a_class_without_readable_images_is_named(world: Path) -> None:
    root = _dataset(world / "a", "xy")
    for path in (root / "y").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match="class y"):
        _load(root)


def test_a_missing_file_of_a_csv_counts_as_unreadable(world: Path) -> None:
    _dataset(world / "a", "x")
    (world / "some.csv").write_text("file,label\na/x/0.png,x\na/x/77.png,x\n", encoding="utf-8")
    arrays = _load(world / "some.csv")
    assert len(arrays.files) == 1
    assert "does not exist" in arrays.unreadable[world / "a/x/77.png"]


def test_progress_counts_every_file(world: Path) -> None:
    steps: list[tuple[int, int]] = []
    dataset = scan(_dataset(world / "a", "xy"))
    LabeledImages.load(dataset, SPEC, on_progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (8, 8)


def test_datasets_join_by_label(world: Path) -> None:
    one, two = _load(_dataset(world / "a", "xy")), _load(_dataset(world / "b", "wyz", each=2, seed=1))
    both = LabeledImages.join([one, two])
    assert both.classes == ("x", "y", "w", "z")
    assert both.per_class == {"x": 4, "y": 6, "w": 2, "z": 2}
    assert both.images.shape == (14, 28, 28)
    for image, label, file, digest in zip(both.images, both.labels, both.files, both.digests, strict=True):
        assert np.array_equal(image, read_image(file))
        assert both.classes[label] == file.parent.name
        assert digest.tobytes() == hashlib.sha256(file.read_bytes()).digest()


def test_joined_datasets_keep_their_unreadable_files(world: Path) -> None:
    roots = [_dataset(world / "a", "xy"), _dataset(world / "b", "xy", seed=1)]
    for root in roots:
        (root / "x" / "0.png").write_bytes(b"")
    both = LabeledImages.join([_load(root) for root in roots])
    assert both.unreadable.keys() == {root / "x" / "0.png" for root in roots}


def test_joining_a_single_dataset_returns_it(world: Path) -> None:
    arrays = _load(_dataset(world / "a", "xy"))
    joined = LabeledImages.join([arrays])
    assert joined.classes == arrays.classes
    assert np.array_equal(joined.images, arrays.images)


def test_labels_are_matched_to_other_classes_by_text(world: Path) -> None:
    arrays = _load(_dataset(world / "a", "xy", each=2))
    assert arrays.labels_in(("z", "y", "q", "x")).tolist() == [3, 3, 1, 1]


def test_a_label_that_the_model_does_not_know_is_named(world: Path) -> None:
    arrays = _load(_dataset(world / "a", "xy"))
    with pytest.raises(UnknownLabelError, match="1 of the dataset's labels: y") as caught:
        arrays.labels_in(("x", "z"))
    assert "x z" in caught.value.hint


def test_known_labels_raise_no_error() -> None:
    check_known(("a", "b"), ("c", "b", "a"))
    with pytest.raises(UnknownLabelError):
        check_known(("a", "b"), ("b",))


def test_duplicates_are_counted_bit_for_bit(world: Path) -> None:
    root = _dataset(world / "a", "xy")
    assert _load(root).duplicates == 0
    for copy in ("x/9.png", "y/9.png"):
        (root / copy).write_bytes((root / "x" / "0.png").read_bytes())
    assert _load(root).duplicates == 2


def test_the_labs_real_images_are_read_and_their_duplicates_counted(fudan12: Path) -> None:
    arrays = _load(fudan12 / "train")
    assert arrays.per_class == dict.fromkeys("博学笃志切问近思自由无用", 620)
    assert arrays.duplicates == 119
    assert arrays.unreadable == {}


# images in memory


def _pictures(count: int, shape: tuple[int, int] = (28, 28), seed: int = 0) -> list[Gray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]


def test_images_in_memory_load_like_their_files(world: Path) -> None:
    root = _dataset(world / "a", "xyz")
    files = scan(root).files
    pictures = [read_image(file) for file in files]
    spec = ImageSpec(height=32, width=32, fit="ink", polarity="dark-on-light")
    read = LabeledImages.load(scan(root), spec)
    made = LabeledImages.from_arrays(pictures, [file.parent.name for file in files], spec)
    np.testing.assert_array_equal(made.images, read.images)
    np.testing.assert_array_equal(made.labels, read.labels)
    assert made.classes == read.classes
    assert made.files == ()
    assert not made.images.flags.writeable
    for digest, picture in zip(made.digests, pictures, strict=True):
        assert digest.tobytes() == hashlib.sha256(picture.tobytes()).digest()


def test_numbers_are_labels_and_classes_are_in_natural_order() -> None:
    arrays = LabeledImages.from_arrays(np.stack(_pictures(4)), np.array([10, 2, 2, 1]).tolist(), SPEC)
    assert arrays.classes == ("1", "2", "10")
    assert arrays.labels.tolist() == [2, 1, 1, 0]


def test_equal_images_in_memory_are_one_group() -> None:
    first, second = _pictures(2)
    arrays = LabeledImages.from_arrays([first, second, first.copy()], ["a", "b", "a"], SPEC)
    assert arrays.duplicates == 1
    assert arrays.groups[0] == arrays.groups[2] != arrays.groups[1]


def test_images_in_memory_may_have_several_sizes_and_are_not_changed() -> None:
    pictures = [*_pictures(1, (20, 30)), *_pictures(1, (64, 48))]
    before = [picture.copy() for picture in pictures]
    arrays = LabeledImages.from_arrays(pictures, ["a", "b"], ImageSpec(polarity="light-on-dark"))
    assert arrays.images.shape == (2, 28, 28)
    for picture, copy in zip(pictures, before, strict=True):
        np.testing.assert_array_equal(picture, copy)
        assert picture.flags.writeable


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([], [], "no images"),
        (_pictures(2), ["a"], "2 images have 1 labels"),
        (np.zeros((2, 28, 28)), ["a", "b"], r"uint8 array \[H,W\], not float64 \[28, 28\]"),
        (np.zeros((2, 1, 28, 28), np.uint8), ["a", "b"], r"not uint8 \[1, 28, 28\]"),
        ([np.zeros((0, 3), np.uint8)], ["a"], r"not uint8 \[0, 3\]"),
        (["photo.png"], ["a"], "not str"),
        (_pictures(1), [1.5], "not 1.5"),
        (_pictures(1), [""], "not ''"),
    ],
)
def test_invalid_images_and_labels_are_refused(images: Any, labels: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        LabeledImages.from_arrays(images, labels, SPEC)
