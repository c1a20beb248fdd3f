"""The OpenCV rotation of the lab, and its kin: a folder of images → a new folder of turned images and a manifest.

Every parameter of every child is drawn before the first image is read, from one seeded generator, so that the files are
the same whatever the number of processes.
"""

import hashlib
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from charcnn.errors import ConfigError, DatasetError, ImageError
from charcnn.images.find import images_below
from charcnn.images.fit import paper_level
from charcnn.images.folder import new_folder
from charcnn.images.io import SUFFIXES, Grey, decode_image, read_bytes, write_image
from charcnn.images.manifest import MANIFEST, read_manifest, recorded_origins, write_manifest

_CLASSES = "classes.txt"
"""Names the class folders; it goes with them."""
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


@dataclass(frozen=True)
class Change:
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
        """Draws `count` changes; the same for the same seed."""
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

    def apply(self, image: Grey) -> Grey:
        """Turns an image about its centre; what comes into view has the colour of the image's own paper.

        Args:
            image: uint8 `[H,W]`, either polarity.

        Returns:
            uint8 `[H,W]`.
        """
        height, width = image.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), self.angle, self.scale)
        if self.shear:
            slope = np.tan(np.radians(self.shear))
            lean = np.array([[1, slope, -slope * height / 2], [0, 1, 0], [0, 0, 1]])
            matrix = matrix @ lean
        matrix = matrix + np.array([[0, 0, self.shift_x * width], [0, 0, self.shift_y * height]])
        turned = cv2.warpAffine(image, matrix, (width, height), borderValue=(paper_level(image),))
        if self.noise:
            grain = np.random.default_rng(self.noise_seed).normal(0, self.noise, turned.shape)
            turned = np.clip(np.rint(turned + grain), 0, 255).astype(np.uint8)
        return np.asarray(turned, np.uint8)


@dataclass(frozen=True)
class Augmented:
    """What `augment` made: the new folder, the number of children, and why source files could not be read."""

    folder: Path
    children: int
    failures: Mapping[Path, str]


_Task = tuple[Path, Path, str, str, Change]
"""Source file, file to write, child and parent relative to their folders, and what is done."""


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
    """Writes turned copies of all images of a folder, sub-folders mirrored, into a new folder with a manifest.

    The manifest, `augment.csv`, names for each child its parent, the sha256 of the original (the parent, or the
    parent's own original), and every parameter drawn; with it children stay on their original's side of a split.

    Args:
        source: A folder of images, with or without sub-folders.
        destination: The new folder. One that holds only what its own manifest names is made anew.
        ranges: From where the parameters are drawn; the lab's where not given.
        copies: Children per image. One child keeps its parent's name; several are `7-1.bmp`, `7-2.bmp`, ….
        seed: Drives all that is drawn.
        jobs: Processes. The files do not depend on it.
        force: Write although the destination holds other files.
        on_progress: Called with children done and children in all.

    Raises:
        DatasetError: the source is missing or holds no image, or no image of it can be read.
        ConfigError: one folder lies inside the other.
        OverwriteError: the destination holds files that its manifest does not name.
        OSError: a file cannot be written.
    """
    if copies < 1:
        raise ConfigError(f"--copies {copies}: each image has one child at least.")
    source, destination = Path(source), Path(destination)
    files = _source_images(source)
    _check_apart(source, destination)
    names = [(path, copy) for path in files for copy in range(1, copies + 1)]
    changes = Change.draw(ranges or Ranges(), len(names), seed)
    own = {Path(MANIFEST), Path(_CLASSES), *(Path(row["child"]) for row in read_manifest(destination))}
    origins = {str(path): origin for path, origin in recorded_origins(files).items()}

    rows: list[list[object]] = []
    failures: dict[Path, str] = {}
    with new_folder(destination, own.__contains__, force) as folder:
        for parent in {path.relative_to(source).parent for path in files}:
            (folder / parent).mkdir(parents=True, exist_ok=True)
        tasks: list[_Task] = []
        for (path, copy), change in zip(names, changes, strict=True):
            parent = path.relative_to(source)
            child = parent if copies == 1 else parent.with_name(f"{parent.stem}-{copy}{parent.suffix}")
            tasks.append((path, folder / child, child.as_posix(), parent.as_posix(), change))
        for done, bad in _run(tasks, jobs):
            rows += done
            failures |= bad
            on_progress(len(rows), len(tasks))
        if not rows:
            raise DatasetError(
                f"None of the {len(files)} images in {source} can be read: {next(iter(failures.values()))}"
            )
        for row in rows:
            row[2] = origins.get(str(source / str(row[1])), row[2])
        write_manifest(folder, rows, [field.name for field in fields(Change)])
        if (source / _CLASSES).is_file():
            shutil.copyfile(source / _CLASSES, folder / _CLASSES)
    return Augmented(destination, len(rows), failures)


def _source_images(source: Path) -> list[Path]:
    if not source.is_dir():
        raise DatasetError(f"No such folder: {source}", "Name a folder of images: charcnn augment SRC DST")
    files = images_below(source)
    if not files:
        raise DatasetError(f"{source} holds no images ({' '.join(sorted(SUFFIXES))}).")
    return files


def _check_apart(source: Path, destination: Path) -> None:
    here, there = source.resolve(), destination.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise ConfigError(
            f"{destination} and {source} lie inside each other.",
            "Name a new folder beside the source as DST.",
        )


_Done = tuple[list[list[object]], dict[Path, str]]


def _run(tasks: list[_Task], jobs: int) -> Iterable[_Done]:
    queue = iter(tasks)
    chunks = list(iter(lambda: list(islice(queue, _CHUNK)), []))
    if jobs == 1 or len(tasks) < _FEW:
        yield from map(_augment_files, chunks)
        return
    # a fork would copy OpenCV's threads in an unknown state
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_augment_files, chunks)


def _augment_files(tasks: list[_Task]) -> _Done:
    """Makes some children. Gives their manifest rows, and the parents that could not be read."""
    rows: list[list[object]] = []
    failures: dict[Path, str] = {}
    for path, target, child, parent, change in tasks:
        try:
            data = read_bytes(path)
            image = decode_image(data, str(path))
        except ImageError as fault:
            failures[path] = fault.message
            continue
        write_image(target, change.apply(image))
        rows.append([child, parent, hashlib.sha256(data).hexdigest(), *astuple(change)])
    return rows, failures
