"""What is worked out once per character."""

import numpy as np

from charcnn.handwriting.outline import find_outlines


def test_moving_an_end_moves_a_whole_straight_stroke_but_only_the_end_of_a_curl() -> None:
    for shape in find_outlines("一"):
        assert np.allclose(shape.pulls, [1 - shape.t, shape.t])
    curl = min(find_outlines("6"), key=lambda shape: float(shape.straight.min()))
    assert curl.pulls[:, np.abs(curl.t - 0.5) < 0.1].max() == 0
    assert np.array_equal(curl.pulls[:, [0, -1]], np.eye(2))
