"""A folder that appears whole or not at all, and never in the place of somebody else's files."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from charcnn.errors import OverwriteError


@contextmanager
def new_folder(destination: Path, is_own: Callable[[Path], bool], force: bool = False) -> Iterator[Path]:
    """Gives an empty folder to fill, which takes the destination's place once the block ends without an error.

    Args:
        destination: Where the folder shall stand. Its parents are made.
        is_own: Tells of a file of an existing destination, by its path relative to it, whether it may be replaced.
        force: Keep foreign files in the new folder, unless a new file has their name, instead of refusing.

    Raises:
        OverwriteError: the destination holds a file that `is_own` does not know, or is no folder.
    """
    foreign = [path for path in _files(destination) if not is_own(path)]
    if foreign and not force:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise OverwriteError(
            f"{destination} holds files that were not made by this command: {foreign[0]}{more}.",
            "Name another folder, or add --force: new files then replace those of the same name, others stay.",
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
        fresh, old = Path(scratch, "new"), Path(scratch, "old")
        fresh.mkdir()
        yield fresh
        for path in foreign:
            if not (fresh / path).exists():
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(destination / path, fresh / path)
        if destination.exists():
            destination.rename(old)
        try:
            fresh.rename(destination)
        except OSError:
            if old.exists():
                old.rename(destination)
            raise


def _files(folder: Path) -> list[Path]:
    """All files below a folder, relative to it; none where it does not exist."""
    if folder.is_symlink():
        raise OverwriteError(f"{folder} is a link: what it points to is not replaced.", "Name another folder.")
    if folder.exists() and not folder.is_dir():
        raise OverwriteError(f"{folder} is there already, and is no folder.", "Name another folder.")
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
