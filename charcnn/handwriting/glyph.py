"""Draw printed characters, with OpenCV's built-in fonts or with font files."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from charcnn.errors import GlyphError
from charcnn.handwriting.fonts import check_font, has_glyph
from charcnn.images.codec import Gray

_PRIVATE_USE = "\ue000"
"""A private-use code point that no font has. Fonts draw it like any character that they lack."""
_BUILT_IN_FACES = ("uni", "sans", "italic")
"""Built-in faces of OpenCV. Only the first has more than Latin, Greek and Cyrillic letters."""


def find_faces(character: str, fonts: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """Return the faces that have a character: of the given font files, or else of OpenCV's built-in fonts.

    Raises:
        GlyphError: no face has it, or a font file cannot be read.
    """
    known = tuple(str(font) for font in fonts) or _BUILT_IN_FACES
    drawings = {_draw(character, 32, face).tobytes(): face for face in reversed(known) if _has_glyph(face, character)}
    found = tuple(sorted(drawings.values(), key=known.index))  # one of those that draw it identically
    if not found:
        where = " and ".join(font.name for font in fonts) or "The built-in font"
        raise GlyphError(
            f"{where} lacks {character} (U+{ord(character):04X}).",
            "Leave it out, or use a font that has it (`fonts`).",
        )
    return found


def has_ink(character: str, face: str) -> bool:
    """Return whether a face draws any ink for a character that it has, which it does not for a space."""
    return bool((_draw(character, 32, face) < 128).any())


def draw_glyph(character: str, size: int = 128, face: str = "uni") -> Gray:
    """Draw one character, centered by its ink.

    Args:
        character: One character, for instance 博, a or 7.
        size: Height of the font's em in pixels, and side of the inner square of the picture.
        face: A built-in face of OpenCV, or the path of a font file.

    Returns:
        uint8 `[size * 3 // 2, size * 3 // 2]`, black on white, anti-aliased.

    Raises:
        GlyphError: the font lacks the character (and would draw «?»), or the character has no ink.
    """
    if len(character) != 1:
        raise GlyphError(f"Expected a single character, not {character!r}.")
    drawn = _draw(character, size, face)
    if not _has_glyph(face, character):
        raise GlyphError(f"The font lacks {character} (U+{ord(character):04X}).")
    rows, columns = np.flatnonzero((drawn < 128).any(1)), np.flatnonzero((drawn < 128).any(0))
    if not rows.size:
        raise GlyphError(f"U+{ord(character):04X} has no ink.")
    side = size * 3 // 2
    x, y = (side - columns[0] - columns[-1]) / 2, (side - rows[0] - rows[-1]) / 2
    shift = np.array([[1.0, 0.0, round(x)], [0.0, 1.0, round(y)]])
    return np.asarray(cv2.warpAffine(drawn, shift, (side, side), borderValue=(255,)), np.uint8)


@lru_cache(maxsize=8)
def _draw(character: str, size: int, face: str) -> Gray:
    """Return the character on a large white canvas, uint8 `[2 * size, 2 * size]`."""
    canvas = np.full((2 * size, 2 * size), 255, np.uint8)
    cv2.putText(canvas, character, (size // 2, size * 3 // 2), (0,), _open_face(face), size)
    return canvas


def _has_glyph(face: str, character: str) -> bool:
    if face not in _BUILT_IN_FACES:
        return has_glyph(Path(face), character)
    return character == "?" or not np.array_equal(_draw(character, 32, face), _draw(_PRIVATE_USE, 32, face))


@lru_cache(maxsize=16)
def _open_face(face: str) -> cv2.FontFace:
    """Open a face.

    Raises:
        GlyphError: the file is missing, or is not a font.
    """
    if face not in _BUILT_IN_FACES:
        check_font(Path(face))
    return cv2.FontFace(face)
