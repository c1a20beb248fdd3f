"""Find the image files in a folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from charcnn.images.codec import is_image
from charcnn.storage.paths import natural_key


class FolderListing(NamedTuple):
    """The names of the subfolders and images in a folder, in any order, without hidden entries and `__MACOSX`.

    Attributes:
        folders: The subfolders, including links to folders.
        images: The files with an image suffix.
    """

    folders: list[str]
    images: list[str]


Listing = Callable[[Path], FolderListing]
"""Lists a folder: `list_folder`, or a cached version of it, so that several readers share one walk."""


def list_folder(folder: Path) -> FolderListing:
    """List a folder.

    Raises:
        OSError: the path is not a folder, or cannot be read.
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
    except OSError:  # a link that points to itself
        return False


def find_images(folder: Path, listing: Listing = list_folder) -> list[str]:
    """Return the images in a folder and its subfolders, in any order. Links to folders are not followed.

    Returns:
        Paths relative to the folder, with `/` as separator.
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
    """Return the paths of the images that `find_images` finds, in natural order, with `/` as separator."""
    prefix = "" if folder == Path() else f"{folder.as_posix().rstrip('/')}/"
    return [prefix + name for name in sorted(find_images(folder, listing), key=natural_key)]
