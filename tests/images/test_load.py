"""`load_images`: many files become one array, in order. Unreadable files keep their row and have a reason."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from charcnn.images.codec import read_image, write_image
from charcnn.images.fit import fit
from charcnn.images.load import load_images
from charcnn.specs.image import ImageSpec

SPEC = ImageSpec(polarity="dark-on-light")


def _write_images(folder: Path, count: int, side: int = 28) -> list[Path]:
    rng = np.random.default_rng(count)
    paths = [folder / f"{number}.png" for number in range(count)]
    for path in paths:
        write_image(path, rng.integers(0, 256, (side, side), dtype=np.uint8))
    return paths


def test_each_row_holds_the_pixels_of_its_file(world: Path) -> None:
    paths = _write_images(world, 150)[::-1]
    loaded = load_images(paths, SPEC)
    assert loaded.images.shape == (150, 28, 28)
    assert loaded.failures == {}
    for row, digest, path in zip(loaded.images, loaded.digests, paths, strict=True):
        assert np.array_equal(row, read_image(path))
        assert digest.tobytes() == hashlib.sha256(path.read_bytes()).digest()


def test_loaded_images_are_fitted(casia20: Path) -> None:
    paths = sorted(casia20.glob("test/*/*.png"))[::60]
    spec = ImageSpec(height=32, width=24, fit="ink")
    loaded = load_images(paths, spec)
    for row, path in zip(loaded.images, paths, strict=True):
        assert np.array_equal(row, fit(read_image(path), spec))


def test_large_files_read_in_several_threads_keep_their_order(world: Path, four_threads: None) -> None:
    paths = _write_images(world, 130, side=160)
    assert paths[0].stat().st_size > 16_384
    loaded = load_images(paths, ImageSpec(height=160, width=160, polarity="dark-on-light"))
    for row, path in zip(loaded.images, paths, strict=True):
        assert np.array_equal(row, read_image(path))


def test_an_unreadable_file_is_blank_and_has_a_reason(world: Path) -> None:
    paths = _write_images(world, 5)
    paths[1].write_bytes(b"")
    paths[3].unlink()
    loaded = load_images(paths, SPEC)
    assert sorted(loaded.failures) == [1, 3]
    assert "1.png is empty" in loaded.failures[1]
    assert "3.png does not exist" in loaded.failures[3]
    for bad in (1, 3):
        assert (loaded.images[bad] == 255).all()
        assert (loaded.digests[bad] == 0).all()
    assert np.array_equal(loaded.images[4], read_image(paths[4]))


def test_progress_counts_every_file(world: Path) -> None:
    steps: list[tuple[int, int]] = []
    load_images(_write_images(world, 150), SPEC, lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1] == (150, 150)
    assert len(steps) > 1


@pytest.mark.parametrize("height", [8, 28])
def test_no_files_give_an_empty_array(height: int) -> None:
    loaded = load_images([], ImageSpec(height=height))
    assert loaded.images.shape == (0, height, 28)
    assert loaded.digests.shape == (0, 32)
