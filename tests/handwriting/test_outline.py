"""What is worked out once per character."""

import numpy as np

from charcnn.handwriting.hand import PENS, Hand, habits_of, line_widths
from charcnn.handwriting.outline import outlines


def test_moving_an_end_moves_all_of_a_straight_stroke_and_only_the_end_of_a_curl() -> None:
    for shape in outlines("一"):
        assert np.allclose(shape.pulls, [1 - shape.t, shape.t])
    curl = min(outlines("6"), key=lambda shape: float(shape.straight.min()))
    assert curl.pulls[:, np.abs(curl.t - 0.5) < 0.1].max() == 0
    assert np.array_equal(curl.pulls[:, [0, -1]], np.eye(2))


def test_lines_are_wider_in_letters_than_in_chinese_characters_and_never_finer() -> None:
    for pen in (None, *PENS):
        hand = Hand(pen=pen)
        habits = habits_of(0, hand)
        small, large = line_widths(habits, hand, True), line_widths(habits, hand, False)
        assert (small >= large).all()
        assert small.max() > 1.3 * large.max()
