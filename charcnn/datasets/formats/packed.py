"""Packed datasets: hundreds of thousands of images as rows of one array, instead of one file each.

A folder with `images.npy` (uint8 `[N,H,W]`), `labels.npy` (int64 `[N]`), `digests.npy` (uint8 `[N,32]`, the sha256 of
each image's pixels) and `classes.txt` (`index<TAB>label`). Images are memory-mapped, so memory use does not grow with
their number, unless the dataset is joined with another one or moved to a GPU.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from charcnn.datasets.cache import cache_entry, read_entry, write_entry
from charcnn.datasets.labels import CLASSES_FILE, read_classes, write_classes
from charcnn.errors import DatasetError
from charcnn.images.fit import fit
from charcnn.images.load import LoadResult
from charcnn.specs.image import ImageSpec

_IMAGES, _LABELS, _DIGESTS = "images.npy", "labels.npy", "digests.npy"
_IMAGES_PER_CHUNK = 4096


def is_packed(folder: Path) -> bool:
    """Return whether a folder is a packed dataset."""
    return (folder / _IMAGES).is_file()


def write_packed(
    folder: Path,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Fill an empty folder with a packed dataset.

    Args:
        folder: The empty folder.
        images: uint8 `[N,H,W]`, possibly memory-mapped.
        labels: int64 `[N]`, indices into `classes`.
        classes: The label texts.
        on_progress: Called with the number of images written and the total.
    """
    fresh = open_memmap(folder / _IMAGES, "w+", np.uint8, images.shape)
    digests = np.empty((len(images), 32), np.uint8)
    for start in range(0, len(images), _IMAGES_PER_CHUNK):
        chunk = np.ascontiguousarray(images[start : start + _IMAGES_PER_CHUNK])
        fresh[start : start + len(chunk)] = chunk
        hashes = b"".join(hashlib.sha256(image).digest() for image in chunk)
        digests[start : start + len(chunk)] = np.frombuffer(hashes, np.uint8).reshape(-1, 32)
        on_progress(start + len(chunk), len(images))
    fresh.flush()
    np.save(folder / _LABELS, labels)
    np.save(folder / _DIGESTS, digests)
    write_classes(folder / CLASSES_FILE, {str(index): label for index, label in enumerate(classes)})


def packed_images(folder: Path) -> NDArray[np.uint8]:
    """Return the images, memory-mapped: uint8 `[N,H,W]`.

    Raises:
        DatasetError: the file is missing or damaged.
    """
    return _map_array(folder / _IMAGES, 3, np.uint8)


def read_labels(folder: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the labels, int64 `[N]`, and the label texts that they are indices into.

    Raises:
        DatasetError: a file is missing or damaged, or the files do not match.
    """
    names = read_classes(folder)
    classes = tuple(names.get(str(index), "") for index in range(len(names)))
    labels: NDArray[np.int64] = np.array(_map_array(folder / _LABELS, 1, np.int64))
    rows = {len(labels), len(packed_images(folder)), len(_read_digests(folder))}
    known = len(labels) > 0 and labels.min() >= 0 and labels.max() < len(classes) and all(classes)
    if not known or len(rows) > 1 or not np.bincount(labels, minlength=len(classes)).all():
        raise DatasetError(f"{folder}: images, labels and {CLASSES_FILE} do not match.")
    return labels, classes


def load_packed(
    folder: Path, spec: ImageSpec, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> LoadResult:
    """Return the images fitted to a spec: as stored if the spec changes nothing, else from the cache.

    Args:
        folder: A packed dataset.
        spec: How images become the network's input; its polarity should be decided.
        on_progress: Called with the number of images done and the total.

    Raises:
        DatasetError: a file is missing or damaged.
        OSError: the images must be fitted, and the cache cannot be written.
    """
    images, digests = packed_images(folder), _read_digests(folder)
    is_as_stored = spec.fit == "stretch" and images.shape[1:] == (spec.height, spec.width)
    if is_as_stored and spec.polarity == "dark-on-light":
        on_progress(len(images), len(images))
        return LoadResult(images, digests, {})
    entry = cache_entry([folder / _IMAGES], spec)
    fitted = read_entry(entry, packed_images)
    if fitted is None:
        write_entry(entry, partial(_fill, images, spec, on_progress), packed_images)
        fitted = packed_images(entry)
    else:
        on_progress(len(images), len(images))
    return LoadResult(fitted, digests, {})


def _fill(images: NDArray[np.uint8], spec: ImageSpec, on_progress: Callable[[int, int], None], folder: Path) -> None:
    fitted = open_memmap(folder / _IMAGES, "w+", np.uint8, (len(images), spec.height, spec.width))
    for start in range(0, len(images), _IMAGES_PER_CHUNK):
        chunk = images[start : start + _IMAGES_PER_CHUNK]
        for index, image in enumerate(chunk, start):
            fitted[index] = fit(np.asarray(image), spec)
        on_progress(start + len(chunk), len(images))
    fitted.flush()


def _read_digests(folder: Path) -> NDArray[np.uint8]:
    digests: NDArray[np.uint8] = _map_array(folder / _DIGESTS, 2, np.uint8)
    if digests.shape[1] != 32:
        raise DatasetError(f"{folder / _DIGESTS} has the shape {list(digests.shape)}, not [N, 32].")
    return digests


def _map_array(path: Path, dimensions: int, kind: type[np.generic]) -> NDArray[np.uint8]:
    try:
        array = open_memmap(path, "r")
    except (OSError, ValueError, EOFError) as fault:
        raise DatasetError(f"{path} is not a complete array file: {fault}") from None
    if array.ndim != dimensions or array.dtype != kind:
        raise DatasetError(f"{path} contains {array.dtype} {list(array.shape)}, not {dimensions}-D {kind.__name__}.")
    return array
