"""The OpenCV rotation of the lab, and its kin: a folder of images → a new folder of turned images and a manifest.

Every parameter of every child is drawn before the first image is read, from one seeded generator, so that the files are
the same whatever the number of processes.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.generate.previous_output import CHILD_HASH, PreviousOutput
from charcnn.datasets.provenance.augment_manifest import manifest_lines, write_augment_manifest
from charcnn.datasets.provenance.groups import recorded_origins
from charcnn.errors import ConfigError, DatasetError, DatasetNotFoundError, ImageError
from charcnn.images.find import find_images
from charcnn.images.fit import paper_level
from charcnn.images.io import SUFFIXES, Gray, decode_image, encode_image, read_bytes, write_bytes
from charcnn.parallel import ProcessPool
from charcnn.storage.folders import replace_folder
from charcnn.storage.paths import natural_key

_CLASSES = "classes.txt"
"""Name the class folders; it goes with them."""
_FEW = 4000
"""Children below which starting further processes takes longer than it saves."""
_CHUNK = 500


@dataclass(frozen=True)
class Ranges:
    """From where the parameters are drawn. The defaults are the lab's: a rotation by 0 … 9 whole degrees and no more.

    Attributes:
        min_angle, max_angle: Whole degrees, counter-clockwise, drawn from `[min_angle, max_angle)`.
        shear: Degrees; drawn from `[-shear, shear]`.
        scale: Share; the factor is drawn from `[1 - scale, 1 + scale]`.
        shift: Share of the side, drawn from `[-shift, shift]` for each direction.
        noise: Grey levels: standard deviation of Gaussian noise.
    """

    min_angle: int = 0
    max_angle: int = 10
    shear: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.min_angle >= self.max_angle:
            raise ConfigError(f"--min-angle {self.min_angle} must be below --max-angle {self.max_angle}.")
        for name, limit in (("shear", 45), ("scale", 0.9), ("shift", 0.5), ("noise", 128)):
            if not 0 <= getattr(self, name) <= limit:
                raise ConfigError(f"--{name} {getattr(self, name)} is outside 0 … {limit}.")


class Change(NamedTuple):
    """What is done to one child. Angles in degrees, shifts in shares of the side, noise in grey levels."""

    angle: int
    shear: float
    scale: float
    shift_x: float
    shift_y: float
    noise: float
    noise_seed: int

    @classmethod
    def draw(cls, ranges: Ranges, count: int, seed: int) -> list[Self]:
        """Draw `count` changes; the same for the same seed."""
        rng = np.random.default_rng(seed)
        angles = rng.integers(ranges.min_angle, ranges.max_angle, count)
        shears, scales, xs, ys = (
            np.round(rng.uniform(-limit, limit, count), 4)
            for limit in (ranges.shear, ranges.scale, ranges.shift, ranges.shift)
        )
        seeds = rng.integers(0, 2**31, count)
        rows = zip(angles, shears, 1 + scales, xs, ys, seeds, strict=True)
        return [
            cls(int(angle), float(shear), float(scale), float(x), float(y), ranges.noise, int(noise_seed))
            for angle, shear, scale, x, y, noise_seed in rows
        ]

    def apply(self, image: Gray) -> Gray:
        """Turn an image about its centre; what comes into view has the colour of the image's own paper.

        Args:
            image: uint8 `[H,W]`, either polarity.

        Returns:
            uint8 `[H,W]`.
        """
        height, width = image.shape
        matrix = _matrix(height, width, *self[:5])
        turned = cv2.warpAffine(image, matrix, (width, height), borderValue=(paper_level(image),))
        if self.noise:
            grain = np.random.default_rng(self.noise_seed).normal(0, self.noise, turned.shape)
            turned = np.clip(np.rint(turned + grain), 0, 255).astype(np.uint8)
        return np.asarray(turned, np.uint8)


@lru_cache(1024)
def _matrix(
    height: int, width: int, angle: int, shear: float, scale: float, shift_x: float, shift_y: float
) -> NDArray[np.float64]:
    """Where a point of the image comes to lie: `[2,3]`."""
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    if shear:
        slope = np.tan(np.radians(shear))
        lean = np.array([[1, slope, -slope * height / 2], [0, 1, 0], [0, 0, 1]])
        matrix = matrix @ lean
    return np.asarray(matrix + np.array([[0, 0, shift_x * width], [0, 0, shift_y * height]]), np.float64)


@dataclass(frozen=True)
class Augmented:
    """What `augment` made: the new folder, the number of children, and why source files could not be read."""

    folder: Path
    children: int
    failures: Mapping[Path, str]


def augment(
    source: Path | str,
    destination: Path | str,
    ranges: Ranges | None = None,
    *,
    copies: int = 1,
    seed: int = 0,
    jobs: int = 1,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Augmented:
    """Write turned copies of all images of a folder, sub-folders mirrored, into a new folder with a manifest.

    The manifest, `augment.csv`, names for each child its parent, the sha256 of the original (the parent, or the
    parent's own original), its own sha256, and every parameter drawn; with it children stay on their original's side of
    a split, and a child that somebody changed is known.

    Args:
        source: A folder of images, with or without sub-folders.
        destination: The new folder. One that holds only what its own manifest names, unchanged since, is made anew.
        ranges: From where the parameters are drawn; the lab's where not given.
        copies: Children per image. One child keeps its parent's name; several are `7-1.bmp`, `7-2.bmp`, ….
        seed: Drives all that is drawn.
        jobs: Processes. The files do not depend on it.
        force: Write although the destination holds other files.
        on_progress: Called with children done and children in all.

    Raises:
        DatasetError: the source is missing or holds no image, or no image of it can be read.
        ConfigError: one folder lies inside the other.
        OverwriteError: the destination holds files that its manifest does not name, or that were changed.
        OSError: a file cannot be written.
    """
    if copies < 1:
        raise ConfigError(f"--copies {copies}: each image has one child at least.")
    source, destination = Path(source), Path(destination)
    found = _source_images(source)
    _check_apart(source, destination)
    results: dict[int, _Done] = {}
    earlier = PreviousOutput.read(destination, Change._fields)
    with (
        ProcessPool(1 if len(found) * copies < _FEW else jobs) as crew,
        replace_folder(destination, earlier.is_own, force) as folder,
    ):
        tasks = _tasks(source, folder, sorted(found, key=natural_key), copies, ranges or Ranges(), seed)
        for number, result in crew.share(_augment_files, tasks):
            results[number] = result
            on_progress(sum(done.children for done in results.values()), len(found) * copies)
        made = sum(done.children for done in results.values())
        failures = {path: reason for number in range(len(tasks)) for path, reason in results[number].failures.items()}
        if not made:
            raise DatasetError(
                f"None of the {len(found)} images in {source} can be read: {next(iter(failures.values()))}"
            )
        lines = [results[number].lines for number in range(len(tasks))]
        if (source / _CLASSES).is_file():
            lines.append(_copied(source, folder, _CLASSES))
        lines.append(manifest_lines(earlier.rows_of_kept(folder)))
        write_augment_manifest(folder, lines, (CHILD_HASH, *Change._fields))
    return Augmented(destination, made, failures)


def _copied(source: Path, folder: Path, name: str) -> str:
    """Copy a file that goes with the images; gives its line of the manifest."""
    data = (source / name).read_bytes()
    write_bytes(folder / name, data)
    digest = hashlib.sha256(data).hexdigest()
    return manifest_lines([(name, name, digest, digest, *[""] * len(Change._fields))])


def _tasks(source: Path, folder: Path, originals: list[str], copies: int, ranges: Ranges, seed: int) -> list["_Task"]:
    """Make the sub-folders and says what is to be done: every child's parent, name and change."""
    for inner in {os.path.dirname(name) for name in originals}:  # noqa: PTH120 ten times as fast
        (folder / inner).mkdir(parents=True, exist_ok=True)
    children = [name if copies == 1 else _numbered(name, copy) for name in originals for copy in range(1, copies + 1)]
    parents = [name for name in originals for _ in range(copies)]
    changes = Change.draw(ranges, len(children), seed)
    origins = recorded_origins([f"{source}/{name}" for name in originals])
    return [
        _Task(source, folder, parents[part], children[part], changes[part], _some(origins, source, parents[part]))
        for part in (slice(start, start + _CHUNK) for start in range(0, len(children), _CHUNK))
    ]


def _some(origins: dict[str, str], source: Path, parents: list[str]) -> dict[str, str]:
    """Those of the origins that some parents have: a task is sent to another process."""
    paths = (f"{source}/{name}" for name in parents) if origins else ()
    return {path: origins[path] for path in paths if path in origins}


def _numbered(name: str, copy: int) -> str:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 ten times as fast
    return f"{stem}-{copy}{suffix}"


def _source_images(source: Path) -> list[str]:
    if not source.is_dir():
        raise DatasetNotFoundError(str(source))
    names = find_images(source)
    if not names:
        raise DatasetError(f"{source} holds no images ({' '.join(sorted(SUFFIXES))}).")
    return names


def _check_apart(source: Path, destination: Path) -> None:
    here, there = source.resolve(), destination.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise ConfigError(
            f"{destination} and {source} lie inside each other.",
            "Name a new folder beside the source as DST.",
        )


class _Task(NamedTuple):
    """Some children: parents and children are relative to their folders; `origins` tells what a manifest knows."""

    source: Path
    folder: Path
    parents: list[str]
    children: list[str]
    changes: list[Change]
    origins: dict[str, str]


class _Done(NamedTuple):
    """What became of a task: children made, their lines of the manifest, and parents that could not be read."""

    children: int
    lines: str
    failures: dict[Path, str]


def _augment_files(task: _Task) -> _Done:
    """Make some children."""
    rows: list[tuple[object, ...]] = []
    failures: dict[Path, str] = {}
    source, folder = str(task.source), str(task.folder)
    for parent, child, change in zip(task.parents, task.children, task.changes, strict=True):
        path = f"{source}/{parent}"
        try:
            data = read_bytes(path)
            image = decode_image(data, path)
        except ImageError as fault:
            failures[Path(path)] = fault.message
            continue
        turned = encode_image(change.apply(image), os.path.splitext(child)[1])  # noqa: PTH122 ten times as fast
        write_bytes(f"{folder}/{child}", turned)
        origin = task.origins.get(path) or hashlib.sha256(data).hexdigest()
        rows.append((child, parent, origin, hashlib.sha256(turned).hexdigest(), *change))
    return _Done(len(rows), manifest_lines(rows), failures)
