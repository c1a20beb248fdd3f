"""Write rotated copies of a folder of images, with a manifest.

The parameters of all copies are drawn from one seeded generator before the first image is read, so that the files do
not depend on the number of processes.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from charcnn.datasets.generate.previous_output import COPY_HASH_COLUMN, PreviousOutput
from charcnn.datasets.generate.rotation import AugmentRanges, Transform
from charcnn.datasets.labels import CLASSES_FILE
from charcnn.datasets.provenance.augment_manifest import manifest_lines, write_augment_manifest
from charcnn.datasets.provenance.groups import recorded_origins
from charcnn.errors import ConfigError, DatasetError, DatasetNotFoundError, ImageError
from charcnn.images.codec import SUFFIXES, decode_image, encode_image, read_bytes, write_bytes
from charcnn.images.find import find_images
from charcnn.parallel import ProcessPool
from charcnn.storage.folders import replace_folder
from charcnn.storage.paths import natural_key

_COPIES_PER_TASK = 500


@dataclass(frozen=True)
class AugmentResult:
    """Result of `augment`.

    Attributes:
        folder: The new folder.
        copies: Number of images written.
        failures: Image that could not be read → reason.
    """

    folder: Path
    copies: int
    failures: Mapping[Path, str]


def augment(
    source: Path | str,
    destination: Path | str,
    ranges: AugmentRanges | None = None,
    *,
    copies: int = 1,
    seed: int = 0,
    jobs: int = 1,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> AugmentResult:
    """Write rotated copies of all images of a folder, including sub-folders, into a new folder with a manifest.

    The manifest, `augment.csv`, records for each copy its original, the sha256 of the first original (if the original
    is itself a copy), its own sha256, and all parameters. Splits use it to keep copies with their originals, and later
    runs use it to detect modified copies.

    Args:
        source: A folder of images, with or without sub-folders.
        destination: The new folder. It is replaced if it contains only unmodified files listed in its manifest.
        ranges: The ranges that parameters are drawn from; by default, rotations by 0 … 9 whole degrees.
        copies: Copies per image. A single copy keeps the name of its original; several are `7-1.bmp`, `7-2.bmp`, ….
        seed: Random seed.
        jobs: Number of processes. The files do not depend on it.
        force: Write even if the destination contains other files.
        on_progress: Called with the number of copies done and the total.

    Raises:
        DatasetNotFoundError: the source does not exist.
        DatasetError: the source contains no images, or none that can be read.
        ConfigError: `copies` is below 1, or one folder is inside the other.
        OverwriteError: the destination contains files that its manifest does not list, or that were modified.
        OSError: a file cannot be written.

    Examples:
        >>> import charcnn
        >>> result = charcnn.augment("data/abc/test", "rotated", copies=2, seed=1)
        >>> result.copies
        60
        >>> sorted(path.name for path in result.folder.iterdir())
        ['a', 'augment.csv', 'b', 'c']
    """
    if copies < 1:
        raise ConfigError("must be at least 1", field="copies", value=copies)
    source, destination = Path(source), Path(destination)
    names = _source_images(source)
    _refuse_overlap(source, destination)
    results: dict[int, _TaskResult] = {}
    previous = PreviousOutput.read(destination, Transform._fields)
    total = len(names) * copies
    with (
        ProcessPool.for_images(total, jobs) as pool,
        replace_folder(destination, previous.files.is_own, force) as folder,
    ):
        tasks = _plan_tasks(source, folder, names, copies, Transform.draw(ranges or AugmentRanges(), total, seed))
        for number, result in pool.share(_augment_files, tasks):
            results[number] = result
            on_progress(sum(done.copies for done in results.values()), total)
        written = sum(done.copies for done in results.values())
        failures = {path: reason for number in range(len(tasks)) for path, reason in results[number].failures.items()}
        if not written:
            reason = next(iter(failures.values()))
            raise DatasetError(f"None of the {len(names)} images in {source} can be read: {reason}")
        lines = [results[number].lines for number in range(len(tasks))]
        if (source / CLASSES_FILE).is_file():
            lines.append(_copy_file(source, folder, CLASSES_FILE))
        lines.append(manifest_lines(previous.rows_of_kept(folder)))
        write_augment_manifest(folder, lines, (COPY_HASH_COLUMN, *Transform._fields))
    return AugmentResult(destination, written, failures)


def _source_images(source: Path) -> list[str]:
    """Return the paths of all images of a folder, relative to it, in natural order."""
    if not source.is_dir():
        raise DatasetNotFoundError(str(source))
    names = find_images(source)
    if not names:
        raise DatasetError(f"{source} contains no images ({' '.join(sorted(SUFFIXES))}).")
    return sorted(names, key=natural_key)


def _refuse_overlap(source: Path, destination: Path) -> None:
    here, there = source.resolve(), destination.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise ConfigError(f"{destination} and {source} overlap.", "Choose a folder next to the source.")


class _Task(NamedTuple):
    """Copies to write. Originals and copies are relative to their folders; `origins` is what manifests record."""

    source: Path
    folder: Path
    originals: list[str]
    copies: list[str]
    transforms: list[Transform]
    origins: dict[str, str]


class _TaskResult(NamedTuple):
    """Result of a task: number of copies written, their manifest lines, and originals that could not be read."""

    copies: int
    lines: str
    failures: dict[Path, str]


def _plan_tasks(source: Path, folder: Path, names: list[str], copies: int, transforms: list[Transform]) -> list[_Task]:
    """Create the sub-folders, and return the tasks: original, name and transform of each copy."""
    for inner in {os.path.dirname(name) for name in names}:  # noqa: PTH120 ten times as fast
        (folder / inner).mkdir(parents=True, exist_ok=True)
    copied = [name if copies == 1 else _copy_name(name, copy) for name in names for copy in range(1, copies + 1)]
    originals = [name for name in names for _ in range(copies)]
    origins = recorded_origins([f"{source}/{name}" for name in names])
    tasks = []
    for start in range(0, len(copied), _COPIES_PER_TASK):
        part = slice(start, start + _COPIES_PER_TASK)
        paths = (f"{source}/{name}" for name in originals[part]) if origins else ()
        # only those of its own originals, because a task is sent to another process
        own = {path: origins[path] for path in paths if path in origins}
        tasks.append(_Task(source, folder, originals[part], copied[part], transforms[part], own))
    return tasks


def _copy_name(name: str, copy: int) -> str:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 ten times as fast
    return f"{stem}-{copy}{suffix}"


def _augment_files(task: _Task) -> _TaskResult:
    """Write the copies of a task."""
    rows: list[tuple[object, ...]] = []
    failures: dict[Path, str] = {}
    source, folder = str(task.source), str(task.folder)
    for original, copy, transform in zip(task.originals, task.copies, task.transforms, strict=True):
        path = f"{source}/{original}"
        try:
            data = read_bytes(path)
            image = decode_image(data, path)
        except ImageError as fault:
            failures[Path(path)] = fault.message
            continue
        encoded = encode_image(transform.apply(image), os.path.splitext(copy)[1])  # noqa: PTH122 ten times as fast
        write_bytes(f"{folder}/{copy}", encoded)
        origin = task.origins.get(path) or hashlib.sha256(data).hexdigest()
        rows.append((copy, original, origin, hashlib.sha256(encoded).hexdigest(), *transform))
    return _TaskResult(len(rows), manifest_lines(rows), failures)


def _copy_file(source: Path, folder: Path, name: str) -> str:
    """Copy a file that accompanies the images; return its manifest line."""
    data = (source / name).read_bytes()
    write_bytes(folder / name, data)
    digest = hashlib.sha256(data).hexdigest()
    return manifest_lines([(name, name, digest, digest, *[""] * len(Transform._fields))])
