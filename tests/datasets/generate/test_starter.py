"""The starter set is complete, deterministic, and never replaces a user's own images."""

import csv
import errno
import hashlib
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest

from charcnn.datasets.generate import owned_folder
from charcnn.datasets.generate.starter import is_free_for_starter
from charcnn.datasets.generate.synth import synth
from charcnn.datasets.scan import scan
from charcnn.errors import OverwriteError
from charcnn.handwriting.charsets import STARTER
from charcnn.handwriting.style import WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.images.codec import read_image
from charcnn.storage.folders import replace_folder


def _small(root: Path, *, per_class: int = 2, seed: int = 0, force: bool = False) -> Path:
    return synth(root=root, per_class=per_class, test_per_class=1, style=WritingStyle(seed=seed), force=force)


def _bytes(root: Path) -> dict[str, bytes]:
    """Return visible file, relative to `root` → content."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a minimal set that tests do not change."""
    return _small(tmp_path_factory.mktemp("smallest") / "data")


@pytest.fixture
def root(smallest: Path, world: Path) -> Path:
    """Return a copy of the minimal set that a test may change."""
    return Path(shutil.copytree(smallest, world / "data"))


def test_it_contains_the_requested_number_of_images(starter: Path) -> None:
    for part, count in (("train", 20), ("test", 5)):
        assert sorted(path.name for path in (starter / part).iterdir()) == sorted(map(str, range(1, 13)))
        for folder in (starter / part).iterdir():
            assert {path.name for path in folder.iterdir()} == {f"{i}.bmp" for i in range(1, count + 1)}
    assert {path.name for path in (starter / "ttest").iterdir()} == {f"{i}.bmp" for i in range(1, 121)}
    names = {"train", "test", "ttest", "ttest.csv", "classes.txt", "synth.csv"}
    assert {path.name for path in starter.iterdir()} == names


def test_classes_txt_names_the_twelve_characters(starter: Path) -> None:
    lines = (starter / "classes.txt").read_text(encoding="utf-8").splitlines()
    assert lines == [f"{i}\t{character}" for i, character in enumerate("博学笃志切问近思自由无用", 1)]


def test_images_are_28_by_28_black_on_white(starter: Path) -> None:
    for path in list(starter.rglob("*.bmp"))[::20]:
        image = read_image(path)
        assert image.shape == (28, 28)
        assert np.unique(image).tolist() == [0, 255]
        assert (image == 255).mean() > 0.5


def test_the_labels_of_ttest_are_right(starter: Path) -> None:
    truth = scan(starter / "ttest")
    assert [file.name for file in truth.files] == [f"{i}.bmp" for i in range(1, 121)]
    labels = [truth.classes[index] for index in truth.require_labels()]
    assert {labels.count(character) for character in STARTER} == {10}
    assert labels != sorted(labels, key=STARTER.index), "they are not shuffled"
    with (starter / "synth.csv").open(newline="", encoding="utf-8") as stream:
        writers = {
            row["file"]: int(row["writer"].removeprefix("0-")) for row in csv.DictReader(stream) if row["writer"]
        }
    for file, label in zip(truth.files, labels, strict=True):
        (written,) = write_character(
            label, [writers[f"ttest/{file.name}"]], 28, WritingStyle("neat", "ballpoint", "scan")
        )
        assert np.array_equal(read_image(file), written)


def test_no_image_is_in_two_splits(starter: Path) -> None:
    parts = [{path.read_bytes() for path in (starter / part).rglob("*.bmp")} for part in ("train", "test", "ttest")]
    assert [len(part) for part in parts] == [240, 60, 120]
    assert len(set.union(*parts)) == 420


def test_synth_csv_names_every_file_with_its_sha256(root: Path) -> None:
    with (root / "synth.csv").open(newline="", encoding="utf-8") as stream:
        named = {row["file"]: row["sha256"] for row in csv.DictReader(stream)}
    contents = {name: data for name, data in _bytes(root).items() if name != "synth.csv"}
    assert named == {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(smallest: Path, world: Path) -> None:
    assert _bytes(_small(world / "again")) == _bytes(smallest)
    other = _bytes(_small(world / "other", seed=1))
    assert other.keys() == _bytes(smallest).keys()
    assert all(other[name] != data for name, data in _bytes(smallest).items() if name.startswith("train/"))


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        (WritingStyle(), WritingStyle("neat", "ballpoint", "scan")),
        (WritingStyle("normal", "marker", "tablet"), WritingStyle("normal", "marker", "tablet")),
        (WritingStyle(pen="pencil"), WritingStyle("neat", "pencil", "scan")),
    ],
)
def test_handwriting_is_neat_unless_another_style_is_asked(
    world: Path, asked: WritingStyle, written: WritingStyle
) -> None:
    synth(root=world / "data", per_class=1, test_per_class=1, style=asked)
    (image,) = (world / "data/train/5").iterdir()
    assert np.array_equal(read_image(image), write_character("切", [0], 28, written)[0])


def test_more_images_begin_with_the_same_ones(smallest: Path, world: Path) -> None:
    more = _bytes(_small(world / "more", per_class=3))
    assert {name: more[name] for name in _bytes(smallest) if name.startswith(("train/", "test/"))} == {
        name: data for name, data in _bytes(smallest).items() if name.startswith(("train/", "test/"))
    }


def test_an_unmodified_set_is_replaced_with_nothing_left_over(root: Path, smallest: Path) -> None:
    _small(root, per_class=4, seed=3)
    _small(root)
    assert _bytes(root) == _bytes(smallest)


def test_files_next_to_it_are_kept(root: Path) -> None:
    (root / "notes.txt").write_text("mine", encoding="utf-8")
    (root / "own" / "1").mkdir(parents=True)
    (root / "own" / "1" / "1.bmp").write_bytes(b"mine")
    _small(root, seed=3)
    assert (root / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (root / "own" / "1" / "1.bmp").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["train/1/1.bmp", "ttest/5.bmp", "classes.txt", "ttest.csv"])
def test_a_modified_file_is_refused_and_kept(root: Path, name: str) -> None:
    (root / name).write_bytes(b"changed")
    before = _bytes(root)
    with pytest.raises(OverwriteError) as caught:
        _small(root, seed=3)
    assert name in caught.value.message
    assert "`force=True`" in caught.value.hint
    assert _bytes(root) == before


def test_a_link_in_place_of_a_file_is_refused_and_kept(root: Path, tmp_path: Path) -> None:
    (root / "train/1/1.bmp").rename(tmp_path / "elsewhere.bmp")
    (root / "train/1/1.bmp").symlink_to(tmp_path / "elsewhere.bmp")
    with pytest.raises(OverwriteError, match=r"train/1/1\.bmp"):
        _small(root, seed=3)
    assert (root / "train/1/1.bmp").is_symlink()


@pytest.mark.parametrize("name", ["train/1/mine.bmp", "train/13/1.bmp", "test/readme.txt", "ttest/mine.png"])
def test_a_foreign_file_is_refused_and_kept(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"mine")
    before = _bytes(root)
    with pytest.raises(OverwriteError) as caught:
        _small(root, seed=3)
    assert name in caught.value.message
    assert _bytes(root) == before


@pytest.mark.parametrize("name", ["train/1/1.bmp", "test/博/1.png", "ttest/1.bmp", "classes.txt", "ttest.csv"])
def test_a_users_own_data_is_never_overwritten(world: Path, name: str) -> None:
    path = world / "data" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(OverwriteError):
        _small(world / "data")
    assert _bytes(world / "data") == {name: b"mine"}


def test_a_users_own_synth_csv_is_never_overwritten(world: Path) -> None:
    (world / "data").mkdir()
    (world / "data" / "synth.csv").write_bytes(b"frequency,waveform\n440,sine\n")
    with pytest.raises(OverwriteError, match=r"synth\.csv"):
        _small(world / "data")
    assert _bytes(world / "data") == {"synth.csv": b"frequency,waveform\n440,sine\n"}


def test_force_writes_and_keeps_files_that_are_not_read_as_part_of_it(world: Path) -> None:
    (world / "data" / "train" / "1").mkdir(parents=True)
    (world / "data" / "train" / "1" / "mine.txt").write_bytes(b"mine")
    (world / "data" / "train" / "1" / "1.bmp").write_bytes(b"replaced")
    _small(world / "data", force=True)
    assert (world / "data" / "train" / "1" / "mine.txt").read_bytes() == b"mine"
    assert read_image(world / "data" / "train" / "1" / "1.bmp").shape == (28, 28)
    assert len(scan(world / "data" / "train")) == 24


@pytest.mark.parametrize("name", ["train/13/1.bmp", "ttest/mine.bmp"])
def test_an_additional_class_or_image_is_refused_even_with_force(world: Path, name: str) -> None:
    (world / "data" / name).parent.mkdir(parents=True)
    (world / "data" / name).write_bytes(b"mine")
    with pytest.raises(OverwriteError, match=name):
        _small(world / "data", force=True)
    assert _bytes(world / "data") == {name: b"mine"}


def test_an_interruption_leaves_the_set_unchanged(root: Path) -> None:
    before = _bytes(root)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synth(root=root, per_class=2, test_per_class=1, style=WritingStyle(seed=4), on_progress=interrupt)
    assert _bytes(root) == before


def test_an_interrupted_replacement_can_be_repeated(
    root: Path, smallest: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `train` was replaced and `test` was not, each is still known as part of a generated dataset."""

    def interrupted(destination: Path, *rest: Any) -> AbstractContextManager[Path]:
        if destination.name == "test":
            raise KeyboardInterrupt
        return replace_folder(destination, *rest)

    for seed in (3, 4):
        with monkeypatch.context() as patched:
            patched.setattr(owned_folder, "replace_folder", interrupted)
            with pytest.raises(KeyboardInterrupt):
                _small(root, seed=seed)
        assert (root / "train/1/1.bmp").read_bytes() != (smallest / "train/1/1.bmp").read_bytes()
        assert (root / "test/1/1.bmp").read_bytes() == (smallest / "test/1/1.bmp").read_bytes()
    assert _bytes(_small(root, seed=4)) == _bytes(_small(world / "fresh", seed=4))


def test_a_refusal_leaves_no_files_behind(world: Path) -> None:
    (world / "data" / "train" / "1").mkdir(parents=True)
    (world / "data" / "train" / "1" / "1.bmp").write_bytes(b"mine")
    with pytest.raises(OverwriteError):
        _small(world / "data")
    assert [path.name for path in (world / "data").iterdir()] == ["train"]


def test_a_cache_folder_that_cannot_be_written_is_not_needed(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(lock: filelock.FileLock, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", lock.lock_file)

    monkeypatch.setattr(filelock.FileLock, "acquire", denied)
    assert len(scan(_small(world / "data") / "train")) == 24


def test_progress_ends_at_the_total(world: Path) -> None:
    steps: list[tuple[int, int]] = []
    synth(root=world / "data", per_class=2, test_per_class=1, on_progress=lambda *step: steps.append(step))
    assert steps[-1] == (12 * 13, 12 * 13)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


@pytest.mark.parametrize("name", ["train", "test", "ttest", "ttest.csv", "classes.txt"])
def test_any_foreign_file_in_its_place_is_noticed(world: Path, name: str) -> None:
    assert is_free_for_starter(world)
    (world / name).touch()
    assert not is_free_for_starter(world)
