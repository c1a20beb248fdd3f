"""Paths: natural sort order, siblings, names reserved by Windows."""

import os
import re
from pathlib import Path

_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_NUMBERS = re.compile("([0-9]+)")


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sort key that puts 2 before 10, and `a` next to `A`."""
    parts: list[str | int] = [*_NUMBERS.split(name.casefold())]  # text and numbers alternate
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def normalize_path(path: Path) -> Path:
    """Return the path in a form that has a name and a parent; relative if possible. Links are not followed."""
    return Path(os.path.abspath(path)) if path.name in ("", "..") else path  # noqa: PTH100 - resolve follows links


def sibling_path(path: Path, name: str) -> Path:
    """Return the path of `name` in the folder that contains `path`."""
    return normalize_path(path).parent / name


def is_reserved_name(name: str) -> bool:
    """Return whether Windows reserves a file name for a device (`CON`, `lpt1`)."""
    return name.casefold() in _WINDOWS_DEVICES
