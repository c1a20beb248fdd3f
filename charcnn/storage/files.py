"""Files: hash, write atomically, lock, and refuse to overwrite."""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from charcnn.errors import ConfigError, OverwriteError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_SCRATCH_NAME = re.compile(r"\..+\.[0-9a-f]{32}")


def sha256_of(path: Path) -> str:
    """Return a file's sha256 as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_unmodified(path: Path, sha256: str | None) -> bool:
    """Return whether a path is a regular file (not a link) with the given sha256; False if that is None."""
    return sha256 is not None and path.is_file() and not path.is_symlink() and sha256_of(path) == sha256


def refuse_to_overwrite(
    path: Path, force: bool = False, hint: str = "Choose another path, or use `force=True`."
) -> None:
    """Raise if a path exists and `force` is not set.

    Args:
        path: The file or folder that is about to be written.
        force: Whether it may be replaced.
        hint: The hint of the error.

    Raises:
        OverwriteError: the path exists.
    """
    if path.exists() and not force:
        raise OverwriteError(f"{path} already exists.", hint)


@contextmanager
def atomic_file(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a scratch file to write; replace `path` with it when the block ends without an error.

    Readers see the old file or the new one, never a partial one. A process that is killed leaves only a scratch file
    (`is_scratch_file`).

    Args:
        path: The file to create or replace. Its folder must exist.
        durable: Wait until the file is on the disk. Otherwise it may be lost in a power failure.
    """
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        yield scratch
        if durable:
            flush(scratch)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    if durable:
        flush(path.parent)


@contextmanager
def create_file(path: Path, force: bool = False, example: str = "FILE") -> Iterator[Path]:
    """Yield a scratch file to write; create `path` from it when the block ends without an error.

    Args:
        path: The file to create. Missing folders are created, and removed again if the block fails.
        force: Replace an existing file.
        example: File name to suggest if the path is a folder.

    Raises:
        ConfigError: the path is a folder.
        OverwriteError: the path exists, before the block or after it, and `force` is not set.
        OSError: the file cannot be written; nothing is left behind.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder.", f"Pass a file in it: {path / example}")
    refuse_to_overwrite(path, force)
    missing = [folder for folder in path.parents if not folder.exists()]  # the innermost first
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, durable=False) as scratch:
            yield scratch
            refuse_to_overwrite(path, force)  # again, because writing may take long
    except BaseException:  # Ctrl-C too
        for folder in missing:
            with suppress(OSError):  # another process may have written there
                folder.rmdir()
        raise


def write_atomically(path: Path, data: bytes, durable: bool = True) -> None:
    """Write a file atomically: readers see the old content or the new, never a part of it.

    Args:
        path: The file to create or replace. Its folder must exist.
        data: The content.
        durable: Wait until the file is on the disk. Otherwise it may be lost in a power failure.
    """
    with atomic_file(path, durable) as scratch:
        scratch.write_bytes(data)


def is_scratch_file(path: Path) -> bool:
    """Return whether a path is a scratch file that `atomic_file` left behind when its process was killed."""
    return bool(_SCRATCH_NAME.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def file_lock(path: Path) -> "BaseFileLock":
    """Return a lock on a file, for use in a `with` statement, which waits for other processes.

    The system releases the lock when this process ends, even if it is killed.
    """
    from filelock import FileLock  # slow to import, and reading never locks

    return FileLock(path, is_singleton=False)


def try_lock(path: Path) -> "BaseFileLock | None":
    """Acquire the lock on a file without waiting; return None if another process holds it."""
    from filelock import Timeout

    lock = file_lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def flush(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders, and does not need this
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows flushes only files opened for writing
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
