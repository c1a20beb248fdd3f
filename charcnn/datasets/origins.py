"""Who belongs to whom: exact duplicates, augmented children with their original, what one synthetic writer wrote."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.images.manifest import recorded_origins


def origins(files: Sequence[Path], digests: NDArray[np.uint8]) -> NDArray[np.void]:
    """Tells of each image which one it comes from.

    An image's origin is its own content, or what an `augment.csv` above it names as its original's content, or the
    writer whom a `synth.csv` above it names.

    Args:
        files: `N` image files.
        digests: uint8 `[N,32]`, their sha256.

    Returns:
        `[N]` of 32 bytes: equal for equal origins.
    """
    recorded = recorded_origins(files)
    found = digests.copy()
    for index, path in enumerate(files if recorded else ()):
        if str(path) in recorded:
            found[index] = np.frombuffer(bytes.fromhex(recorded[str(path)]), np.uint8)
    return np.ascontiguousarray(found).view("V32").reshape(-1)
