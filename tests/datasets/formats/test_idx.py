"""Files of MNIST become class folders, and damaged ones are named."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays
from numpy.typing import NDArray
from typer.testing import Result

from charcnn.datasets.formats.idx import import_idx, read_idx
from charcnn.datasets.scan import scan
from charcnn.errors import ConfigError, DatasetError, OverwriteError
from charcnn.images.codec import read_image
from tests.support.idx_files import IMAGES, LABELS, idx_bytes, write_pair


@settings(deadline=None)
@given(values=numpy_arrays(np.uint8, st.lists(st.integers(0, 5), min_size=1, max_size=3).map(tuple)))
def test_what_is_written_as_idx_reads_back(values: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("idx") / "x"
    for data in (idx_bytes(values), gzip.compress(idx_bytes(values))):
        if len(data) >= 8:
            path.write_bytes(data)
            assert np.array_equal(read_idx(path), values)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is not an idx file"),
        (b"\x89PNG\r\n\x1a\n....", "is not an idx file"),
        (b"\0\0\x0d\x01\0\0\0\x01....", "is not an idx file"),
        (b"\0\0\x08\x04" + b"\0\0\0\x01" * 4 + b".", "is not an idx file"),
        (idx_bytes(IMAGES)[:-1], "is damaged"),
        (idx_bytes(IMAGES)[:10], "is damaged"),
        (idx_bytes(IMAGES) + b"\0", "is damaged"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "is damaged"),
        (gzip.compress(idx_bytes(IMAGES))[:-20], "cannot be read"),
        (gzip.compress(idx_bytes(IMAGES))[:200], "cannot be read"),
        (b"\x1f\x8b" + b"junk" * 10, "cannot be read"),
    ],
)
def test_an_invalid_file_is_named(world: Path, data: bytes, complaint: str) -> None:
    (world / "train-images").write_bytes(data)
    with pytest.raises(DatasetError, match=f"train-images {complaint}"):
        read_idx(world / "train-images")


@pytest.mark.parametrize("name", ["missing", "folder"])
def test_a_file_of_another_kind_is_named(world: Path, name: str) -> None:
    (world / "folder").mkdir()
    with pytest.raises(DatasetError, match=name):
        read_idx(world / name)


@pytest.mark.parametrize("zipped", [False, True])
def test_pairs_become_class_folders(world: Path, zipped: bool) -> None:
    files = write_pair(world / "raw", "train", zipped) + write_pair(world / "raw", "t10k", zipped, count=5)
    written = import_idx(files[::-1], world / "out")
    assert written == {world / "out" / "train": 12, world / "out" / "test": 5}
    train = scan(world / "out" / "train")
    assert train.classes == ("0", "1", "2", "4", "5", "7", "9")
    assert len(train) == 12
    for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True), 1):
        assert np.array_equal(read_image(world / "out" / "train" / str(label) / f"{number:06}.png"), image)
    assert scan(world / "out" / "test").classes == ("0", "1", "2", "4", "7")


def test_names_with_dots_are_pairs_too(world: Path) -> None:
    files = [path.rename(str(path).replace("-idx", ".idx")) for path in write_pair(world / "raw", "train")]
    assert import_idx(files, world / "out") == {world / "out" / "train": 12}


def test_a_file_without_its_counterpart_is_named(world: Path) -> None:
    images, labels = write_pair(world / "raw", "train")
    for alone in (images, labels):
        with pytest.raises(ConfigError, match=alone.name):
            import_idx([alone], world / "out")
    other = write_pair(world / "raw", "t10k")
    with pytest.raises(ConfigError, match=r"train-images|t10k-labels"):
        import_idx([images, other[1]], world / "out")
    assert not (world / "out").exists()


def test_a_file_that_is_neither_images_nor_labels_is_named(world: Path) -> None:
    with pytest.raises(ConfigError, match="something"):
        import_idx([*write_pair(world / "raw", "train"), world / "something.gz"], world / "out")


def test_no_files_are_an_error(world: Path) -> None:
    with pytest.raises(ConfigError):
        import_idx([], world / "out")


def test_different_counts_do_not_match(world: Path) -> None:
    images, labels = write_pair(world / "raw", "train")
    labels.write_bytes(idx_bytes(LABELS[:-1]))
    with pytest.raises(DatasetError, match="do not match"):
        import_idx([images, labels], world / "out")
    assert not (world / "out").exists()


def test_swapped_files_do_not_match(world: Path) -> None:
    images, labels = write_pair(world / "raw", "train")
    first, second = images.read_bytes(), labels.read_bytes()
    images.write_bytes(second)
    labels.write_bytes(first)
    with pytest.raises(DatasetError, match="do not match"):
        import_idx([images, labels], world / "out")


def test_a_folder_with_files_is_not_overwritten(world: Path) -> None:
    files = write_pair(world / "raw", "train")
    (world / "out" / "train" / "1").mkdir(parents=True)
    (world / "out" / "train" / "1" / "mine.png").write_bytes(b"mine")
    with pytest.raises(OverwriteError, match="already exists"):
        import_idx(files, world / "out")
    assert [path.name for path in (world / "out").rglob("*") if path.is_file()] == ["mine.png"]


def test_an_existing_test_folder_also_keeps_train_from_being_written(world: Path) -> None:
    files = write_pair(world / "raw", "train") + write_pair(world / "raw", "t10k")
    (world / "out" / "test").mkdir(parents=True)
    (world / "out" / "test" / "mine.png").write_bytes(b"mine")
    with pytest.raises(OverwriteError, match="already exists"):
        import_idx(files, world / "out")
    assert [path.name for path in (world / "out").rglob("*") if path.is_file()] == ["mine.png"]


def test_progress_ends_at_the_total(world: Path) -> None:
    steps: list[tuple[int, int]] = []
    files = write_pair(world / "raw", "train")
    import_idx(files, world / "out", on_progress=lambda done, total: steps.append((done, total)))
    assert steps[-1:] == [(12, 12)]


def test_mnist_files_are_read(mnist: Path) -> None:
    images, labels = (read_idx(mnist / f"t10k-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    assert images.shape == (10_000, 28, 28)
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_import_prints_the_folders_it_wrote(cli: Callable[..., Result], world: Path) -> None:
    files = write_pair(world / "raw", "train") + write_pair(world / "raw", "t10k", count=5)
    result = cli("data", "import", "idx", *files, "-o", "new")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "new/train\nnew/test\n"


def test_two_pairs_of_one_split_are_refused(world: Path) -> None:
    first = write_pair(world / "a", "train")
    second = write_pair(world / "b", "x-train")
    with pytest.raises(ConfigError, match="the same folder"):
        import_idx([*first, *second], world / "out")
    assert not (world / "out").exists()
