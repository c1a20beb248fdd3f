"""A folder of images → a new folder of turned copies and a manifest.

Every parameter of every copy is drawn before the first image is read, from one seeded generator, so that the files are
the same whatever the number of processes.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from charcnn.datasets.generate.previous_output import COPY_HASH_COLUMN, PreviousOutput
from charcnn.datasets.generate.rotation import AugmentRanges, Change
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
    """What `augment` wrote.

    Attributes:
        folder: The new folder.
        copies: The number of images written.
        failures: Images that could not be read → why.
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
    """Write turned copies of all images of a folder, sub-folders mirrored, into a new folder with a manifest.

    The manifest, `augment.csv`, names for each copy its original, the sha256 of the very first original (where the
    original is itself a copy), its own sha256, and every parameter drawn. It keeps copies on their original's side of a
    split, and tells which copies were modified later.

    Args:
        source: A folder of images, with or without sub-folders.
        destination: The new folder. One that holds only what its own manifest names, unmodified, is replaced.
        ranges: The ranges that parameters are drawn from; whole angles of 0 … 9 degrees where not given.
        copies: Copies per image. One copy keeps its original's name; several are `7-1.bmp`, `7-2.bmp`, ….
        seed: Random seed for all parameters.
        jobs: Processes. The files do not depend on it.
        force: Write although the destination holds other files.
        on_progress: Called with copies done and copies in all.

    Raises:
        DatasetNotFoundError: the source is not there.
        DatasetError: the source holds no image, or no image of it can be read.
        ConfigError: one folder lies inside the other.
        OverwriteError: the destination holds files that its manifest does not name, or that were modified.
        OSError: a file cannot be written.

    Example:
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
    _check_apart(source, destination)
    results: dict[int, _Done] = {}
    previous = PreviousOutput.read(destination, Change._fields)
    total = len(names) * copies
    with (
        ProcessPool.for_images(total, jobs) as pool,
        replace_folder(destination, previous.files.is_own, force) as folder,
    ):
        tasks = _plan_tasks(source, folder, names, copies, Change.draw(ranges or AugmentRanges(), total, seed))
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
        write_augment_manifest(folder, lines, (COPY_HASH_COLUMN, *Change._fields))
    return AugmentResult(destination, written, failures)


def _source_images(source: Path) -> list[str]:
    """Return the names of all images of a folder, relative to it, in natural order."""
    if not source.is_dir():
        raise DatasetNotFoundError(str(source))
    names = find_images(source)
    if not names:
        raise DatasetError(f"{source} holds no images ({' '.join(sorted(SUFFIXES))}).")
    return sorted(names, key=natural_key)


def _check_apart(source: Path, destination: Path) -> None:
    here, there = source.resolve(), destination.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise ConfigError(f"{destination} and {source} lie inside each other.", "Choose a folder next to the source.")


class _Task(NamedTuple):
    """Some copies: originals and copies are relative to their folders; `origins`: what manifests say of originals."""

    source: Path
    folder: Path
    originals: list[str]
    copies: list[str]
    changes: list[Change]
    origins: dict[str, str]


class _Done(NamedTuple):
    """What became of a task: copies written, their lines of the manifest, and originals that could not be read."""

    copies: int
    lines: str
    failures: dict[Path, str]


def _plan_tasks(source: Path, folder: Path, names: list[str], copies: int, changes: list[Change]) -> list[_Task]:
    """Make the sub-folders, and return what is to be done: original, name and change of each copy."""
    for inner in {os.path.dirname(name) for name in names}:  # noqa: PTH120 ten times as fast
        (folder / inner).mkdir(parents=True, exist_ok=True)
    copied = [name if copies == 1 else _number_name(name, copy) for name in names for copy in range(1, copies + 1)]
    originals = [name for name in names for _ in range(copies)]
    origins = recorded_origins([f"{source}/{name}" for name in names])
    tasks = []
    for start in range(0, len(copied), _COPIES_PER_TASK):
        part = slice(start, start + _COPIES_PER_TASK)
        paths = (f"{source}/{name}" for name in originals[part]) if origins else ()
        own = {path: origins[path] for path in paths if path in origins}  # a task is sent to another process
        tasks.append(_Task(source, folder, originals[part], copied[part], changes[part], own))
    return tasks


def _number_name(name: str, copy: int) -> str:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 ten times as fast
    return f"{stem}-{copy}{suffix}"


def _augment_files(task: _Task) -> _Done:
    """Write the copies of a task."""
    rows: list[tuple[object, ...]] = []
    failures: dict[Path, str] = {}
    source, folder = str(task.source), str(task.folder)
    for original, copy, change in zip(task.originals, task.copies, task.changes, strict=True):
        path = f"{source}/{original}"
        try:
            data = read_bytes(path)
            image = decode_image(data, path)
        except ImageError as fault:
            failures[Path(path)] = fault.message
            continue
        turned = encode_image(change.apply(image), os.path.splitext(copy)[1])  # noqa: PTH122 ten times as fast
        write_bytes(f"{folder}/{copy}", turned)
        origin = task.origins.get(path) or hashlib.sha256(data).hexdigest()
        rows.append((copy, original, origin, hashlib.sha256(turned).hexdigest(), *change))
    return _Done(len(rows), manifest_lines(rows), failures)


def _copy_file(source: Path, folder: Path, name: str) -> str:
    """Copy a file that goes with the images; return its line of the manifest."""
    data = (source / name).read_bytes()
    write_bytes(folder / name, data)
    digest = hashlib.sha256(data).hexdigest()
    return manifest_lines([(name, name, digest, digest, *[""] * len(Change._fields))])
