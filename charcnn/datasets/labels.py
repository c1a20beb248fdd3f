"""`classes.txt`: which label a class folder has, and which folder a label is written to."""

import logging
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from charcnn.errors import DatasetError
from charcnn.storage.paths import is_reserved_name, sibling_path

log = logging.getLogger(__name__)

CLASSES_FILE = "classes.txt"


def read_classes(dataset: Path, folders: Collection[str] = ()) -> dict[str, str]:
    """Return folder name → label, from `classes.txt` inside the dataset, or else next to it; empty where there is none.

    A file next to it may belong to another dataset: it counts only where it names all of the folders.

    Args:
        dataset: The dataset's folder.
        folders: Its class folders.

    Raises:
        DatasetError: a line is not `folder<TAB>label`, or two folders have one label.
    """
    path = classes_file(dataset)
    if path is None:
        return {}
    labels = _parse(path)
    if path.parent != dataset and not labels.keys() >= set(folders):
        missing = next(folder for folder in folders if folder not in labels)
        log.warning(
            "%s does not name the folder %s, so the labels of %s are its folders' names.", path, missing, dataset
        )
        return {}
    return labels


def classes_file(dataset: Path) -> Path | None:
    """Return the `classes.txt` inside a dataset, or else next to it; None where there is none."""
    return next(
        (path for path in (dataset / CLASSES_FILE, sibling_path(dataset, CLASSES_FILE)) if path.is_file()), None
    )


def _parse(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as fault:
        raise DatasetError(f"{path} is not UTF-8: {fault.reason} at byte {fault.start}.") from None
    labels: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        folder, tab, label = line.partition("\t")
        if not tab or not folder.strip() or not label.strip():
            raise DatasetError(f"{path}, line {number}: {line!r} is not folder<TAB>label.")
        if label.strip() in labels.values():
            raise DatasetError(f"{path}, line {number}: the label {label.strip()} belongs to two folders.")
        if folder.strip() in labels:
            raise DatasetError(f"{path}, line {number}: the folder {folder.strip()} has a label already.")
        labels[folder.strip()] = label.strip()
    return labels


def write_classes(path: Path, folders: Mapping[str, str]) -> None:
    """Write folder name → label as `classes.txt`."""
    path.write_text("".join(f"{folder}\t{label}\n" for folder, label in folders.items()), encoding="utf-8")


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Return a folder name for each label, such that any file system keeps them apart.

    A label that is a plain name is its own folder; what file systems dislike, or what differs from another label
    only in case or Unicode form, becomes its code points: `U+0041`, `U+0061`.

    Returns:
        folder name → label, in the labels' order.
    """
    labels = list(labels)
    folded = [unicodedata.normalize("NFKC", label).casefold() for label in labels]
    names = {}
    for label, fold in zip(labels, folded, strict=True):
        plain = all(c.isalnum() or c in "-_ " for c in label) and label == label.strip()
        plain = plain and folded.count(fold) == 1 and not is_reserved_name(fold)
        names[label if plain else "_".join(f"U+{ord(c):04X}" for c in label)] = label
    return names
