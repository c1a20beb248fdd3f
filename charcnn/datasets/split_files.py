"""One dataset → a training and a test dataset, as lists or as copies of files; duplicates and copies on one side."""

import csv
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.labels import CLASSES_FILE, folder_names, write_classes
from charcnn.datasets.provenance.augment_manifest import manifest_lines, write_augment_manifest
from charcnn.datasets.scan import DatasetIndex
from charcnn.datasets.split import split_indices
from charcnn.errors import DatasetError
from charcnn.specs.choices import SplitForm
from charcnn.specs.image import ImageSpec
from charcnn.storage.files import atomic_file, refuse_to_overwrite
from charcnn.storage.folders import replace_folder


def split_dataset(
    dataset: DatasetIndex,
    destination: Path,
    *,
    test_split: float = 0.2,
    seed: int = 0,
    by: SplitForm = "list",
    force: bool = False,
) -> dict[Path, int]:
    """Split off a test set from a labeled dataset.

    Args:
        dataset: What to split; it is left as it is. Unreadable images are on neither side.
        destination: Gets `train.csv` and `test.csv` (`file,label`), or with `copy` the folders `train` and `test`.
        test_split: Share of each class to split off.
        seed: Random seed.
        by: Lists that point to the files, or copies of them.
        force: Replace lists of these names. Folders of these names are never replaced.

    Returns:
        Each dataset written → its number of images.

    Raises:
        UnlabeledError: the dataset has no labels.
        DatasetError: it is packed, or has too few images.
        OverwriteError: a file or folder of these names is there already.
    """
    targets = [destination / (f"{side}.csv" if by == "list" else side) for side in ("train", "test")]
    for target in targets:
        if by == "list":
            refuse_to_overwrite(target, force)
        else:  # with force, earlier copies would stay, and be on both sides
            refuse_to_overwrite(target, hint="Choose another folder, or remove it first.")
    if dataset.packed is not None:
        raise DatasetError(
            f"{dataset.source} is packed: its images are rows of one array, not files.",
            "Training splits off validation images by itself (`val_split`); import a test set on its own.",
        )
    arrays = LabeledImages.load(dataset, ImageSpec(height=8, width=8, polarity="dark-on-light"))
    sides = split_indices(arrays.labels, arrays.groups, test_split, seed)
    destination.mkdir(parents=True, exist_ok=True)
    for target, indices in zip(targets, sides, strict=True):
        (_write_list if by == "list" else _write_copies)(arrays, indices, target)
    return {target: len(indices) for target, indices in zip(targets, sides, strict=True)}


def _write_list(arrays: LabeledImages, indices: NDArray[np.int64], target: Path) -> None:
    """Write `file,label`; files below the list's folder are named relative to it."""
    root = target.parent.resolve()
    with atomic_file(target, durable=False) as scratch, scratch.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label"])
        for index in indices:
            file = arrays.files[index].resolve()
            shown = file.relative_to(root) if file.is_relative_to(root) else file
            writer.writerow([shown.as_posix(), arrays.classes[arrays.labels[index]]])


def _write_copies(arrays: LabeledImages, indices: NDArray[np.int64], target: Path) -> None:
    """Copy files into class folders, with a manifest of those that come from another image."""
    folders = {label: folder for folder, label in folder_names(arrays.classes).items()}
    copies = []
    with replace_folder(target, lambda _: False) as fresh:
        for folder in folders.values():
            (fresh / folder).mkdir()
        for index in indices:
            file = arrays.files[index]
            copy = Path(folders[arrays.classes[arrays.labels[index]]], file.name)
            if (fresh / copy).exists():
                raise DatasetError(
                    f"Two images of one class are named {copy.name}: they would overwrite each other.",
                    'Write lists instead: `by="list"`.',
                )
            shutil.copy2(file, fresh / copy)
            origin = arrays.groups[index].tobytes()
            if origin != arrays.digests[index].tobytes():
                copies.append((copy.as_posix(), file.name, origin.hex()))
        write_classes(fresh / CLASSES_FILE, {folder: label for label, folder in folders.items()})
        if copies:
            write_augment_manifest(fresh, [manifest_lines(copies)])
