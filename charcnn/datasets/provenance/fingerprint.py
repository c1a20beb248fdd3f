"""Fingerprint of a dataset's content, independent of paths."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def content_fingerprint(labels: NDArray[np.int64], classes: Sequence[str], digests: NDArray[np.uint8]) -> str:
    """Return the sha256 over the label and sha256 of each image, as 64 hex digits. File names and order do not matter.

    Args:
        labels: int64 `[N]`, indices into `classes`.
        classes: The label texts.
        digests: uint8 `[N,32]`: sha256 of the files, or of the images of a packed dataset.
    """
    total = hashlib.sha256()
    rows = np.ascontiguousarray(digests).view("V32").reshape(-1)
    for label in sorted(range(len(classes)), key=lambda index: f"{classes[index]}\t"):
        start = f"{classes[label]}\t"
        for row in np.sort(rows[labels == label]):
            total.update(f"{start}{row.tobytes().hex()}\n".encode())
    return total.hexdigest()
