"""Images that were read once are kept as one array in the user's cache folder.

The key is made of the files' names, sizes and times, and of the part of the `ImageSpec` that changes pixels.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from charcnn.errors import DatasetError
from charcnn.images.load import LoadResult, load_images
from charcnn.machine import cache_root
from charcnn.specs.image import ImageSpec
from charcnn.storage.folders import create_folder

log = logging.getLogger(__name__)

Content = TypeVar("Content")

MAX_CACHE_BYTES = 8 * 2**30
_LAYOUT_VERSION = 1
"""Part of the key: raised when `images.fit` or the files of an entry change their meaning."""
_PIXEL_FIELDS = {"height", "width", "fit", "margin", "polarity"}
"""The part of an ImageSpec that changes pixels; mean and std are applied in the network."""


def cache_folder() -> Path:
    """Return the folder of cached images."""
    return cache_root() / "images"


def load_cached(
    files: Sequence[Path],
    spec: ImageSpec,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> LoadResult:
    """Return what `images.load.load_images` returns, from the cache where no file has changed since.

    The images are read-only, and memory-mapped where they come from the cache. They are returned also where the cache
    cannot be written.
    """
    entry = cache_entry(files, spec)
    loaded = read_entry(entry, _read)
    if loaded is None:
        loaded = load_images(files, spec, on_progress)
        if not loaded.unopened:
            try:
                write_entry(entry, partial(_fill, loaded), _read)
            except OSError as fault:
                log.debug("images are not cached: %s", fault)
    else:
        on_progress(len(files), len(files))
    loaded.images.flags.writeable = False
    return loaded


def cache_entry(files: Sequence[Path], spec: ImageSpec) -> Path:
    """Return the folder of the entry for files as they are now, fitted by a spec. It need not exist."""
    digest = hashlib.sha256(f"{_LAYOUT_VERSION}{spec.model_dump_json(include=_PIXEL_FIELDS)}".encode())
    for path in files:
        try:
            status = path.stat()
            about = f"{status.st_size},{status.st_mtime_ns}"
        except OSError:
            about = "missing"
        digest.update(f"\0{path.absolute()}\0{about}".encode("utf-8", "surrogateescape"))
    return cache_folder() / digest.hexdigest()


def read_entry(entry: Path, read: Callable[[Path], Content]) -> Content | None:
    """Read an entry of the cache, and mark it as used; None where it is missing or damaged.

    Args:
        entry: Its folder.
        read: Reads the folder; may raise any error of `OSError`, `ValueError`, `EOFError` and `DatasetError`.
    """
    try:
        content = read(entry)
    except (OSError, ValueError, EOFError, DatasetError):
        return None
    with suppress(OSError):
        entry.touch()  # entries that were not used for the longest time are removed first
    return content


def _read(entry: Path) -> LoadResult:
    failures = json.loads((entry / "failures.json").read_text(encoding="utf-8"))
    return LoadResult(
        images=np.load(entry / "images.npy", mmap_mode="r", allow_pickle=False),
        digests=np.load(entry / "digests.npy", allow_pickle=False),
        failures={int(index): reason for index, reason in failures.items()},
    )


def write_entry(entry: Path, fill: Callable[[Path], None], read: Callable[[Path], object]) -> None:
    """Write an entry of the cache, whole or not at all, and make room for it.

    Args:
        entry: Its folder.
        fill: Writes the files into a folder that it is given.
        read: Reads an entry: one that another process has just written stays.

    Raises:
        OSError: the cache cannot be written.
    """
    with create_folder(entry) as fresh:
        fill(fresh)
        if read_entry(entry, read) is None:
            shutil.rmtree(entry, ignore_errors=True)  # a damaged one
    with suppress(OSError):  # another process prunes too
        _prune(entry.parent)


def _fill(loaded: LoadResult, folder: Path) -> None:
    np.save(folder / "images.npy", loaded.images)
    np.save(folder / "digests.npy", loaded.digests)
    (folder / "failures.json").write_text(json.dumps(loaded.failures), encoding="utf-8")


def _prune(folder: Path) -> None:
    """Remove the entries that were not used for the longest time, until the rest is small enough."""
    entries = sorted(
        (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    sizes = [sum(file.stat().st_size for file in entry.iterdir() if file.is_file()) for entry in entries]
    excess = sum(sizes) - MAX_CACHE_BYTES
    for entry, size in zip(entries[:-1], sizes, strict=False):
        if excess <= 0:
            break
        shutil.rmtree(entry, ignore_errors=True)
        excess -= size
