"""Font files are looked at before OpenCV opens them.

It crashes on some files that are no fonts, and what a font lacks it draws with its own built-in one, without a word.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from charcnn.errors import GlyphError

if TYPE_CHECKING:
    from PIL import ImageFont

_KINDS = (b"\0\1\0\0", b"OTTO", b"true", b"ttcf")
"""How TrueType and OpenType fonts and collections of them begin."""
_LACKED = "\U0010ffff"
"""A code point that is no character: what a font shows for it, it shows for everything that it lacks."""


def check_font(path: Path) -> None:
    """Checks that a file is a font that OpenCV may open.

    Raises:
        GlyphError: it is missing, cannot be read, or is something else.
    """
    _opened(path)


def has_glyph(path: Path, character: str) -> bool:
    """Tells whether a font file itself has a character.

    Raises:
        GlyphError: the file is no font.
    """
    font = _opened(path)
    return _drawn(font, character) != _drawn(font, _LACKED)


def _drawn(font: "ImageFont.FreeTypeFont", character: str) -> tuple[object, ...]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@lru_cache(maxsize=16)
def _opened(path: Path) -> "ImageFont.FreeTypeFont":
    from PIL import ImageFont  # most people write with the built-in fonts, and need not wait for it

    if not path.is_file():
        raise GlyphError(
            f"No such font file: {path}", "Name a .ttf, .otf or .ttc file: charcnn synth … --font FILE.ttf"
        )
    try:
        with path.open("rb") as stream:
            known = stream.read(4) in _KINDS
        if known:
            font = ImageFont.truetype(str(path), 32, layout_engine=ImageFont.Layout.BASIC)
            font.getmask("x")
            return font
    except (OSError, ValueError):  # FreeType's word on a damaged file, or no permission
        pass
    raise GlyphError(f"{path} is no font that can be read.", "TrueType and OpenType fonts can (.ttf, .otf, .ttc).")
