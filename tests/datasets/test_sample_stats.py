"""A sample of the images determines polarity and fit."""

from pathlib import Path

import numpy as np
import pytest

from charcnn.datasets.formats.idx import read_idx
from charcnn.datasets.generate.synth import synth
from charcnn.datasets.sample_stats import SampleStats, inspect_images, inspect_sample
from charcnn.datasets.scan import scan
from charcnn.errors import DatasetError
from charcnn.images.codec import Gray, write_image


def _picture(light: bool = False, shape: tuple[int, int] = (28, 28)) -> Gray:
    picture = np.full(shape, 255, np.uint8)
    picture[8:16, 8:12] = 0
    return 255 - picture if light else picture


def _dataset(root: Path, *pictures: Gray) -> Path:
    (root / "1").mkdir(parents=True)
    for number, picture in enumerate(pictures):
        write_image(root / "1" / f"{number}.png", picture)
    return root


def test_polarity_is_decided_by_the_majority(world: Path) -> None:
    mostly_dark = _dataset(world / "a", _picture(), _picture(), _picture(light=True))
    mostly_light = _dataset(world / "b", _picture(light=True), _picture(light=True), _picture())
    assert inspect_sample(scan(mostly_dark)).polarity == "dark-on-light"
    assert inspect_sample(scan(mostly_light)).polarity == "light-on-dark"


@pytest.mark.parametrize(
    ("shapes", "one_size", "fit"),
    [
        ([(28, 28), (28, 28)], True, "stretch"),
        ([(32, 32), (32, 32)], True, "stretch"),
        ([(28, 20), (28, 20)], False, "ink"),
        ([(28, 28), (32, 32)], False, "ink"),
    ],
)
def test_one_square_size_is_stretched_and_others_fit_to_the_ink(
    world: Path, shapes: list[tuple[int, int]], one_size: bool, fit: str
) -> None:
    found = inspect_sample(scan(_dataset(world / "a", *(_picture(shape=shape) for shape in shapes))))
    assert (found.one_square_size, found.fit) == (one_size, fit)


def test_unreadable_images_are_ignored(world: Path) -> None:
    root = _dataset(world / "a", _picture(light=True), _picture(light=True))
    for name in ("7.png", "8.png", "9.png"):
        (root / "1" / name).write_bytes(b"broken")
    assert inspect_sample(scan(root)) == SampleStats("light-on-dark", one_square_size=True, side=28)


def test_a_dataset_without_readable_images_is_named(world: Path) -> None:
    root = _dataset(world / "broken", _picture())
    (root / "1" / "0.png").write_bytes(b"broken")
    with pytest.raises(DatasetError, match="broken can be read"):
        inspect_sample(scan(root))


def test_every_class_of_a_large_dataset_is_sampled(world: Path) -> None:
    root = world / "large"
    for folder in range(1, 5):
        (root / str(folder)).mkdir(parents=True)
        for number in range(200):
            write_image(root / str(folder) / f"{number}.bmp", _picture(light=folder > 1))
    assert inspect_sample(scan(root)).polarity == "light-on-dark"


def test_the_labs_images_are_dark_on_light_of_one_square_size(fudan12: Path) -> None:
    assert inspect_sample(scan(fudan12 / "train")) == SampleStats("dark-on-light", one_square_size=True, side=28)


def test_casias_images_are_dark_on_light_of_several_sizes(casia20: Path) -> None:
    assert inspect_sample(scan(casia20 / "train")) == SampleStats("dark-on-light", one_square_size=False, side=64)


def test_mnists_images_are_light_on_dark_of_one_square_size(mnist: Path, world: Path) -> None:
    images = read_idx(mnist / "t10k-images-idx3-ubyte.gz")[:40]
    assert inspect_sample(scan(_dataset(world / "mnist", *images))) == SampleStats(
        "light-on-dark", one_square_size=True, side=28
    )


def test_synthetic_handwriting_is_recognized_and_fit_to_the_ink(tmp_path: Path) -> None:
    root = synth("ab", tmp_path / "ab", per_class=3, test_per_class=1, size=28)
    assert inspect_sample(scan(root / "train")) == SampleStats(
        "dark-on-light", one_square_size=True, side=28, synthetic=True
    )
    assert inspect_sample(scan(root / "train")).fit == "ink"


def test_images_in_memory_are_inspected_like_files(world: Path) -> None:
    for pictures in ([_picture(), _picture(light=True), _picture(light=True)], [_picture(shape=(20, 28))]):
        files = inspect_sample(scan(_dataset(world / str(len(pictures)), *pictures)))
        assert inspect_images(pictures) == inspect_images(np.stack(pictures)) == files
