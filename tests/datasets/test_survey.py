"""A look at the images settles polarity and fit."""

from pathlib import Path

import numpy as np
import pytest

from charcnn.datasets.idx import read_idx
from charcnn.datasets.scan import scan
from charcnn.datasets.survey import Survey, survey
from charcnn.datasets.synthetic import synthesise
from charcnn.errors import DatasetError
from charcnn.images.io import Grey, write_image


def _picture(light: bool = False, shape: tuple[int, int] = (28, 28)) -> Grey:
    picture = np.full(shape, 255, np.uint8)
    picture[8:16, 8:12] = 0
    return 255 - picture if light else picture


def _dataset(root: Path, *pictures: Grey) -> Path:
    (root / "1").mkdir(parents=True)
    for number, picture in enumerate(pictures):
        write_image(root / "1" / f"{number}.png", picture)
    return root


def test_most_images_decide_the_polarity(world: Path) -> None:
    mostly_dark = _dataset(world / "a", _picture(), _picture(), _picture(light=True))
    mostly_light = _dataset(world / "b", _picture(light=True), _picture(light=True), _picture())
    assert survey(scan(mostly_dark)).polarity == "dark-on-light"
    assert survey(scan(mostly_light)).polarity == "light-on-dark"


@pytest.mark.parametrize(
    ("shapes", "one_size", "fit"),
    [
        ([(28, 28), (28, 28)], True, "stretch"),
        ([(32, 32), (32, 32)], True, "stretch"),
        ([(28, 20), (28, 20)], False, "ink"),
        ([(28, 28), (32, 32)], False, "ink"),
    ],
)
def test_one_square_size_is_stretched_and_others_are_cut_to_the_ink(
    world: Path, shapes: list[tuple[int, int]], one_size: bool, fit: str
) -> None:
    found = survey(scan(_dataset(world / "a", *(_picture(shape=shape) for shape in shapes))))
    assert (found.one_square_size, found.fit) == (one_size, fit)


def test_unreadable_images_are_passed_over(world: Path) -> None:
    root = _dataset(world / "a", _picture(light=True), _picture(light=True))
    for name in ("7.png", "8.png", "9.png"):
        (root / "1" / name).write_bytes(b"broken")
    assert survey(scan(root)) == Survey("light-on-dark", one_square_size=True)


def test_where_none_can_be_read_the_dataset_is_named(world: Path) -> None:
    root = _dataset(world / "broken", _picture())
    (root / "1" / "0.png").write_bytes(b"broken")
    with pytest.raises(DatasetError, match="broken can be read"):
        survey(scan(root))


def test_of_a_large_dataset_every_class_is_looked_at(world: Path) -> None:
    root = world / "large"
    for folder in range(1, 5):
        (root / str(folder)).mkdir(parents=True)
        for number in range(200):
            write_image(root / str(folder) / f"{number}.bmp", _picture(light=folder > 1))
    assert survey(scan(root)).polarity == "light-on-dark"


def test_the_labs_real_images(fudan12: Path) -> None:
    assert survey(scan(fudan12 / "train")) == Survey("dark-on-light", one_square_size=True)


def test_casias_real_images(casia20: Path) -> None:
    assert survey(scan(casia20 / "train")) == Survey("dark-on-light", one_square_size=False)


def test_mnists_real_images(mnist: Path, world: Path) -> None:
    images = read_idx(mnist / "t10k-images-idx3-ubyte.gz")[:40]
    assert survey(scan(_dataset(world / "mnist", *images))) == Survey("light-on-dark", one_square_size=True)


def test_synthetic_handwriting_is_known_and_cut_to_its_ink(tmp_path: Path) -> None:
    root = synthesise("ab", tmp_path / "ab", per_class=3, test_per_class=1, size=28)
    assert survey(scan(root / "train")) == Survey("dark-on-light", one_square_size=True, synthetic=True)
    assert survey(scan(root / "train")).fit == "ink"
