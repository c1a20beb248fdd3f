"""What a dataset *is*, free of where it lies."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def content_fingerprint(labels: NDArray[np.int64], classes: Sequence[str], digests: NDArray[np.uint8]) -> str:
    """Return the sha256, as 64 hex digits, over label text and sha256 of each image; names and order do not count.

    Args:
        labels: int64 `[N]`, indices into `classes`.
        classes: The label texts.
        digests: uint8 `[N,32]`: of the files, or of a packed dataset's images.
    """
    total = hashlib.sha256()
    rows = np.ascontiguousarray(digests).view("V32").reshape(-1)
    for label in sorted(range(len(classes)), key=lambda index: f"{classes[index]}\t"):
        start = f"{classes[label]}\t"
        for row in np.sort(rows[labels == label]):
            total.update(f"{start}{row.tobytes().hex()}\n".encode())
    return total.hexdigest()
