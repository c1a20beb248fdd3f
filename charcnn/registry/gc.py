"""What killed processes left in a registry: found, told, and swept."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from charcnn.errors import CardError
from charcnn.registry.index import INDEX_FILE, Index
from charcnn.registry.runs import FACTS_FILE, LOCK_FILE, RUNS, Run
from charcnn.registry.store import STAGING, STAGING_LOCK, Registry
from charcnn.registry.version import CARD_FILE
from charcnn.storage.files import is_scratch_file, try_lock

_OLD = 3600.0
"""Seconds after which a folder that nobody has locked yet is taken for left behind, not for just begun."""


class Orphan(NamedTuple):
    """Something that no process works on any more.

    Attributes:
        path: Where it is.
        what: What it was, in a few words.
        size: Bytes.
    """

    path: Path
    what: str
    size: int


def find_orphans(registry: Registry, sweep: bool = False) -> list[Orphan]:
    """Finds what killed processes left; versions, aliases and runs that can be resumed are never among it.

    Args:
        registry: Where to look.
        sweep: Remove it, too.
    """
    if not registry.root.is_dir():
        return []
    with registry.lock():
        found = list(_found(registry))
        if sweep:
            for leftover in found:
                _remove(leftover.path)
    return found


def _found(registry: Registry) -> Iterator[Orphan]:
    """Yields what is left. The registry is locked: no index and no evaluation is being written."""
    for path in _folders(registry.root / STAGING):
        if _is_left(path, STAGING_LOCK):
            yield Orphan(path, "a version that was never finished", _size(path))
    for path in _folders(registry.root / RUNS):
        if not (path / FACTS_FILE).is_file():
            if _is_left(path, LOCK_FILE):
                yield Orphan(path, "a training that never began", _size(path))
        elif Run(path).is_free():
            yield from _scratch_files(path)
    yield from _scratch_files(registry.root)
    for model in _folders(registry.root):
        if model.name.startswith("."):
            continue
        yield from _scratch_files(model)
        for evaluations in _folders(model / "evaluations"):
            yield from _scratch_files(evaluations)
        if not any(model.iterdir()):
            yield Orphan(model, "a model that never had a version", 0)
        elif _unsettled(model):
            yield Orphan(model / INDEX_FILE, "a version half entered, or half removed", 0)


def _folders(root: Path) -> list[Path]:
    if not root.is_dir() or root.is_symlink():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())


def _is_left(folder: Path, lock_name: str) -> bool:
    """Tells whether no process works on a folder: nobody holds its lock, or it is old and was never locked."""
    if not (folder / lock_name).exists():
        return time.time() - folder.stat().st_mtime > _OLD
    lock = try_lock(folder / lock_name)
    if lock:
        lock.release()
    return lock is not None


def _scratch_files(folder: Path) -> Iterator[Orphan]:
    for path in folder.iterdir():
        if is_scratch_file(path):
            yield Orphan(path, "a file that was never finished", path.stat().st_size)


def _unsettled(model: Path) -> dict[int, bool]:
    """The versions that were being moved, and whether they are there."""
    try:
        index = Index.read(model)
    except CardError:
        return {}
    return {
        number: (model / str(number) / CARD_FILE).is_file()
        for number, entry in index.versions.items()
        if not entry.settled
    }


def _remove(path: Path) -> None:
    if path.name == INDEX_FILE:
        index = Index.read(path.parent)
        for number, there in _unsettled(path.parent).items():
            entry = index.versions[number].model_copy(update={"settled": True})
            index = index.with_entry(number, entry if there else None)
        index.write(path.parent)
    elif path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
