"""Folders that are written atomically, and never replace files of others."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from charcnn.errors import OverwriteError

SYSTEM_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that file managers create in the folders they show."""


@contextmanager
def create_folder(destination: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; move it to `destination` when the block ends without an error.

    If another process creates the destination first, that folder is kept.

    Args:
        destination: A folder that does not exist yet. Its parents are created.
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
    """Yield an empty folder to fill; replace `destination` with it when the block ends without an error.

    Args:
        destination: The folder to create or replace. Its parents are created.
        is_own: Returns whether a file of an existing destination, given as a path relative to it, may be replaced.
            It is called once for each file, and again only for files that changed while the folder was filled.
        force: Instead of raising, keep other files in the new folder, unless a new file has the same name.

    Raises:
        OverwriteError: the destination contains a file that may not be replaced, or is not a folder; or a file appeared
            or changed there while the new folder was filled.
    """
    stamps = {path: _stamp(destination / path) for path in _files(destination)}  # before any file is read
    foreign = [path for path in stamps if not is_own(path)]
    if foreign and not force:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise OverwriteError(
            f"{destination} contains files that would be lost: {foreign[0]}{more}.",
            "Choose another folder, or use `force=True` to replace only files of the same name.",
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
    """Yield an empty folder on the same disk as `destination`; if it was not moved, it is removed after the block."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
        fresh = Path(scratch, "new")
        fresh.mkdir()
        yield fresh


def _replace(destination: Path, fresh: Path, known: Collection[Path]) -> None:
    """Replace a folder with another one. If that fails, or if files appeared or changed in the old one, restore it."""
    if not destination.exists():
        fresh.rename(destination)
        return
    old = destination.with_name(f".{destination.name}.old-{uuid.uuid4().hex[:8]}")
    try:
        destination.rename(old)
        changed = [path for path in _files(old) if path not in known]
        if changed:
            message = f"A file appeared or changed in {destination} while writing: {changed[0]}."
            raise OverwriteError(message, "Try again.")
        fresh.rename(destination)
    except BaseException:  # Ctrl-C too
        if old.exists() and not destination.exists():
            old.rename(destination)
        raise
    shutil.rmtree(old)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return the inode, size and times of a file. While they are the same, its content is the same."""
    found = path.lstat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _files(folder: Path) -> list[Path]:
    """Return all files below a folder, relative to it; empty if it does not exist."""
    if folder.is_symlink():
        raise OverwriteError(f"{folder} is a symbolic link, which is never replaced.", "Choose another folder.")
    if folder.exists() and not folder.is_dir():
        raise OverwriteError(f"{folder} already exists and is not a folder.", "Choose another folder.")
    paths = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder) for path in paths if path.name not in SYSTEM_FILES)
