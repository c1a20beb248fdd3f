"""Paths, folders, patterns and lists → the image files to read, and their labels where a dataset tells them."""

import glob
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from charcnn.datasets.locate import existing_path
from charcnn.errors import ConfigError, DatasetError
from charcnn.images.find import Listing, list_folder, list_images
from charcnn.storage.paths import natural_key
from charcnn.text import best_file_match, pluralize


@dataclass(frozen=True)
class ImageFiles:
    """Image files to read.

    Attributes:
        files: Their paths, with `/`.
        truth: The label of each file; empty where it is not known.
    """

    files: tuple[str, ...]
    truth: tuple[str, ...]


def collect_image_files(paths: Sequence[str | Path], labels: Collection[str]) -> ImageFiles:
    """Return the image files that paths stand for, and their labels where a labeled folder tells them.

    Args:
        paths: Image files in any order, folders (all images in them, in natural order), and patterns such as
            `scans/*.png`. A relative path that does not exist is looked up under the data root. A file that does not
            exist is kept: reading it says so.
        labels: The model's labels. A folder tells no labels where it has one that is not among them.

    Raises:
        DatasetError: none of the paths exists, a pattern matches no file, or a folder contains no images.
    """
    found = _expand(paths)
    if not any(path.exists() for path in found):
        raise _nothing_found(found)
    files: list[str] = []
    truth: dict[str, str] = {}
    for path in found:
        if not path.is_dir():
            files.append(path.as_posix())
            continue
        listing: Listing = cache(list_folder)
        inside = list_images(path, listing)
        if not inside:
            raise DatasetError(f"{path} contains no images.", "Name images, or a folder of images.")
        files += inside
        truth |= _read_truth(path, labels, listing)
    return ImageFiles(tuple(files), tuple(truth.get(file, "") for file in files))


def parse_path_list(data: bytes, source: str) -> list[str]:
    """Return the paths that a text names, one per line; empty lines do not count.

    Args:
        data: The text, in UTF-8.
        source: Where it comes from, for the error.

    Raises:
        ConfigError: it is not UTF-8.
    """
    try:
        return [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise ConfigError(f"{source} is not a list in UTF-8.") from None


def _expand(paths: Sequence[str | Path]) -> list[Path]:
    """Return the paths that patterns match, and the places of names under the data root."""
    found: list[Path] = []
    for text in map(str, paths):
        path = existing_path(text)
        if path is None and glob.has_magic(text):
            found += _match(Path(text))
        else:
            found.append(path or Path(text))
    return found


def _match(pattern: Path) -> list[Path]:
    matches = Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    found = sorted(matches, key=lambda path: natural_key(path.as_posix()))
    if not found:
        raise DatasetError(f"No file matches {pattern}.")
    return found


def _nothing_found(paths: Sequence[Path]) -> DatasetError:
    if not paths:
        return DatasetError("There are no images to read.")
    missing = paths[0]
    more = f", nor {pluralize(len(paths) - 1, 'other path')}" if len(paths) > 1 else ""
    siblings = [path.name for path in missing.parent.iterdir()] if missing.parent.is_dir() else []
    closest = best_file_match(missing.name, siblings)
    hint = f"Did you mean {missing.with_name(closest)}?" if closest else "Name images, folders or patterns."
    return DatasetError(f"There is no {missing}{more}.", hint)


def _read_truth(folder: Path, labels: Collection[str], listing: Listing) -> dict[str, str]:
    """Return file → label of a labeled folder; empty where it is none, or has other labels."""
    from charcnn.datasets.scan import label_file, scan  # single images need not wait for it

    if not listing(folder).folders and label_file(folder) is None:
        return {}
    try:
        dataset = scan(folder, listing)
    except DatasetError:  # any folder may be read; only a dataset tells its labels
        return {}
    if dataset.labels is None or not set(dataset.classes) <= set(labels):
        return {}
    return {file.as_posix(): dataset.classes[label] for file, label in zip(dataset.files, dataset.labels, strict=True)}
