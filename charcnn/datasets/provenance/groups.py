"""Group ids that keep related images on one side of a split: duplicates, rotated copies, one writer's images."""

import csv
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.provenance.augment_manifest import read_copies
from charcnn.datasets.provenance.synth_manifest import read_writers
from charcnn.errors import DatasetError


def group_ids(files: Sequence[Path], digests: NDArray[np.uint8]) -> NDArray[np.void]:
    """Return the group of each image: an id of its origin.

    The origin is the original recorded in an `augment.csv`, or the writer recorded in a `synth.csv`, in a folder above
    the image. Without a record, it is the image itself.

    Args:
        files: `N` image files.
        digests: uint8 `[N,32]`, their sha256.

    Returns:
        `[N]` of 32 bytes; equal for images of the same origin.
    """
    recorded = recorded_origins(files)
    found = digests.copy()
    for index, path in enumerate(files if recorded else ()):
        if str(path) in recorded:
            found[index] = np.frombuffer(bytes.fromhex(recorded[str(path)]), np.uint8)
    return np.ascontiguousarray(found).view("V32").reshape(-1)


def recorded_origins(files: Sequence[Path] | Sequence[str]) -> dict[str, str]:
    """Return file → sha256 of its origin, for each file that is listed in a manifest in a folder above it.

    The origin of an image that was copied is its first original. That of synthetic handwriting is the writer.
    """
    names = {os.path.dirname(path) for path in files}  # noqa: PTH120 ten times as fast
    folders = {name: Path(name).absolute() for name in names}
    parents = set(folders.values())
    near = parents | {parent.parent for parent in parents}
    manifests: dict[Path, dict[str, str]] = {}
    for folder in parents.union(*(parent.parents for parent in parents)):
        named = {file: hashlib.sha256(f"writer {who}".encode()).hexdigest() for file, who in _writers(folder).items()}
        try:
            named |= {row["child"]: row["origin_sha256"] for row in read_copies(folder)}
        except DatasetError:
            if folder in near:
                raise
            # else far above the images: an unrelated file of the same name
        if named:
            manifests[folder] = named
    if not manifests:
        return {}
    above: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for name, folder in folders.items():
        over = [place for place in (folder, *folder.parents) if place in manifests]
        inner = [folder.relative_to(place).as_posix() for place in over]
        above[name] = [("" if i == "." else f"{i}/", manifests[p]) for i, p in zip(inner, over, strict=True)]
    found: dict[str, str] = {}
    for path in map(str, files):
        folder_name, name = os.path.split(path)
        for prefix, named in above[folder_name]:
            origin = named.get(prefix + name)
            if origin:  # the outermost manifest that lists the file wins
                found[path] = origin
    return found


def _writers(folder: Path) -> dict[str, str]:
    try:
        return read_writers(folder)
    except (OSError, csv.Error):  # far above the images, or damaged: each image is its own group
        return {}
