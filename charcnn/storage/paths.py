"""Paths: natural order, siblings."""

import os
import re
from pathlib import Path


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Gives the sort key under which 2 comes before 10, and `a` beside `A`."""
    parts: list[str | int] = [*_NUMBERS.split(name.casefold())]  # text and numbers in turn
    parts[1::2] = map(int, parts[1::2])
    return parts, name


_NUMBERS = re.compile("([0-9]+)")


def normalized(path: Path) -> Path:
    """Gives the path in a form that has a name and a parent: relative where it can be; links are not followed."""
    return Path(os.path.abspath(path)) if path.name in ("", "..") else path  # noqa: PTH100 - resolve follows links


def sibling_path(path: Path, name: str) -> Path:
    """Gives the path of something in the folder that holds `path`."""
    return normalized(path).parent / name
