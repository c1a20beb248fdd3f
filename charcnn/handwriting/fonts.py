"""Check font files before OpenCV opens them.

OpenCV crashes on some files that are not fonts, and silently draws missing characters with its built-in font.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from charcnn.errors import GlyphError

if TYPE_CHECKING:
    from PIL import ImageFont

_SIGNATURES = (b"\0\1\0\0", b"OTTO", b"true", b"ttcf")
"""First bytes of TrueType and OpenType fonts and collections."""
_NONCHARACTER = "\U0010ffff"
"""A code point that is not a character. Fonts draw it like any character that they lack."""


def check_font(path: Path) -> None:
    """Check that a file is a font that OpenCV can open.

    Raises:
        GlyphError: the file is missing, cannot be read, or is not a font.
    """
    _open_font(path)


def has_glyph(path: Path, character: str) -> bool:
    """Return whether a font file has a glyph for a character.

    Raises:
        GlyphError: the file is not a font.
    """
    font = _open_font(path)
    return _draw(font, character) != _draw(font, _NONCHARACTER)


def _draw(font: "ImageFont.FreeTypeFont", character: str) -> tuple[object, ...]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@lru_cache(maxsize=16)
def _open_font(path: Path) -> "ImageFont.FreeTypeFont":
    from PIL import ImageFont  # slow to import, and not needed for the built-in fonts

    if not path.is_file():
        raise GlyphError(f"Font file not found: {path}", "Pass a .ttf, .otf or .ttc file as `fonts`.")
    try:
        with path.open("rb") as stream:
            known = stream.read(4) in _SIGNATURES
        if known:
            font = ImageFont.truetype(str(path), 32, layout_engine=ImageFont.Layout.BASIC)
            font.getmask("x")
            return font
    except (OSError, ValueError):  # a damaged file, or permission denied
        pass
    raise GlyphError(f"{path} is not a readable font.", "Supported: TrueType and OpenType (.ttf, .otf, .ttc).")
