"""Font files are looked at before OpenCV opens them.

It crashes on some files that are not fonts, and draws what a font lacks with its own built-in one, without notice.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from charcnn.errors import GlyphError

if TYPE_CHECKING:
    from PIL import ImageFont

_SIGNATURES = (b"\0\1\0\0", b"OTTO", b"true", b"ttcf")
"""How TrueType and OpenType fonts and collections of them begin."""
_NONCHARACTER = "\U0010ffff"
"""A code point that is not a character: a font draws it like everything that it lacks."""


def check_font(path: Path) -> None:
    """Check that a file is a font that OpenCV may open.

    Raises:
        GlyphError: it is missing, cannot be read, or is something else.
    """
    _open_font(path)


def has_glyph(path: Path, character: str) -> bool:
    """Return whether a font file itself has a character.

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
    from PIL import ImageFont  # most people write with the built-in fonts, and need not wait for it

    if not path.is_file():
        raise GlyphError(f"No such font file: {path}", "Pass a .ttf, .otf or .ttc file as `fonts`.")
    try:
        with path.open("rb") as stream:
            known = stream.read(4) in _SIGNATURES
        if known:
            font = ImageFont.truetype(str(path), 32, layout_engine=ImageFont.Layout.BASIC)
            font.getmask("x")
            return font
    except (OSError, ValueError):  # FreeType cannot read a damaged file, or permission is missing
        pass
    raise GlyphError(f"{path} is not a readable font.", "Supported: TrueType and OpenType (.ttf, .otf, .ttc).")
