"""Find the images of a dataset and their labels. Looks only at file names; images are not opened.

A dataset has one of four forms: class folders (`ROOT/<class>/*.png`), a flat folder (unlabeled, or labeled by
`ROOT.csv` next to it or `labels.csv` inside), a CSV file with the columns `file,label`, or a packed folder (see
`charcnn.datasets.formats.packed`).
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.formats.packed import is_packed, read_labels
from charcnn.datasets.labels import classes_file, read_classes
from charcnn.errors import DatasetError, DatasetNotFoundError, UnlabeledError
from charcnn.images.codec import SUFFIXES
from charcnn.images.find import Listing, list_folder
from charcnn.storage.paths import natural_key, normalize_path, sibling_path
from charcnn.text import pluralize

_EXPECTED_FORM = "A dataset is a folder of class folders, each with images of one character."


@dataclass(frozen=True)
class DatasetIndex:
    """Images and, if known, their labels.

    Attributes:
        source: The path, as it was given.
        files: The image files in natural order, class by class for class folders; empty for a packed dataset.
        labels: int64 `[N]`, indices into `classes`; None for an unlabeled folder.
        classes: The label texts, in natural order of their folders; empty if unlabeled.
        note: A warning for the user; usually empty.
        packed: The folder of a packed dataset, whose images are rows of one array.
    """

    source: str
    files: tuple[Path, ...]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    note: str = ""
    packed: Path | None = None

    def __len__(self) -> int:
        return len(self.files) if self.packed is None or self.labels is None else len(self.labels)

    def require_labels(self) -> NDArray[np.int64]:
        """Return the labels.

        Raises:
            UnlabeledError: the dataset has no labels.
        """
        if self.labels is None:
            raise UnlabeledError(self.source)
        return self.labels


def scan(path: Path, listing: Listing = list_folder) -> DatasetIndex:
    """Find the images of a dataset.

    Args:
        path: A folder, or a CSV file.
        listing: Lists a folder.

    Raises:
        DatasetNotFoundError: the path does not exist.
        DatasetError: the path contains no images, a class has no images, or a CSV file or packed dataset is invalid.
    """
    if path.is_file() and path.suffix.lower() == ".csv":
        return _from_csv(path, str(path), [path.parent, path.with_suffix("")])
    if not path.exists():
        raise DatasetNotFoundError(str(path))
    if not path.is_dir():
        raise DatasetError(f"{path} is neither a folder nor a CSV file.")
    if is_packed(path):
        labels, texts = read_labels(path)
        return DatasetIndex(str(path), (), labels, texts, packed=path)
    folders, images = (_sort_names(path, names) for names in listing(path))
    if folders and (not images or any(listing(folder).images for folder in folders)):
        return _from_class_folders(path, folders, images, listing)
    truth = label_file(path)
    if truth:
        dataset = _from_csv(truth, str(path), [path])
        unused = len(set(images) - set(dataset.files))
        return replace(dataset, note=_unused(path, unused, f"not listed in {truth.name}"))
    if not images:
        lists = [name for name in ("train.csv", "test.csv") if (path / name).is_file()]
        hint = f"It contains lists. Choose one: {path / lists[0]}" if lists else _EXPECTED_FORM
        raise DatasetError(f"{path} contains no images ({' '.join(sorted(SUFFIXES))}).", hint)
    return DatasetIndex(str(path), tuple(images), None, ())


def label_file(folder: Path) -> Path | None:
    """Return the CSV file with the labels of a flat folder; None if there is none."""
    places = (sibling_path(folder, f"{normalize_path(folder).name}.csv"), folder / "labels.csv")
    return next((place for place in places if place.is_file()), None)


def _unused(path: Path, count: int, reason: str) -> str:
    return f"Skipped {pluralize(count, 'image')} in {path}: {reason}." if count else ""


def _sort_names(path: Path, names: list[str]) -> list[Path]:
    return [path / name for name in sorted(names, key=natural_key)]


def _from_class_folders(path: Path, folders: Sequence[Path], loose: Sequence[Path], listing: Listing) -> DatasetIndex:
    labels = read_classes(path, [folder.name for folder in folders])
    inside = {folder: listing(folder) for folder in folders}
    deeper = [name.name for name, (below, images) in inside.items() if (below and not images) or is_packed(name)]
    if deeper:
        raise DatasetError(
            f"{path} contains datasets, not class folders: {', '.join(deeper)}.", f"Choose one: {path / deeper[0]}"
        )
    if not any(images for _, images in inside.values()):
        raise DatasetError(f"{path} contains no images ({' '.join(sorted(SUFFIXES))}).", _EXPECTED_FORM)
    files: list[Path] = []
    indices: list[int] = []
    classes: list[str] = []
    for folder, (_, names) in inside.items():
        images = _sort_names(folder, names)
        label = labels.get(folder.name, folder.name)
        if not images:
            name = folder.name if label == folder.name else f"{folder.name} ({label})"
            raise DatasetError(
                f"The class {name} in {path} has no images.",
                f"Put images into it, or remove the folder {folder}.",
            )
        if not label.isascii() and any("\ud800" <= character <= "\udfff" for character in label):
            raise DatasetError(f"The folder name {label!a} in {path} is not UTF-8.", "Rename it, or unpack it again.")
        if label in classes:
            raise DatasetError(f"{classes_file(path)}: two folders have the label {label}, one is {folder.name}.")
        files += images
        indices += [len(classes)] * len(images)
        classes.append(label)
    note = _unused(path, len(loose), "not in a class folder")
    return DatasetIndex(str(path), tuple(files), np.array(indices, np.int64), tuple(classes), note)


def _from_csv(path: Path, source: str, folders: Iterable[Path]) -> DatasetIndex:
    """Read a CSV file with the columns `file,label`. Files are looked up in the folders, in order."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream, skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as fault:
        raise DatasetError(f"{path} is not a UTF-8 CSV file: {fault}") from None
    if not rows:
        raise DatasetError(f"{path} has no rows below its header.", "It needs the columns file,label.")
    files, texts = [], []
    for number, row in enumerate(rows, 2):
        name, label = row.get("file"), (row.get("label") or "").strip()
        if not name or not label:
            raise DatasetError(f"{path}, line {number}: file or label is missing.", "It needs the columns file,label.")
        places = [folder / name for folder in folders]
        files.append(next((place for place in places if place.exists()), places[0]))
        texts.append(label)
    known = [label for label in read_classes(path.parent).values() if label in set(texts)]
    classes = tuple(dict.fromkeys(known + sorted(set(texts), key=natural_key)))
    index = {label: position for position, label in enumerate(classes)}
    return DatasetIndex(source, tuple(files), np.array([index[text] for text in texts], np.int64), classes)
