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

import numpy as np

from charcnn.images.load import LoadResult, load_images
from charcnn.machine import cache_root
from charcnn.specs.image import ImageSpec
from charcnn.storage.folders import create_folder

log = logging.getLogger(__name__)

_LAYOUT = 1
"""Part of the key: raised when `images.fit` or the files below change their meaning."""
_MOST_BYTES = 8 * 2**30
_PIXELS_FIELDS = {"height", "width", "fit", "margin", "polarity"}
"""The part of an ImageSpec that changes pixels; mean and std are applied in the network."""


def cache_folder() -> Path:
    """Return the folder of cached images."""
    return cache_root() / "images"


def load_cached(
    files: Sequence[Path],
    spec: ImageSpec,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> LoadResult:
    """Return what `images.load.load_images` gives, from the cache where no file has changed since.

    The images come memory-mapped and read-only. A cache that cannot be written is done without.
    """
    entry = cache_folder() / cache_key(files, spec)
    try:
        loaded = _read(entry)
        on_progress(len(files), len(files))
        with suppress(OSError):
            entry.touch()  # the oldest entries are removed first
    except (OSError, ValueError, EOFError):
        loaded = load_images(files, spec, on_progress)
        if not loaded.unopened:
            try:
                write_entry(entry, partial(_fill, loaded))
            except OSError as fault:
                log.debug("images are not cached: %s", fault)
    loaded.images.flags.writeable = False
    return loaded


def cache_key(files: Sequence[Path], spec: ImageSpec) -> str:
    """Return the name of the entry for files as they are now, made into images by a spec."""
    digest = hashlib.sha256(f"{_LAYOUT}{spec.model_dump_json(include=_PIXELS_FIELDS)}".encode())
    for path in files:
        try:
            status = path.stat()
            about = f"{status.st_size},{status.st_mtime_ns}"
        except OSError:
            about = "missing"
        digest.update(f"\0{path.absolute()}\0{about}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _read(entry: Path) -> LoadResult:
    failures = json.loads((entry / "failures.json").read_text(encoding="utf-8"))
    return LoadResult(
        images=np.load(entry / "images.npy", mmap_mode="r", allow_pickle=False),
        digests=np.load(entry / "digests.npy", allow_pickle=False),
        failures={int(index): reason for index, reason in failures.items()},
    )


def write_entry(entry: Path, fill: Callable[[Path], None]) -> None:
    """Make an entry of the cache, whole or not at all, and makes room for it.

    Args:
        entry: The folder to make.
        fill: Writes the files into a folder that is given to it.

    Raises:
        OSError: the cache cannot be written.
    """
    with create_folder(entry) as fresh:
        fill(fresh)
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
    excess = sum(sizes) - _MOST_BYTES
    for entry, size in zip(entries[:-1], sizes, strict=False):
        if excess <= 0:
            break
        shutil.rmtree(entry, ignore_errors=True)
        excess -= size
