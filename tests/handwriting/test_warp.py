"""Warped drawings differ from each other, and are the same again for the same seed."""

import numpy as np
import pytest

from charcnn.errors import GlyphError
from charcnn.handwriting.warp import warped_drawings


@pytest.mark.parametrize("size", [16, 28, 64])
def test_they_are_black_and_white_squares(size: int) -> None:
    pictures = warped_drawings("学", 12, size, np.random.default_rng(0))
    assert pictures.shape == (12, size, size)
    assert pictures.dtype == np.uint8
    assert np.unique(pictures).tolist() == [0, 255]


@pytest.mark.parametrize("character", "博学笃志切问近思自由无用")
def test_each_has_ink_and_more_paper(character: str) -> None:
    ink = (warped_drawings(character, 40, 28, np.random.default_rng(1)) == 0).mean(axis=(1, 2))
    assert ink.min() > 0.03
    assert ink.max() < 0.6


def test_the_same_seed_draws_the_same_and_another_one_something_else() -> None:
    one, again, other = (warped_drawings("思", 6, 28, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_no_two_are_alike() -> None:
    pictures = warped_drawings("思", 60, 28, np.random.default_rng(0))
    assert len(np.unique(pictures, axis=0)) == 60


def test_drawings_of_one_character_are_nearer_to_it_than_to_another() -> None:
    means = {c: warped_drawings(c, 60, 28, np.random.default_rng(0)).mean(0) for c in "由无"}
    for character, other in ("由无", "无由"):
        fresh = warped_drawings(character, 60, 28, np.random.default_rng(9)).astype(float)
        distance = {c: np.abs(fresh - means[c]).mean(axis=(1, 2)) for c in means}
        assert (distance[character] < distance[other]).mean() > 0.9


def test_none_are_none() -> None:
    assert warped_drawings("自", 0, 28, np.random.default_rng(0)).shape == (0, 28, 28)


def test_a_character_that_the_font_lacks_is_named() -> None:
    with pytest.raises(GlyphError, match=r"U\+E000"):
        warped_drawings("\ue000", 1, 28, np.random.default_rng(0))
