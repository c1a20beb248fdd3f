"""`classes.txt`: the labels of class folders, and the folder names for labels."""

import logging
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from charcnn.errors import DatasetError
from charcnn.storage.paths import is_reserved_name, sibling_path

log = logging.getLogger(__name__)

CLASSES_FILE = "classes.txt"


def read_classes(dataset: Path, folders: Collection[str] = ()) -> dict[str, str]:
    """Return folder name → label from the `classes.txt` of a dataset; empty if there is none.

    The file is inside the dataset or next to it. One next to it may belong to another dataset, so it is used only if it
    lists all of the folders.

    Args:
        dataset: The dataset's folder.
        folders: Its class folders.

    Raises:
        DatasetError: a line is not `folder<TAB>label`, or two folders have the same label.
    """
    path = classes_file(dataset)
    if path is None:
        return {}
    labels = _parse(path)
    if path.parent != dataset and not labels.keys() >= set(folders):
        missing = next(folder for folder in folders if folder not in labels)
        log.warning(
            "%s does not list the folder %s, so folder names are used as the labels of %s.", path, missing, dataset
        )
        return {}
    return labels


def classes_file(dataset: Path) -> Path | None:
    """Return the path of the `classes.txt` inside a dataset or next to it; None if there is none."""
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
            raise DatasetError(f"{path}, line {number}: two folders have the label {label.strip()}.")
        if folder.strip() in labels:
            raise DatasetError(f"{path}, line {number}: the folder {folder.strip()} is listed twice.")
        labels[folder.strip()] = label.strip()
    return labels


def write_classes(path: Path, folders: Mapping[str, str]) -> None:
    """Write a mapping from folder names to labels as `classes.txt`."""
    path.write_text("".join(f"{folder}\t{label}\n" for folder, label in folders.items()), encoding="utf-8")


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Return a folder name for each label; any file system can store and distinguish the names.

    A label that is a plain name is used as it is. A label with other characters, or one that differs from another label
    only in case or Unicode form, becomes its code points: `U+0041`, `U+0061`.

    Returns:
        Folder name → label, in the order of the labels.
    """
    labels = list(labels)
    folded = [unicodedata.normalize("NFKC", label).casefold() for label in labels]
    names = {}
    for label, fold in zip(labels, folded, strict=True):
        plain = all(c.isalnum() or c in "-_ " for c in label) and label == label.strip()
        plain = plain and folded.count(fold) == 1 and not is_reserved_name(fold)
        names[label if plain else "_".join(f"U+{ord(c):04X}" for c in label)] = label
    return names
