"""A path → the images that lie there and their labels. Looks at names only; no file of an image is opened.

Four forms are datasets: class folders (`ROOT/<class>/*.png`), a flat folder (unlabeled, or labeled by `ROOT.csv`
next to it or `labels.csv` inside), a CSV file with the columns `file,label`, and a packed folder (see
`charcnn.datasets.formats.packed`).
"""

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.formats.packed import is_packed, read_labels
from charcnn.datasets.labels import classes_file, read_classes
from charcnn.errors import DatasetError, DatasetNotFoundError, UnlabeledError
from charcnn.images.io import SUFFIXES, is_image
from charcnn.storage.paths import natural_key, normalized, sibling_path
from charcnn.text import pluralize

_EXPECTED_FORM = "A dataset is a folder of class folders, each with images of one character."


@dataclass(frozen=True)
class DatasetIndex:
    """Images and, where known, their labels.

    Attributes:
        source: The path, as it was asked for.
        files: The image files; of class folders class by class, always in natural order. None of a packed dataset.
        labels: int64 `[N]`, indices into `classes`; None for an unlabeled folder.
        classes: The label texts, in natural order of their folders; empty where unlabeled.
        note: What the person should know of it; mostly empty.
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
            UnlabeledError: there are none.
        """
        if self.labels is None:
            raise UnlabeledError(self.source)
        return self.labels


def scan(path: Path) -> DatasetIndex:
    """Find the images of a dataset.

    Raises:
        DatasetNotFoundError: the path does not exist.
        DatasetError: it holds no images, has a class without any, or a CSV that does not fit.
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
    folders, images = _list_folder(path)
    if folders and (not images or any(_list_folder(folder)[1] for folder in folders)):
        return _from_class_folders(path, folders, images)
    for truth in _label_files(path):
        if truth.is_file():
            dataset = _from_csv(truth, str(path), [path])
            unused = len(set(images) - set(dataset.files))
            return replace(dataset, note=_unused(path, unused, f"not named in {truth.name}"))
    if not images:
        lists = [name for name in ("train.csv", "test.csv") if (path / name).is_file()]
        hint = f"It holds lists. Choose one: {path / lists[0]}" if lists else _EXPECTED_FORM
        raise DatasetError(f"{path} holds no images ({' '.join(sorted(SUFFIXES))}).", hint)
    return DatasetIndex(str(path), tuple(images), None, ())


def may_tell_labels(folder: Path) -> bool:
    """Return whether a folder may be labeled: it has sub-folders or a CSV. Faster than `scan` where it has not."""
    with os.scandir(folder) as entries:
        return any(truth.is_file() for truth in _label_files(folder)) or any(map(_is_folder, entries))


def _label_files(folder: Path) -> tuple[Path, Path]:
    """Return the files that may hold the labels of a flat folder."""
    return sibling_path(folder, f"{normalized(folder).name}.csv"), folder / "labels.csv"


def _unused(path: Path, count: int, reason: str) -> str:
    return f"Left out {pluralize(count, 'image')} in {path}: {reason}." if count else ""


def _list_folder(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the visible sub-folders and the images of a folder, each in natural order."""
    folders, images = [], []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if _is_folder(entry):
                folders.append(entry.name)
            elif is_image(entry.name):
                images.append(entry.name)
    return _sort_names(path, folders), _sort_names(path, images)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _sort_names(path: Path, names: list[str]) -> list[Path]:
    return [path / name for name in sorted(names, key=natural_key)]


def _from_class_folders(path: Path, folders: Sequence[Path], loose: Sequence[Path]) -> DatasetIndex:
    labels = read_classes(path, [folder.name for folder in folders])
    inside = {folder: _list_folder(folder) for folder in folders}
    deeper = [name.name for name, (below, images) in inside.items() if (below and not images) or is_packed(name)]
    if deeper:
        raise DatasetError(
            f"{path} holds datasets, not class folders: {', '.join(deeper)}.", f"Choose one: {path / deeper[0]}"
        )
    if not any(images for _, images in inside.values()):
        raise DatasetError(f"{path} holds no images ({' '.join(sorted(SUFFIXES))}).", _EXPECTED_FORM)
    files: list[Path] = []
    indices: list[int] = []
    classes: list[str] = []
    for folder, (_, images) in inside.items():
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
            raise DatasetError(f"{classes_file(path)}: the label {label} belongs to two folders, one is {folder.name}.")
        files += images
        indices += [len(classes)] * len(images)
        classes.append(label)
    note = _unused(path, len(loose), "in no class folder")
    return DatasetIndex(str(path), tuple(files), np.array(indices, np.int64), tuple(classes), note)


def _from_csv(path: Path, source: str, folders: Iterable[Path]) -> DatasetIndex:
    """Read a table `file,label`; files are relative to the first of the folders in which they lie."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream, skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as fault:
        raise DatasetError(f"{path} is not a CSV file in UTF-8: {fault}") from None
    if not rows:
        raise DatasetError(f"{path} has no lines below its heading.", "It needs the columns file,label.")
    files, texts = [], []
    for number, row in enumerate(rows, 2):
        name, label = row.get("file"), (row.get("label") or "").strip()
        if not name or not label:
            raise DatasetError(f"{path}, line {number}: no file or no label.", "It needs the columns file,label.")
        places = [folder / name for folder in folders]
        files.append(next((place for place in places if place.exists()), places[0]))
        texts.append(label)
    known = [label for label in read_classes(path.parent).values() if label in set(texts)]
    classes = tuple(dict.fromkeys(known + sorted(set(texts), key=natural_key)))
    index = {label: position for position, label in enumerate(classes)}
    return DatasetIndex(source, tuple(files), np.array([index[text] for text in texts], np.int64), classes)
