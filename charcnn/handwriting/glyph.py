"""A character → its printed shape, with the Unicode font that OpenCV carries inside: no font file is needed."""

from functools import lru_cache

import cv2
import numpy as np

from charcnn.errors import GlyphError
from charcnn.images.io import Grey

_MISSING = "\ue000"
"""A private-use code point that no font draws: what the font shows for it, it shows for everything that it lacks."""


def glyph(character: str, size: int = 128) -> Grey:
    """Draws one character, centred by its ink.

    Args:
        character: One character, for instance 博, a or 7.
        size: Pixels: height of the font's em, and side of the picture's inner square.

    Returns:
        uint8 `[size * 3 // 2, size * 3 // 2]`, black on white, anti-aliased.

    Raises:
        GlyphError: the font lacks the character (it would draw «?»), or the character has no ink.
    """
    if len(character) != 1:
        raise GlyphError(f"One character is drawn at a time, not {character!r}.")
    drawn = _drawn(character, size)
    if character != "?" and np.array_equal(drawn, _drawn(_MISSING, size)):
        raise GlyphError(f"The font lacks {character} (U+{ord(character):04X}).")
    rows, columns = np.flatnonzero((drawn < 128).any(1)), np.flatnonzero((drawn < 128).any(0))
    if not rows.size:
        raise GlyphError(f"U+{ord(character):04X} has no ink.")
    side = size * 3 // 2
    x, y = (side - columns[0] - columns[-1]) / 2, (side - rows[0] - rows[-1]) / 2
    shift = np.array([[1.0, 0.0, round(x)], [0.0, 1.0, round(y)]])
    return np.asarray(cv2.warpAffine(drawn, shift, (side, side), borderValue=(255,)), np.uint8)


@lru_cache(maxsize=8)
def _drawn(character: str, size: int) -> Grey:
    """The character somewhere on a large white canvas, uint8 `[2 * size, 2 * size]`."""
    canvas = np.full((2 * size, 2 * size), 255, np.uint8)
    cv2.putText(canvas, character, (size // 2, size * 3 // 2), (0,), cv2.FontFace("uni"), size)
    return canvas
