"""Shapes are thinned to lines that keep their parts and holes."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from charcnn.handwriting.thinning import thin


def parts(shape: NDArray[np.bool_], connectivity: int) -> int:
    return cv2.connectedComponents(shape.astype(np.uint8), connectivity=connectivity)[0] - 1


def bar(x: int, y: int, width: int) -> NDArray[np.bool_]:
    canvas = np.zeros((120, 120), np.uint8)
    cv2.line(canvas, (60 - x, 60 - y), (60 + x, 60 + y), (1,), width)
    return canvas.astype(bool)


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))), st.sampled_from([1, 2, 3, 5]))
def test_a_thinned_shape_keeps_its_parts_and_its_holes(pixels: NDArray[np.bool_], scale: int) -> None:
    shape = np.pad(np.kron(pixels, np.ones((scale, scale), bool)), 1)
    line = thin(shape)
    assert not (line & ~shape).any()
    assert parts(line, 8) == parts(shape, 8)
    assert parts(~line, 4) == parts(~shape, 4)


@pytest.mark.parametrize("width", [2, 3, 6, 9, 15])
@pytest.mark.parametrize(("x", "y"), [(40, 0), (0, 40), (30, 30), (30, -30), (40, 15), (-15, 40)])
def test_a_bar_becomes_one_line_as_long_as_the_bar(x: int, y: int, width: int) -> None:
    line = thin(bar(x, y, width))
    assert line.sum() <= 2 * max(abs(x), abs(y)) + 2 * width  # one pixel a step, besides forks at its ends
    along = np.argwhere(line)[:, ::-1] @ (x, y) / np.hypot(x, y)
    assert np.ptp(along) >= 2 * np.hypot(x, y) - width - 2  # OpenCV draws slanting bars wider
