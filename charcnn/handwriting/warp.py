"""A printed shape → many warped drawings of it: slanted, stretched, bent, thick and thin.

What comes out looks like type that has been through the wash, not like handwriting; it is enough to try every command.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.glyph import glyph

_GLYPH = 64
"""Pixels of the em at which glyphs are drawn before they are warped and shrunk."""
_PENS = (-1, 0, 0, 1, 2)
"""Pixels by which strokes are thinned (below 0) or thickened; the font itself has one weight."""


def warped_drawings(character: str, count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draws one character many times, each time warped otherwise.

    Args:
        character: One character that the font has.
        count: How many.
        size: Side of the square pictures, in pixels.
        rng: Drives everything that is drawn.

    Returns:
        uint8 `[count, size, size]`, black (0) and white (255) only, like a scan of 1 bit.

    Raises:
        GlyphError: the font lacks the character.
    """
    shapes = [_thickened(glyph(character, _GLYPH), pen) for pen in _PENS]
    pictures = np.empty((count, size, size), np.uint8)
    for index in range(count):
        shape = shapes[rng.integers(len(shapes))]
        pictures[index] = _shrunk(_warped(shape, rng), size)
    return pictures


def _thickened(shape: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Makes dark strokes thicker, or thinner where `pixels` is negative."""
    kernel = np.ones((abs(pixels) + 1, abs(pixels) + 1), np.uint8)
    return np.asarray((cv2.dilate if pixels < 0 else cv2.erode)(shape, kernel), np.uint8)


def _warped(shape: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random affine map and a smooth random displacement, in one look-up."""
    side = shape.shape[0]
    angle, shear = rng.uniform(-8, 8), rng.uniform(-0.2, 0.2)
    wide, high = rng.uniform(0.9, 1.3), rng.uniform(0.95, 1.3)
    turn = cv2.getRotationMatrix2D((0, 0), angle, 1)[:, :2]
    matrix = np.linalg.inv(turn @ np.array([[wide, shear], [0, high]]))
    grid = np.indices((side, side))[::-1].reshape(2, -1) - side / 2
    x, y = (matrix @ grid).reshape(2, side, side) + side / 2 + rng.uniform(-2, 2, (2, 1, 1))
    bend = cv2.resize(rng.normal(0, 2.5, (5, 5, 2)), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(
        cv2.remap(
            shape,
            (x + bend[..., 0]).astype(np.float32),
            (y + bend[..., 1]).astype(np.float32),
            cv2.INTER_LINEAR,
            borderValue=(255,),
        ),
        np.uint8,
    )


def _shrunk(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.where(small < 170, 0, 255).astype(np.uint8)
