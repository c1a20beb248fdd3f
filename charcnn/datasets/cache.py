"""Cache of images that were read before, stored as one array per dataset in the user's cache folder.

The key depends on the paths, sizes and modification times of the files, and on the fields of the `ImageSpec` that
change pixels.
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
"""Size above which the least recently used entries are removed."""
_LAYOUT_VERSION = 1
"""Part of the key; increased when the result of `images.fit` or the files of an entry change."""
_PIXEL_FIELDS = {"height", "width", "fit", "margin", "polarity"}
"""Fields of an ImageSpec that change pixels; mean and std are applied in the network."""


def cache_folder() -> Path:
    """Return the folder that contains the cached images."""
    return cache_root() / "images"


def load_cached(
    files: Sequence[Path],
    spec: ImageSpec,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> LoadResult:
    """Return what `images.load.load_images` returns, from the cache if no file has changed.

    The images are read-only, and memory-mapped if they come from the cache. They are also returned if the cache cannot
    be written.
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
    """Return the folder of the cache entry for files in their current state and a spec. It need not exist."""
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
    """Read a cache entry and mark it as used; return None if it is missing or damaged.

    Args:
        entry: Folder of the entry.
        read: Reads the folder; may raise `OSError`, `ValueError`, `EOFError` and `DatasetError`.
    """
    try:
        content = read(entry)
    except (OSError, ValueError, EOFError, DatasetError):
        return None
    with suppress(OSError):
        entry.touch()  # the least recently used entries are removed first
    return content


def _read(entry: Path) -> LoadResult:
    failures = json.loads((entry / "failures.json").read_text(encoding="utf-8"))
    return LoadResult(
        images=np.load(entry / "images.npy", mmap_mode="r", allow_pickle=False),
        digests=np.load(entry / "digests.npy", allow_pickle=False),
        failures={int(index): reason for index, reason in failures.items()},
    )


def write_entry(entry: Path, fill: Callable[[Path], None], read: Callable[[Path], object]) -> None:
    """Write a cache entry atomically, and remove old entries if the cache is too large.

    Args:
        entry: Folder of the entry.
        fill: Writes the files into a given folder.
        read: Reads an entry, to check one that another process has just written.

    Raises:
        OSError: the cache cannot be written.
    """
    with create_folder(entry) as fresh:
        fill(fresh)
        if read_entry(entry, read) is None:
            shutil.rmtree(entry, ignore_errors=True)  # damaged
    with suppress(OSError):  # another process may be pruning too
        _prune(entry.parent)


def _fill(loaded: LoadResult, folder: Path) -> None:
    np.save(folder / "images.npy", loaded.images)
    np.save(folder / "digests.npy", loaded.digests)
    (folder / "failures.json").write_text(json.dumps(loaded.failures), encoding="utf-8")


def _prune(folder: Path) -> None:
    """Remove the least recently used entries until the rest is small enough; always keep the last one."""
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
