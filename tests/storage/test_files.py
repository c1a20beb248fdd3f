"""Files are written atomically, hashed, locked, and never overwritten without `force`."""

import hashlib
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from charcnn.errors import OverwriteError
from charcnn.storage.files import (
    atomic_file,
    create_file,
    file_lock,
    is_scratch_file,
    is_unmodified,
    refuse_to_overwrite,
    sha256_of,
    try_lock,
    write_atomically,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the file handles passed to `fsync`."""
    handles: list[int] = []
    monkeypatch.setattr(os, "fsync", handles.append)
    return handles


@pytest.mark.parametrize("content", [b"", b"x", bytes(3_000_000)])
def test_a_file_hashes_to_its_sha256(world: Path, content: bytes) -> None:
    (world / "file").write_bytes(content)
    assert sha256_of(world / "file") == hashlib.sha256(content).hexdigest()


def test_only_a_plain_file_with_that_content_is_unmodified(world: Path) -> None:
    (world / "file").write_bytes(b"content")
    (world / "link").symlink_to(world / "file")
    sha256 = hashlib.sha256(b"content").hexdigest()
    assert is_unmodified(world / "file", sha256)
    assert not is_unmodified(world / "file", None)
    assert not is_unmodified(world / "link", sha256)
    assert not is_unmodified(world / "missing", sha256)
    assert not is_unmodified(world, sha256)
    (world / "file").write_bytes(b"Content")
    assert not is_unmodified(world / "file", sha256)


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_appears_when_it_is_complete(world: Path, flushed: list[int], durable: bool) -> None:
    write_atomically(world / "file", b"old", durable)
    with atomic_file(world / "file", durable) as scratch:
        scratch.write_bytes(b"new")
        assert (world / "file").read_bytes() == b"old"
    assert (world / "file").read_bytes() == b"new"
    assert names(world) == ["file"]
    assert bool(flushed) is durable


def test_an_error_leaves_the_old_file_and_no_scratch_file(world: Path) -> None:
    (world / "file").write_bytes(b"old")

    def write() -> None:
        with atomic_file(world / "file", durable=False) as scratch:
            scratch.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert (world / "file").read_bytes() == b"old"
    assert names(world) == ["file"]


def test_a_scratch_file_is_recognized_by_its_name(world: Path) -> None:
    with atomic_file(world / "file", durable=False) as scratch:
        scratch.write_bytes(b"half")
        assert is_scratch_file(scratch)
    assert not is_scratch_file(world / "file")
    (world / f".link.{'0' * 32}").symlink_to(world / "file")
    assert not is_scratch_file(world / f".link.{'0' * 32}")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_existing_paths_are_overwritten_only_with_force(world: Path, kind: str) -> None:
    path = world / "there"
    refuse_to_overwrite(path)
    if kind == "file":
        path.write_bytes(b"")
    else:
        path.mkdir()
    with pytest.raises(OverwriteError, match="there already exists") as caught:
        refuse_to_overwrite(path)
    assert "`force=True`" in caught.value.hint
    refuse_to_overwrite(path, force=True)


@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_appears_while_writing_is_replaced_only_with_force(world: Path, force: bool) -> None:
    def write() -> None:
        with create_file(world / "file", force) as scratch:
            scratch.write_bytes(b"new")
            (world / "file").write_bytes(b"of another process")

    with nullcontext() if force else pytest.raises(OverwriteError, match="file already exists"):
        write()
    assert (world / "file").read_bytes() == (b"new" if force else b"of another process")
    assert names(world) == ["file"]


def test_a_lock_is_held_by_one_process_until_it_ends(world: Path) -> None:
    code = "import sys, pathlib, charcnn.storage.files as f; sys.exit(f.try_lock(pathlib.Path('lock')) is None)"
    with file_lock(world / "lock"):
        assert try_lock(world / "lock") is None
        assert subprocess.run([sys.executable, "-c", code]).returncode == 1
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0  # acquired, and released at its end
    lock = try_lock(world / "lock")
    assert lock is not None
    lock.release()
