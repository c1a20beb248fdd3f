"""Outlines: what is computed once per character."""

import numpy as np

from charcnn.handwriting.outline import find_outlines


def test_moving_an_end_moves_all_of_a_straight_stroke_not_of_a_curl() -> None:
    for shape in find_outlines("一"):
        assert np.allclose(shape.pulls, [1 - shape.t, shape.t])
    curl = min(find_outlines("6"), key=lambda shape: float(shape.straight.min()))
    assert curl.pulls[:, np.abs(curl.t - 0.5) < 0.1].max() == 0
    assert np.array_equal(curl.pulls[:, [0, -1]], np.eye(2))
