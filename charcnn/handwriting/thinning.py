"""Thin shapes to lines along their middle, one pixel wide except where they cross."""

import cv2
import numpy as np
from numpy.typing import NDArray

_WEIGHTS = np.array([[1, 2, 4], [128, 0, 8], [64, 32, 16]], np.float32)
"""Weight of each neighbor in the code of a pixel: 0 … 255 for the 256 neighborhoods."""

_Table = NDArray[np.uint8]
"""uint8 `[256]`: 0 for the neighborhoods of pixels to remove, else 1."""


def thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin a shape to lines.

    The passes are those of T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital patterns"
    (Comm. ACM 27(3), 1984), which erase slanted lines. To prevent that, only pixels with at least three neighbors are
    removed (H. E. Lü and P. S. P. Wang, Comm. ACM 29(3), 1986). Of a square of four pixels, one is kept.

    Args:
        ink: bool `[H,W]`, True for ink; at least one pixel in each direction.

    Returns:
        bool `[H,W]`: a subset of the ink with the same number of 8-connected parts and of holes.
    """
    line = ink.astype(np.uint8)
    before = -1
    while before != (before := cv2.countNonZero(line)):
        _peel(line, _BORDERS)
    _peel(line, _STAIRS)
    return line.astype(bool)


def _peel(line: NDArray[np.uint8], tables: tuple[_Table, ...]) -> None:
    """Remove pixels in place, in one pass per table. The pixels of a pass are removed at the same time."""
    for table in tables:
        codes = cv2.filter2D(line, cv2.CV_8U, _WEIGHTS, borderType=cv2.BORDER_CONSTANT)
        np.bitwise_and(line, cv2.LUT(codes, table), out=line)


def _build_tables() -> tuple[tuple[_Table, ...], tuple[_Table, ...]]:
    """Return the tables of the two passes that peel off borders, and of the four that straighten stairs."""
    ring = (np.arange(256) >> np.arange(8)[:, None] & 1).astype(bool)  # from the north-west, clockwise
    nw, n, ne, e, se, s, sw, w = ring
    neighbors = ring.sum(0)
    runs = (ring & ~np.roll(ring, 1, 0)).sum(0)
    border = (neighbors >= 3) & (neighbors <= 6) & (runs == 1)
    three = neighbors == 3
    south_east = border & ~(n & e & s) & ~(e & s & w) & ~(e & se & s & three)  # the last term keeps one of four
    north_west = border & ~(n & e & w) & ~(n & s & w) & ~(w & nw & n & three)
    stairs = (n & e & ~(w | s | sw), e & s & ~(w | n | nw), s & w & ~(n | e | ne), w & n & ~(s | e | se))
    return _as_tables(south_east, north_west), _as_tables(*stairs)


def _as_tables(*removed: NDArray[np.bool_]) -> tuple[_Table, ...]:
    return tuple((~which).astype(np.uint8) for which in removed)


_BORDERS, _STAIRS = _build_tables()
