"""Files that are whole or absent, and what they hash to."""

import hashlib
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock


def sha256_of(path: Path) -> str:
    """Return a file's sha256 as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_unmodified(path: Path, sha256: str | None) -> bool:
    """Return whether a plain file, no link, is there and hashes to `sha256`; False where that is None."""
    return sha256 is not None and path.is_file() and not path.is_symlink() and sha256_of(path) == sha256


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file such that a reader sees the old content or the new, never a part, whatever happens in between."""
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with scratch.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    flush(path.parent)


def lock_if_free(path: Path) -> "BaseFileLock | None":
    """Takes the lock of a file; None where another process has it. The system frees it when this process ends."""
    from filelock import FileLock, Timeout  # reading never locks, and need not wait for this

    lock = FileLock(path, timeout=0, is_singleton=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def flush(path: Path) -> None:
    """Waits until a file, or the entries of a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows opens no folders, and needs none of this
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows flushes only what may be written
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
