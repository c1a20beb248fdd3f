"""References to models: `latest`, `NAME`, `NAME@3`, `NAME@best`, or a path."""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from charcnn.errors import ModelError
from charcnn.storage.paths import is_reserved_name

LATEST = "latest"
_NUMBER = re.compile(r"v?\d+", re.IGNORECASE)
_MAX_NAME_CHARACTERS = 64


@dataclass(frozen=True)
class Reference:
    """A parsed reference.

    Attributes:
        name: Name of the model; None for `latest`, the newest version of the registry.
        version: Version number; None for the newest version, or if an alias is given.
        alias: Alias, or None.
    """

    name: str | None
    version: int | None = None
    alias: str | None = None


def is_path(text: str) -> bool:
    """Return whether a model argument is a path, because it has a separator or a suffix."""
    return "/" in text or os.sep in text or bool(Path(text).suffix) or text in (".", "..")


def parse_reference(text: str) -> Reference:
    """Parse `latest`, `NAME`, `NAME@3`, `NAME@v3`, `NAME@latest` or `NAME@ALIAS`.

    Raises:
        ModelError: the text is none of these.
    """
    if text == LATEST:
        return Reference(None)
    name, at, which = text.partition("@")
    check_name(name, "model name")
    if not at or which == LATEST:
        return Reference(name)
    if _NUMBER.fullmatch(which):
        return Reference(name, version=int(which.lower().removeprefix("v")[:18]))
    check_name(which, "alias")
    return Reference(name, alias=which)


def check_name(name: str, what: str) -> None:
    """Check the name of a model or an alias: 1 to 64 letters of any script, digits, `-` and `_`.

    Raises:
        ModelError: the name has other characters, is too long, or is reserved (`latest`, numbers, device names).
    """
    if _is_reserved(name):
        raise ModelError(f"{name} is reserved, so it is not a valid {what}.", "Choose another name.")
    if not 1 <= len(name) <= _MAX_NAME_CHARACTERS or not name[0].isalnum() or not all(map(_is_name_character, name)):
        shown = name if len(name) <= 40 else f"{name[:40]}…"
        raise ModelError(
            f"{shown!r} is not a valid {what}.",
            "A name is 1 to 64 letters, digits, - or _, and starts with a letter or digit.",
        )


def _is_reserved(name: str) -> bool:
    """Return whether a name has another meaning: `latest`, a version number, or a Windows device."""
    return name.casefold() == LATEST or bool(_NUMBER.fullmatch(name)) or is_reserved_name(name)


def _is_name_character(character: str) -> bool:
    """Return whether a character may be in a name: a letter, digit or mark of any script, - or _."""
    return character.isalnum() or character in "-_" or unicodedata.category(character).startswith("M")


def name_from(text: str) -> str:
    """Return a valid model name derived from any text, such as a folder name; empty if that is impossible."""
    kept = "".join(c if _is_name_character(c) else " " for c in text)
    name = "-".join(kept.split()).strip("-_")[:_MAX_NAME_CHARACTERS]
    return name if name and name[0].isalnum() and not _is_reserved(name) else ""
