"""Files: hash, write atomically, lock, and never overwrite unasked."""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
    """Return whether a path is a plain file (no link) that hashes to `sha256`; False where that is None."""
    return sha256 is not None and path.is_file() and not path.is_symlink() and sha256_of(path) == sha256


def refuse_to_overwrite(
    path: Path, force: bool = False, hint: str = "Choose another path, or use `force=True`."
) -> None:
    """Raise where something exists at a path and `force` is not set.

    Args:
        path: Where something is about to be written.
        force: Whether it may be replaced.
        hint: What to do, where it is not the usual.

    Raises:
        OverwriteError: the path exists.
    """
    if path.exists() and not force:
        raise OverwriteError(f"{path} already exists.", hint)


@contextmanager
def atomic_file(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a path to write, which replaces `path` once the block ends without an error.

    A reader sees the old file or the new one, never a part. A process that is killed leaves only a scratch file
    (`is_scratch_file`).

    Args:
        path: The file to make or replace. Its folder exists.
        durable: Wait until the disk has the file; without it, the file may be lost when the machine loses power.
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
    """Yield a path to write, which becomes `path` once the block ends without an error.

    Args:
        path: The file to make. Its folder, and those above, are made where they are missing.
        force: Replace an existing file.
        example: A name to suggest where the path is a folder.

    Raises:
        ConfigError: the path is a folder.
        OverwriteError: the path exists, and `force` is not set.
        OSError: it cannot be written; no file is left behind.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder.", f"Name a file in it: {path / example}")
    refuse_to_overwrite(path, force)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, durable=False) as scratch:
        yield scratch


def write_atomically(path: Path, data: bytes, durable: bool = True) -> None:
    """Write a file such that a reader sees the old content or the new, never a part.

    Args:
        path: The file to make or replace. Its folder exists.
        data: The content.
        durable: Wait until the disk has it; without it, it may be lost when the machine loses power.
    """
    with atomic_file(path, durable) as scratch:
        scratch.write_bytes(data)


def is_scratch_file(path: Path) -> bool:
    """Return whether a path is a file that `atomic_file` left when its process was killed."""
    return bool(_SCRATCH_NAME.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def file_lock(path: Path) -> "BaseFileLock":
    """Return a lock on a file, to be used with `with`: it waits for other processes.

    The system releases it when this process ends, however it ends.
    """
    from filelock import FileLock  # reading never locks, and need not wait for this import

    return FileLock(path, is_singleton=False)


def try_lock(path: Path) -> "BaseFileLock | None":
    """Acquire the lock of a file without waiting; None where another process holds it."""
    from filelock import Timeout

    lock = file_lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def flush(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows opens no folders, and needs none of this
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows flushes only what may be written
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
