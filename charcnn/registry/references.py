"""The words for a model: `latest`, `NAME`, `NAME@3`, `NAME@best`, or a path."""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from charcnn.errors import ModelError
from charcnn.storage.paths import is_reserved_name

LATEST = "latest"
_NUMBER = re.compile(r"v?\d+", re.IGNORECASE)
_LONGEST = 64


@dataclass(frozen=True)
class Reference:
    """A model asked for.

    Attributes:
        name: The model's name; None for `latest`, the newest of the whole registry.
        version: Its number; None for the newest, or where an alias is given.
        alias: Its alias, or None.
    """

    name: str | None
    version: int | None = None
    alias: str | None = None


def is_path(text: str) -> bool:
    """Tells whether a model argument is a path: it has a separator, or a suffix."""
    return "/" in text or os.sep in text or bool(Path(text).suffix) or text in (".", "..")


def parse_reference(text: str) -> Reference:
    """Reads `latest`, `NAME`, `NAME@3`, `NAME@v3`, `NAME@latest` or `NAME@ALIAS`.

    Raises:
        ModelError: it is none of these.
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
    """Checks the name of a model or an alias: letters of any script, digits, `-` and `_`, 1 … 64 of them.

    Raises:
        ModelError: another character, too long, or reserved (`latest`, numbers, names of devices).
    """
    if name.casefold() == LATEST or _NUMBER.fullmatch(name) or is_reserved_name(name):
        raise ModelError(f"{name} is reserved: it cannot be a {what}.", "Choose another name.")
    if not 1 <= len(name) <= _LONGEST or not name[0].isalnum() or not all(map(_may_stand_in_a_name, name)):
        shown = name if len(name) <= 40 else f"{name[:40]}…"
        raise ModelError(
            f"{shown!r} is no {what}.",
            "A name is 1 to 64 letters, digits, - or _, and starts with a letter or digit.",
        )


def _may_stand_in_a_name(character: str) -> bool:
    """Letters and digits of any script, the marks that belong to them, - and _."""
    return character.isalnum() or character in "-_" or unicodedata.category(character).startswith("M")


def name_from(text: str) -> str:
    """Makes a model's name from any text, for instance a folder's name; empty where nothing of it can be one."""
    kept = "".join(c if _may_stand_in_a_name(c) else " " for c in text)
    name = "-".join(kept.split()).strip("-_")[:_LONGEST]
    if (
        not name
        or not name[0].isalnum()
        or _NUMBER.fullmatch(name)
        or name.casefold() == LATEST
        or is_reserved_name(name)
    ):
        return ""
    return name
