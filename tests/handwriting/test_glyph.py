"""OpenCV's built-in font draws characters, and missing ones are reported."""

import cv2
import numpy as np
import pytest

from charcnn.errors import GlyphError
from charcnn.handwriting.glyph import draw_glyph

SOME = "博学笃志切问近思自由无用あカ한AgÅЖω07?!"


@pytest.mark.parametrize("size", [32, 64, 128])
def test_a_glyph_is_dark_ink_on_a_white_square(size: int) -> None:
    picture = draw_glyph("永", size)
    assert picture.shape == (size * 3 // 2, size * 3 // 2)
    assert picture.dtype == np.uint8
    assert picture.min() < 40
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert np.unique(border).tolist() == [255]


@pytest.mark.parametrize("character", SOME)
def test_the_ink_is_centered_and_complete(character: str) -> None:
    picture = draw_glyph(character)
    rows, columns = np.flatnonzero((picture < 128).any(1)), np.flatnonzero((picture < 128).any(0))
    assert rows[0] + rows[-1] == pytest.approx(191, abs=2)
    assert columns[0] + columns[-1] == pytest.approx(191, abs=2)
    assert rows[0] > 0
    assert columns[0] > 0


def test_different_characters_look_different() -> None:
    assert len({draw_glyph(character).tobytes() for character in SOME}) == len(SOME)


def test_a_larger_glyph_is_the_same_shape() -> None:
    small, large = draw_glyph("由", 64), cv2.resize(draw_glyph("由", 128), (96, 96), interpolation=cv2.INTER_AREA)
    assert ((small < 128) != (large < 128)).mean() < 0.05


@pytest.mark.parametrize("character", ["\ue000", "\ue123", "\U0010fffd", "क"])
def test_a_character_that_the_font_lacks_is_named(character: str) -> None:
    with pytest.raises(GlyphError, match=rf"U\+{ord(character):04X}"):
        draw_glyph(character)


def test_a_question_mark_can_be_drawn() -> None:
    assert (draw_glyph("?") < 128).any()


@pytest.mark.parametrize("character", [" ", "\u3000"])
def test_a_character_without_ink_is_named(character: str) -> None:
    with pytest.raises(GlyphError, match=rf"U\+{ord(character):04X} has no ink"):
        draw_glyph(character)


@pytest.mark.parametrize("text", ["", "ab", "博学"])
def test_only_single_characters_are_drawn(text: str) -> None:
    with pytest.raises(GlyphError, match="single character"):
        draw_glyph(text)


def test_a_returned_glyph_may_be_modified() -> None:
    first = draw_glyph("用")
    before = first.copy()
    first[:] = 0
    assert np.array_equal(draw_glyph("用"), before)
