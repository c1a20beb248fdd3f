"""Folders that appear whole or not at all, and never replace files that are not their own."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from charcnn.errors import OverwriteError

SYSTEM_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that file managers leave in every folder that they show."""


@contextmanager
def create_folder(destination: Path) -> Iterator[Path]:
    """Yield an empty folder to fill, which is moved to `destination` once the block ends without an error.

    Where another process creates the destination first, its folder stays.

    Args:
        destination: A folder that does not exist yet. Its parents are made.
    """
    with _scratch_folder(destination) as fresh:
        yield fresh
        try:
            fresh.rename(destination)
        except OSError:
            if not destination.is_dir():
                raise


@contextmanager
def replace_folder(destination: Path, is_own: Callable[[Path], bool], force: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill, which replaces the destination once the block ends without an error.

    Args:
        destination: The folder to make or replace. Its parents are made.
        is_own: Whether a file of an existing destination, given by its path relative to it, may be replaced. It is
            asked once of each file, and again only of one that changed while the folder was filled.
        force: Keep foreign files in the new folder, unless a new file has their name, instead of refusing.

    Raises:
        OverwriteError: the destination holds a file that is not `is_own`, or is not a folder; a file appeared there, or
            was changed, while the new folder was filled.
    """
    stamps = {path: _stamp(destination / path) for path in _files(destination)}  # before any of them is read
    foreign = [path for path in stamps if not is_own(path)]
    if foreign and not force:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise OverwriteError(
            f"{destination} holds files that would be lost: {foreign[0]}{more}.",
            "Choose another folder, or use `force=True`: new files then replace those of the same name, others stay.",
        )
    with _scratch_folder(destination) as fresh:
        yield fresh
        for path in foreign:
            if not (fresh / path).exists():
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(destination / path, fresh / path, follow_symlinks=False)
        known = {path for path in _files(destination) if stamps.get(path) == _stamp(destination / path) or is_own(path)}
        _replace(destination, fresh, known)


@contextmanager
def _scratch_folder(destination: Path) -> Iterator[Path]:
    """Yield an empty folder on the same disk as a destination; what is left of it after the block is removed."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
        fresh = Path(scratch, "new")
        fresh.mkdir()
        yield fresh


def _replace(destination: Path, fresh: Path, known: Collection[Path]) -> None:
    """Replace a folder by another one. The old one is put back if that fails or if files appeared in it."""
    if not destination.exists():
        fresh.rename(destination)
        return
    old = destination.with_name(f".{destination.name}.old-{uuid.uuid4().hex[:8]}")
    try:
        destination.rename(old)
        late = [path for path in _files(old) if path not in known]
        if late:
            raise OverwriteError(f"A file appeared or changed in {destination} while writing: {late[0]}.", "Try again.")
        fresh.rename(destination)
    except BaseException:  # Ctrl-C too
        if old.exists() and not destination.exists():
            old.rename(destination)
        raise
    shutil.rmtree(old)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what the file system tells of a file: as long as it is the same, the content is."""
    found = path.lstat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _files(folder: Path) -> list[Path]:
    """Return all files below a folder, relative to it; none where it does not exist."""
    if folder.is_symlink():
        raise OverwriteError(f"{folder} is a link, and links are not replaced.", "Choose another folder.")
    if folder.exists() and not folder.is_dir():
        raise OverwriteError(f"{folder} already exists and is not a folder.", "Choose another folder.")
    paths = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder) for path in paths if path.name not in SYSTEM_FILES)
