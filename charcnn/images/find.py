"""Which image files are in a folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from charcnn.images.codec import is_image
from charcnn.storage.paths import natural_key


class FolderListing(NamedTuple):
    """The names of what is visible in a folder, in any order: no hidden files, and no `__MACOSX`.

    Attributes:
        folders: The sub-folders, also those that are links.
        images: The files that have an image's suffix.
    """

    folders: list[str]
    images: list[str]


Listing = Callable[[Path], FolderListing]
"""Lists a folder: `list_folder`, or one that remembers, so that several readers walk a folder once."""


def list_folder(folder: Path) -> FolderListing:
    """List a folder.

    Raises:
        OSError: it is not a folder, or may not be read.
    """
    listing = FolderListing([], [])
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if _is_folder(entry):
                listing.folders.append(entry.name)
            elif is_image(entry.name):
                listing.images.append(entry.name)
    return listing


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def find_images(folder: Path, listing: Listing = list_folder) -> list[str]:
    """Return all images in a folder and its sub-folders, in any order; links to folders are not followed.

    Returns:
        Their paths relative to the folder, with `/`.
    """
    names: list[str] = []
    pending = [""]
    while pending:
        inner = pending.pop()
        folders, images = listing(folder / inner)
        names += [inner + name for name in images]
        pending += [f"{inner}{name}/" for name in folders if not (folder / inner / name).is_symlink()]
    return names


def list_images(folder: Path, listing: Listing = list_folder) -> list[str]:
    """Return the paths of what `find_images` finds, in natural order, with `/`."""
    before = "" if folder == Path() else f"{folder.as_posix().rstrip('/')}/"
    return [before + name for name in sorted(find_images(folder, listing), key=natural_key)]
