"""Find and remove files that interrupted processes left in a registry."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from charcnn.errors import CardError
from charcnn.registry.index import INDEX_FILE, Index
from charcnn.registry.reader import EVALUATIONS
from charcnn.registry.runs import FACTS_FILE, LOCK_FILE, RUNS, Run
from charcnn.registry.store import STAGING, STAGING_LOCK, Registry
from charcnn.registry.version import CARD_FILE
from charcnn.storage.files import is_scratch_file, try_lock

_STALE_AFTER_S = 3600.0
"""Age in seconds at which a folder without a lock file counts as abandoned; a younger one may not be locked yet."""


class Orphan(NamedTuple):
    """A file or folder that no process uses any more.

    Attributes:
        path: Its path.
        what: Short description.
        size: Size in bytes.
    """

    path: Path
    what: str
    size: int


def find_orphans(registry: Registry) -> list[Orphan]:
    """Return what interrupted processes left behind. This never includes versions, aliases or resumable runs."""
    if not registry.root.is_dir():
        return []
    with registry.lock():
        return list(_orphans(registry))


def remove_orphans(registry: Registry) -> list[Orphan]:
    """Remove what `find_orphans` finds, and return it."""
    if not registry.root.is_dir():
        return []
    with registry.lock():
        found = list(_orphans(registry))
        for orphan in found:
            _remove(orphan.path)
    return found


def _orphans(registry: Registry) -> Iterator[Orphan]:
    """Yield all orphans. The registry must be locked, so that no index or evaluation is being written."""
    for path in _folders(registry.root / STAGING):
        if _is_abandoned(path, STAGING_LOCK):
            yield Orphan(path, "unfinished version", _size(path))
    for path in _folders(registry.root / RUNS):
        yield from _orphans_of_run(path)
    yield from _scratch_files(registry.root)
    for path in _folders(registry.root):
        if not path.name.startswith("."):
            yield from _orphans_of_model(path)


def _orphans_of_run(path: Path) -> Iterator[Orphan]:
    if not (path / FACTS_FILE).is_file():
        if _is_abandoned(path, LOCK_FILE):
            yield Orphan(path, "run that never started", _size(path))
    elif Run(path).is_free():
        yield from _scratch_files(path)


def _orphans_of_model(model: Path) -> Iterator[Orphan]:
    yield from _scratch_files(model)
    for evaluations in _folders(model / EVALUATIONS):
        yield from _scratch_files(evaluations)
    if not any(model.iterdir()):
        yield Orphan(model, "model without versions", 0)
    elif _incomplete_versions(model):
        yield Orphan(model / INDEX_FILE, "entry of a version that was being added or removed", 0)


def _folders(root: Path) -> list[Path]:
    if not root.is_dir() or root.is_symlink():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())


def _is_abandoned(folder: Path, lock_name: str) -> bool:
    """Return whether no process uses a folder: its lock is free, or it was never locked and is old."""
    if not (folder / lock_name).exists():
        return time.time() - folder.stat().st_mtime > _STALE_AFTER_S
    lock = try_lock(folder / lock_name)
    if lock:
        lock.release()
    return lock is not None


def _scratch_files(folder: Path) -> Iterator[Orphan]:
    for path in folder.iterdir():
        if is_scratch_file(path):
            yield Orphan(path, "unfinished file", path.stat().st_size)


def _incomplete_versions(model: Path) -> dict[int, bool]:
    """Return version number → whether its folder exists, for versions that were being added or removed."""
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
        _complete_changes(path.parent)
    elif path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _complete_changes(model: Path) -> None:
    """Complete interrupted changes: keep index entries of versions whose folder exists, and remove the others."""
    index = Index.read(model)
    for number, exists in _incomplete_versions(model).items():
        entry = index.versions[number].model_copy(update={"settled": True})
        index = index.with_entry(number, entry if exists else None)
    index.write(model)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
