"""Load many image files into one uint8 array `[N,H,W]`, in threads."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ImageError
from charcnn.images.codec import decode_image, read_bytes
from charcnn.images.fit import fit
from charcnn.machine import usable_cores
from charcnn.specs.image import ImageSpec

_FILES_PER_TASK = 32
"""Number of files per task: large enough to outweigh the cost of a task, small enough for smooth progress."""
_MIN_BYTES_FOR_THREADS = 16_384
"""Average file size, in bytes, from which threads pay off. Smaller files decode too quickly."""


@dataclass(frozen=True)
class LoadResult:
    """Images read from files.

    Attributes:
        images: uint8 `[N,H,W]`. A file that could not be read is blank (255).
        digests: uint8 `[N,32]`: the SHA-256 of each file. Zeros if it could not be read.
        failures: Why a file could not be read, by index.
        unopened: Indices of the failures that may be temporary, because the file could not be opened.
    """

    images: NDArray[np.uint8]
    digests: NDArray[np.uint8]
    failures: dict[int, str]
    unopened: frozenset[int] = frozenset()


def load_images(
    files: Sequence[Path | str],
    spec: ImageSpec,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> LoadResult:
    """Read, fit and hash image files.

    Args:
        files: Image files of any format and size.
        spec: How to fit them. With the polarity `auto`, the polarity of each image is detected separately.
        on_progress: Called with the number of files read and the total.

    Returns:
        One row per file, in the same order.
    """
    images = np.full((len(files), spec.height, spec.width), 255, np.uint8)
    digests = [bytes(32)] * len(files)
    unopened: set[int] = set()

    def read(start: int) -> dict[int, str]:
        failures = {}
        for index in range(start, min(start + _FILES_PER_TASK, len(files))):
            path, data = files[index], None
            try:
                data = read_bytes(path)
                images[index] = fit(decode_image(data, str(path)), spec)
            except ImageError as fault:
                failures[index] = fault.message
                if data is None:
                    unopened.add(index)
            else:
                digests[index] = hashlib.sha256(data).digest()
        return failures

    failures: dict[int, str] = {}
    starts, workers = range(0, len(files), _FILES_PER_TASK), _count_threads(files)
    with ThreadPoolExecutor(workers) as pool:
        for start, found in zip(starts, pool.map(read, starts) if workers > 1 else map(read, starts), strict=True):
            failures |= found
            on_progress(min(start + _FILES_PER_TASK, len(files)), len(files))
    return LoadResult(images, np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32), failures, frozenset(unopened))


def _count_threads(files: Sequence[Path | str]) -> int:
    """Return the number of threads that pays off for some files, from the sizes of a sample."""
    sample = files[:: max(1, len(files) // 16)]
    sizes = [os.path.getsize(path) for path in sample if os.path.isfile(path)]  # noqa: PTH113, PTH202 four times as fast
    return usable_cores() if sizes and sum(sizes) / len(sizes) >= _MIN_BYTES_FOR_THREADS else 1
