"""Images are read once, and again if something has changed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charcnn.datasets.cache
from charcnn.datasets.cache import cache_folder, load_cached
from charcnn.images.codec import write_image
from charcnn.images.load import load_images
from charcnn.specs.image import ImageSpec

SPEC = ImageSpec(polarity="dark-on-light")


@pytest.fixture
def files(world: Path) -> list[Path]:
    """Six images; the last one is broken."""
    rng = np.random.default_rng(0)
    paths = [world / "images" / f"{number}.png" for number in range(6)]
    paths[0].parent.mkdir()
    for path in paths:
        write_image(path, rng.integers(0, 256, (28, 28), dtype=np.uint8))
    paths[-1].write_bytes(b"broken")
    return paths


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the number of files of each read."""
    counts: list[int] = []

    def counted(files: list[Path], *others: object) -> object:
        counts.append(len(files))
        return load_images(files, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(charcnn.datasets.cache, "load_images", counted)
    return counts


def _cut(path: Path, left: int) -> None:
    """Keep only the first bytes of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: min(left, len(content) - 1)])


def test_cached_images_are_the_same_without_reading_a_file(files: list[Path], reads: list[int]) -> None:
    first = load_cached(files, SPEC)
    second = load_cached(files, SPEC)
    assert reads == [6]
    assert np.array_equal(first.images, second.images)
    assert np.array_equal(first.digests, second.digests)
    assert first.failures == second.failures
    assert list(second.failures) == [5]


def test_images_are_mapped_and_read_only(files: list[Path]) -> None:
    load_cached(files, SPEC)
    images = load_cached(files, SPEC).images
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0] = 1


def test_images_are_read_only_before_they_are_cached(files: list[Path]) -> None:
    assert not load_cached(files, SPEC).images.flags.writeable


def test_a_changed_file_is_noticed(files: list[Path], reads: list[int]) -> None:
    load_cached(files, SPEC)
    write_image(files[2], np.zeros((28, 28), np.uint8))
    assert (load_cached(files, SPEC).images[2] == 0).all()
    assert reads == [6, 6]


def test_a_file_of_the_same_size_is_noticed_by_its_time(files: list[Path], reads: list[int]) -> None:
    load_cached(files, SPEC)
    status = files[2].stat()
    os.utime(files[2], ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    load_cached(files, SPEC)
    assert reads == [6, 6]


def test_a_removed_or_added_file_is_noticed(files: list[Path], reads: list[int]) -> None:
    content = files[3].read_bytes()
    load_cached(files, SPEC)
    files[3].unlink()
    assert sorted(load_cached(files, SPEC).failures) == [3, 5]
    files[3].write_bytes(content)
    assert sorted(load_cached(files, SPEC).failures) == [5]
    assert reads == [6, 6, 6]


def test_other_files_or_another_order_have_their_own_entry(files: list[Path], reads: list[int]) -> None:
    forward, backward = load_cached(files, SPEC), load_cached(files[::-1], SPEC)
    load_cached(files[:3], SPEC)
    assert reads == [6, 6, 3]
    assert np.array_equal(forward.images, backward.images[::-1])


@pytest.mark.parametrize(
    "change", [{"height": 20}, {"width": 20}, {"fit": "ink"}, {"margin": 0.2}, {"polarity": "light-on-dark"}]
)
def test_settings_that_change_pixels_have_their_own_entry(
    files: list[Path], reads: list[int], change: dict[str, object]
) -> None:
    load_cached(files, SPEC)
    load_cached(files, SPEC.model_copy(update=change))
    assert reads == [6, 6]


def test_mean_and_std_share_an_entry(files: list[Path], reads: list[int]) -> None:
    load_cached(files, SPEC)
    load_cached(files, SPEC.model_copy(update={"mean": 0.5, "std": 0.3}))
    assert reads == [6]


def test_relative_and_absolute_names_are_the_same_files(files: list[Path], reads: list[int], world: Path) -> None:
    load_cached(files, SPEC)
    load_cached([path.relative_to(world) for path in files], SPEC)
    assert reads == [6]


def test_nothing_is_written_into_the_dataset(files: list[Path], world: Path) -> None:
    load_cached(files, SPEC)
    assert sorted(path.name for path in files[0].parent.iterdir()) == [path.name for path in files]
    assert cache_folder().is_relative_to(world / ".cache")
    assert len(list(cache_folder().iterdir())) == 1


def test_an_unwritable_cache_is_ignored(
    files: list[Path], reads: list[int], world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world / "file").touch()
    monkeypatch.setenv("CHARCNN_CACHE", str(world / "file" / "cache"))
    for _ in range(2):
        assert load_cached(files, SPEC).images.shape == (6, 28, 28)
    assert reads == [6, 6]


def test_a_full_disk_is_ignored_and_leaves_nothing(
    files: list[Path], reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert load_cached(files, SPEC).images.shape == (6, 28, 28)
    assert list(cache_folder().iterdir()) == []


def test_a_read_only_cache_is_ignored(files: list[Path], reads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    load_cached(files, SPEC)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "touch", refused)
    monkeypatch.setattr(os, "utime", refused)
    assert load_cached(files, SPEC).images.shape == (6, 28, 28)


@pytest.mark.parametrize("name", ["images.npy", "digests.npy", "failures.json"])
@pytest.mark.parametrize("left", [0, 10, 130])
def test_a_damaged_entry_is_ignored(files: list[Path], name: str, left: int) -> None:
    expected = load_cached(files, SPEC)
    _cut(next(cache_folder().iterdir()) / name, left)
    loaded = load_cached(files, SPEC)
    assert np.array_equal(loaded.images, expected.images)
    assert np.array_equal(loaded.digests, expected.digests)
    assert loaded.failures == expected.failures


def test_a_damaged_entry_is_replaced(files: list[Path], reads: list[int]) -> None:
    load_cached(files, SPEC)
    _cut(next(cache_folder().iterdir()) / "images.npy", 200)
    load_cached(files, SPEC)
    load_cached(files, SPEC)
    assert reads == [6, 6]


def test_a_file_that_could_not_be_opened_is_tried_again(files: list[Path]) -> None:
    opened = os.open

    def refused(path: str, flags: int, *more: Any, **named: Any) -> int:
        if Path(path) in files:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", refused)
        assert len(load_cached(files, SPEC).failures) == 6
    assert list(load_cached(files, SPEC).failures) == [5]


def test_progress_counts_every_file_cached_or_not(files: list[Path]) -> None:
    steps: list[tuple[int, int]] = []
    for _ in range(2):
        steps.clear()
        load_cached(files, SPEC, lambda done, total: steps.append((done, total)))
        assert steps[-1] == (6, 6)


def test_the_least_recently_used_entries_are_removed(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [SPEC.model_copy(update={"margin": margin}) for margin in (0.0, 0.1, 0.2)]
    entries: list[Path] = []
    for age, spec in zip((300, 200, 100), specs, strict=True):
        load_cached(files, spec)
        (new,) = set(cache_folder().iterdir()) - set(entries)
        time = new.stat().st_mtime - age
        os.utime(new, (time, time))
        entries.append(new)
    load_cached(files, specs[0])  # used again: now the second one is the oldest
    size = sum(file.stat().st_size for file in entries[0].iterdir())
    monkeypatch.setattr(charcnn.datasets.cache, "MAX_CACHE_BYTES", 3 * size + 100)
    load_cached(files, SPEC)
    left = set(cache_folder().iterdir())
    assert entries[1] not in left
    assert {entries[0], entries[2]} <= left
    assert len(left) == 3
