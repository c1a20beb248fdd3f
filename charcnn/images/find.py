"""Which image files lie below a folder."""

import os
from pathlib import Path

from charcnn.images.io import is_image
from charcnn.storage.paths import natural_key


def find_images(folder: Path) -> list[str]:
    """Find all images in a folder and its sub-folders, in any order, without hidden ones and `__MACOSX`.

    Returns:
        Their paths relative to the folder, with `/`.
    """
    names: list[str] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        inner = Path(root).relative_to(folder).as_posix()
        before = "" if inner == "." else f"{inner}/"
        names += [before + name for name in files if is_image(name)]
    return names


def list_images(folder: Path) -> list[str]:
    """Return the paths of what `find_images` finds, in natural order, with `/`."""
    before = "" if folder == Path() else f"{folder.as_posix().rstrip('/')}/"
    return [before + name for name in sorted(find_images(folder), key=natural_key)]
