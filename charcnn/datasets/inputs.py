"""Turn paths, folders, patterns and lists into image files, with labels if they come from a labeled dataset."""

import glob
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from charcnn.datasets.locate import data_root, existing_path, with_slashes
from charcnn.errors import ConfigError, DatasetError
from charcnn.images.codec import is_image
from charcnn.images.find import Listing, list_folder, list_images
from charcnn.storage.paths import natural_key
from charcnn.text import best_file_match, pluralize


@dataclass(frozen=True)
class ImageFiles:
    """Image files to read.

    Attributes:
        files: Paths, with `/` as separator.
        truth: Label of each file; empty if unknown.
    """

    files: tuple[str, ...]
    truth: tuple[str, ...]


def collect_image_files(paths: Sequence[str | Path], labels: Collection[str]) -> ImageFiles:
    """Return the image files that paths refer to, with labels for the files of labeled folders.

    Args:
        paths: Image files in any order, folders (all images in them, in natural order), and patterns such as
            `scans/*.png`. A relative path that does not exist is looked up under the data root. A missing file is
            kept, so that reading it reports the error.
        labels: The labels of the model. A folder with any other label counts as unlabeled.

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
            raise DatasetError(f"{path} contains no images.", "Pass image files, or a folder that contains images.")
        files += inside
        truth |= _read_truth(path, labels, listing)
    return ImageFiles(tuple(files), tuple(truth.get(file, "") for file in files))


def parse_path_list(data: bytes, source: str) -> list[str]:
    """Return the paths listed in a text, one per line. Empty lines are skipped.

    Args:
        data: The text, in UTF-8.
        source: The file that it was read from, for the error.

    Raises:
        ConfigError: it is not UTF-8.
    """
    try:
        return [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise ConfigError(f"{source}: the list of paths is not UTF-8.") from None


def _expand(paths: Sequence[str | Path]) -> list[Path]:
    """Expand patterns, and look up relative paths under the data root."""
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
    others = f" and {pluralize(len(paths) - 1, 'other path')} do" if len(paths) > 1 else " does"
    slashed = with_slashes(str(missing))
    if slashed:
        hint = f"Did you mean {slashed}? Folders are separated by / here, not by \\."
    else:
        closest = _closest_path(missing)
        hint = f"Did you mean {closest}?" if closest else "Pass image files, folders or patterns."
    return DatasetError(f"{missing}{others} not exist.", hint)


def _closest_path(missing: Path) -> Path | None:
    """Return the image that may have been meant by an image's name, or the folder by any other name."""
    is_file = is_image(missing.name)
    for folder in (missing.parent, data_root() / missing.parent):
        if not folder.is_dir():
            continue
        listing = list_folder(folder)
        closest = best_file_match(missing.name, listing.images if is_file else listing.folders)
        if closest:
            return missing.with_name(closest)
    return None


def _read_truth(folder: Path, labels: Collection[str], listing: Listing) -> dict[str, str]:
    """Return file → label for a labeled folder; empty if it has no labels, or labels that the model does not know."""
    from charcnn.datasets.scan import label_file, scan  # slow to import, and not needed for single images

    if not listing(folder).folders and label_file(folder) is None:
        return {}
    try:
        dataset = scan(folder, listing)
    except DatasetError:  # not a dataset, but its images can be read
        return {}
    if dataset.labels is None or not set(dataset.classes) <= set(labels):
        return {}
    return {file.as_posix(): dataset.classes[label] for file, label in zip(dataset.files, dataset.labels, strict=True)}
