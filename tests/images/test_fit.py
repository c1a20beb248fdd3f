"""`fit`: images of the same character become the same network input."""

import tracemalloc
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from charcnn.datasets.formats.idx import read_idx
from charcnn.images.codec import Gray, read_image
from charcnn.images.find import list_images
from charcnn.images.fit import fit
from charcnn.images.ink import is_light_on_dark, paper_level
from charcnn.specs.choices import Fit
from charcnn.specs.image import ImageSpec

FITS: tuple[Fit, ...] = ("stretch", "pad", "ink")
FITS_ONLY = st.sampled_from(FITS)
ANY_IMAGE = arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)))
SPECS = st.builds(
    ImageSpec,
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    fit=FITS_ONLY,
    margin=st.floats(0, 0.4),
    polarity=st.sampled_from(["auto", "dark-on-light", "light-on-dark"]),
)


def _character(seed: int, side: int = 60) -> Gray:
    """A few thick black strokes on white, cropped to their ink."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side), 255, np.uint8)
    for _ in range(4):
        start, end = (tuple(int(v) for v in rng.integers(6, side - 6, 2)) for _ in range(2))
        cv2.line(picture, start, end, (0,), 4, cv2.LINE_AA)
    rows, columns = np.flatnonzero((picture < 255).any(1)), np.flatnonzero((picture < 255).any(0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _on_paper(ink: Gray, height: int, width: int, top: int, left: int) -> Gray:
    paper = np.full((height, width), 255, np.uint8)
    paper[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return paper


def _box(image: Gray) -> tuple[int, int, int, int]:
    """Top, bottom, left and right (inclusive) of the dark pixels."""
    rows, columns = np.flatnonzero((image < 128).any(1)), np.flatnonzero((image < 128).any(0))
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


@settings(deadline=None)
@given(image=ANY_IMAGE, spec=SPECS)
def test_any_image_becomes_the_asked_size(image: Gray, spec: ImageSpec) -> None:
    before = image.copy()
    fitted = fit(image, spec)
    assert fitted.shape == (spec.height, spec.width)
    assert fitted.dtype == np.uint8
    assert np.array_equal(image, before), "the image that was given has changed"


@settings(deadline=None)
@given(image=arrays(np.uint8, (28, 20)))
def test_an_image_that_has_the_size_is_stretched_to_itself(image: Gray) -> None:
    spec = ImageSpec(height=28, width=20, fit="stretch", polarity="dark-on-light")
    assert np.array_equal(fit(image, spec), image)


@settings(deadline=None)
@given(image=ANY_IMAGE, way=FITS_ONLY)
def test_light_on_dark_is_dark_on_light_of_the_negative(image: Gray, way: Fit) -> None:
    light, dark = (ImageSpec(fit=way, polarity=p) for p in ("light-on-dark", "dark-on-light"))
    assert np.array_equal(fit(image, light), fit(255 - image, dark))


@settings(deadline=None)
@given(seed=st.integers(0, 2**20), top=st.integers(3, 20), left=st.integers(3, 20), way=FITS_ONLY)
def test_a_picture_and_its_negative_become_the_same(seed: int, top: int, left: int, way: Fit) -> None:
    picture = _on_paper(_character(seed), 90, 90, top, left)
    spec = ImageSpec(fit=way, polarity="auto")
    assert not is_light_on_dark(picture)
    assert is_light_on_dark(255 - picture)
    assert np.abs(fit(255 - picture, spec).astype(int) - fit(picture, spec)).max() <= 1


def test_a_character_that_fills_its_image_to_the_edge_keeps_its_polarity() -> None:
    frame = np.full((40, 40), 255, np.uint8)
    frame[0], frame[-1] = 0, 0  # 一 at the top and bottom, cropped to the ink: half of the border is ink
    assert not is_light_on_dark(frame)
    assert is_light_on_dark(255 - frame)


@settings(deadline=None)
@given(seed=st.integers(0, 2**20), top=st.integers(0, 60), left=st.integers(0, 60))
def test_the_position_of_the_ink_does_not_matter(seed: int, top: int, left: int) -> None:
    ink, spec = _character(seed), ImageSpec(fit="ink", polarity="dark-on-light")
    assert np.array_equal(fit(_on_paper(ink, 120, 120, top, left), spec), fit(_on_paper(ink, 120, 120, 30, 30), spec))


@settings(deadline=None)
@given(seed=st.integers(0, 2**20), height=st.integers(60, 150), width=st.integers(60, 150))
def test_how_much_paper_there_is_hardly_matters(seed: int, height: int, width: int) -> None:
    ink, spec = _character(seed), ImageSpec(fit="ink", polarity="dark-on-light")
    fitted, expected = fit(_on_paper(ink, height, width, 0, 0), spec), fit(_on_paper(ink, 64, 64, 2, 2), spec)
    assert np.abs(fitted.astype(int) - expected).mean() < 12


@pytest.mark.parametrize(("black", "white"), [(0, 255), (60, 200), (10, 90), (120, 240)])
def test_pale_ink_on_gray_paper_becomes_black_on_white(black: int, white: int) -> None:
    picture = np.full((60, 60), white, np.uint8)
    picture[20:40, 25:35] = black
    fitted = fit(picture, ImageSpec(fit="ink"))
    assert fitted.min() == 0
    assert fitted.max() == 255
    assert np.unique(fitted[0]).tolist() == [255]


def test_specks_do_not_move_the_character() -> None:
    ink, spec = _character(3), ImageSpec(fit="ink", polarity="dark-on-light")
    clean = _on_paper(ink, 120, 120, 40, 40)
    dirty = clean.copy()
    dirty[2, 2], dirty[117, 60], dirty[5, 110] = 0, 0, 0
    assert np.array_equal(fit(dirty, spec), fit(clean, spec))


def test_the_dots_of_a_character_are_not_specks() -> None:
    heart = np.full((80, 80), 255, np.uint8)  # 心: dots far from the large stroke
    cv2.line(heart, (20, 60), (60, 60), (0,), 5)
    cv2.circle(heart, (40, 15), 3, (0,), -1)
    top, bottom, _, _ = _box(fit(heart, ImageSpec(fit="ink", margin=0)))
    assert bottom - top >= 24


@pytest.mark.parametrize("margin", [0.0, 0.08, 0.2, 0.4])
@pytest.mark.parametrize("size", [(50, 50), (60, 20), (12, 44), (8, 8)])
def test_the_margin_is_left_free_and_the_rest_is_used(margin: float, size: tuple[int, int]) -> None:
    picture = _on_paper(np.zeros(size, np.uint8), 100, 100, 7, 31)
    fitted = fit(picture, ImageSpec(height=100, width=100, fit="ink", margin=margin))
    top, bottom, left, right = _box(fitted)
    free, pixel = margin * 100, (100 - 2 * margin * 100) / max(size)  # size of the scaled ink
    assert min(top, left, 99 - bottom, 99 - right) >= free - max(pixel, 2)
    assert max(bottom - top, right - left) + 1 == pytest.approx(100 - 2 * free, abs=2 * max(pixel, 2))
    assert top + bottom == pytest.approx(99, abs=max(1.2 * pixel, 2))
    assert left + right == pytest.approx(99, abs=max(1.2 * pixel, 2))


@pytest.mark.parametrize("way", FITS)
def test_a_blank_page_is_all_paper(way: Fit) -> None:
    for shape in ((28, 28), (5, 90), (1, 1)):
        assert np.unique(fit(np.full(shape, 255, np.uint8), ImageSpec(fit=way))).tolist() == [255]


@pytest.mark.parametrize("way", FITS)
def test_faint_noise_on_a_page_is_not_blown_up_to_ink(way: Fit) -> None:
    page = np.random.default_rng(0).integers(245, 256, (50, 70), dtype=np.uint8)
    assert fit(page, ImageSpec(fit=way)).min() >= 240


@pytest.mark.parametrize("shape", [(40, 100), (100, 40), (64, 64)])
@pytest.mark.parametrize("way", ["pad", "ink"])
def test_a_circle_stays_round(shape: tuple[int, int], way: Literal["pad", "ink"]) -> None:
    picture = np.full(shape, 255, np.uint8)
    cv2.circle(picture, (shape[1] // 2, shape[0] // 2), 16, (0,), -1)
    top, bottom, left, right = _box(fit(picture, ImageSpec(height=56, width=56, fit=way)))
    assert abs((bottom - top) - (right - left)) <= 1


def test_stretching_distorts_a_circle() -> None:
    picture = np.full((40, 100), 255, np.uint8)
    cv2.circle(picture, (50, 20), 16, (0,), -1)
    top, bottom, left, right = _box(fit(picture, ImageSpec(height=56, width=56, fit="stretch")))
    assert bottom - top > 2 * (right - left)


@pytest.mark.parametrize("paper", [255, 180])
def test_padding_has_the_color_of_the_paper(paper: int) -> None:
    picture = np.full((20, 60), paper, np.uint8)
    picture[8:12, 20:40] = 0
    fitted = fit(picture, ImageSpec(height=60, width=60, fit="pad"))
    assert np.unique(fitted[:18]).tolist() == [paper]
    assert np.unique(fitted[-18:]).tolist() == [paper]


@pytest.mark.parametrize("way", FITS)
@pytest.mark.parametrize("shape", [(4, 8_000), (8_000, 4)])
def test_a_long_thin_strip_takes_little_memory(way: Fit, shape: tuple[int, int]) -> None:
    strip = np.full(shape, 255, np.uint8)
    strip[1:3, 1:3] = 0
    strip[-3:-1, -3:-1] = 0
    tracemalloc.start()
    try:
        fitted = fit(strip, ImageSpec(fit=way))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert fitted.shape == (28, 28)
    assert peak < 50 * strip.size


@pytest.mark.parametrize("level", [0, 100, 255])
def test_the_paper_level_comes_from_the_border(level: int) -> None:
    picture = np.full((30, 30), level, np.uint8)
    picture[8:20, 8:20] = 255 - level
    picture[0, :10] = 128
    assert paper_level(picture) == level


@settings(deadline=None)
@given(image=ANY_IMAGE)
def test_the_paper_is_a_level_of_the_image(image: Gray) -> None:
    assert paper_level(image) in image


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_an_image_without_contrast_is_not_light_on_dark(level: int) -> None:
    assert not is_light_on_dark(np.full((28, 28), level, np.uint8))


def test_all_of_mnist_is_light_on_dark(mnist: Path) -> None:
    images = read_idx(mnist / "t10k-images-idx3-ubyte.gz")[::10]
    assert [index for index, image in enumerate(images) if not is_light_on_dark(image)] == []


def test_no_image_of_fudan12_is_light_on_dark(fudan12: Path) -> None:
    assert [path for path in list_images(fudan12 / "train")[::10] if is_light_on_dark(read_image(path))] == []


def test_no_image_of_casia20_is_light_on_dark(casia20: Path) -> None:
    assert [path for path in list_images(casia20)[::10] if is_light_on_dark(read_image(path))] == []


def test_real_images_and_their_negatives_become_the_same(casia20: Path) -> None:
    for way in FITS:
        for path in list_images(casia20)[::100]:
            image, spec = read_image(path), ImageSpec(fit=way)
            assert np.abs(fit(255 - image, spec).astype(int) - fit(image, spec)).max() <= 2, path


@given(arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40))), FITS_ONLY)
def test_a_scan_in_black_and_white_is_taken_as_one_in_nearly_black_and_white(ink: NDArray[np.bool_], how: Fit) -> None:
    """The first is detected by counting, the second by Otsu's threshold."""
    plain, nearly = np.where(ink, 0, 255).astype(np.uint8), np.where(ink, 1, 254).astype(np.uint8)
    assert is_light_on_dark(plain) == is_light_on_dark(nearly)
    found = [fit(image, ImageSpec(fit=how)).astype(int) for image in (plain, nearly)]
    assert np.abs(found[0] - found[1]).max() <= 2
