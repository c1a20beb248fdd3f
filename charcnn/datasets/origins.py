"""Who belongs to whom: exact duplicates, and augmented children with their original."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.images.augment import MANIFEST, read_manifest


def origins(files: Sequence[Path], digests: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Tells of each image which one it comes from.

    An image's origin is its own content, or what the `augment.csv` of its folder names as its original's content.

    Args:
        files: `N` image files.
        digests: uint8 `[N,32]`, their sha256.

    Returns:
        `[N]` of 32 bytes: equal for equal origins.
    """
    found = digests.copy()
    for index, origin in _origins_by_manifest(files).items():
        found[index] = np.frombuffer(bytes.fromhex(origin), np.uint8)
    return np.ascontiguousarray(found).view("V32").reshape(-1)


def _origins_by_manifest(files: Sequence[Path]) -> dict[int, str]:
    """Index of each file that a manifest in its folder, or in the folder above, names → sha256 of its original."""
    folders = {path.parent for path in files}
    roots = folders | {folder.parent for folder in folders}
    manifests = {
        root: {row["child"]: row["origin_sha256"] for row in read_manifest(root)}
        for root in roots
        if (root / MANIFEST).is_file()
    }
    if not manifests:
        return {}
    found = {}
    for index, path in enumerate(files):
        for root in (path.parent, path.parent.parent):
            origin = manifests.get(root, {}).get(path.relative_to(root).as_posix())
            if origin:
                found[index] = origin
    return found
