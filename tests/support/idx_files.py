"""Write small idx files in MNIST's format."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = np.array([7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 7], np.uint8)


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes()


def write_pair(
    folder: Path,
    split: str,
    zipped: bool = False,
    count: int = 12,
    *,
    images: NDArray[np.uint8] = IMAGES,
    labels: NDArray[np.uint8] = LABELS,
) -> list[Path]:
    """Write images and labels as `{split}-images-idx3-ubyte` and `{split}-labels-idx1-ubyte`."""
    folder.mkdir(exist_ok=True)
    paths = []
    for kind, values in (("images-idx3", images[:count]), ("labels-idx1", labels[:count])):
        path = folder / f"{split}-{kind}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(idx_bytes(values)) if zipped else idx_bytes(values))
        paths.append(path)
    return paths
