"""Split a dataset into training and test, as lists or as copies of files. Related images stay on one side."""

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
        dataset: The dataset to split, which is not changed. Unreadable images are left out.
        destination: Folder for `train.csv` and `test.csv` (`file,label`), or with `copy` for `train` and `test`.
        test_split: Share of each class to split off.
        seed: Random seed.
        by: `list` writes lists that refer to the files; `copy` copies the files.
        force: Replace existing lists. Existing folders are never replaced.

    Returns:
        Path of each new dataset → its number of images.

    Raises:
        UnlabeledError: the dataset has no labels.
        DatasetError: it is packed, or has too few images.
        OverwriteError: one of the lists or folders exists already.
    """
    targets = [destination / (f"{side}.csv" if by == "list" else side) for side in ("train", "test")]
    for target in targets:
        if by == "list":
            refuse_to_overwrite(target, force)
        else:  # with force, copies of an earlier split would remain, possibly on the other side
            refuse_to_overwrite(target, hint="Choose another folder, or remove it first.")
    if dataset.packed is not None:
        raise DatasetError(
            f"{dataset.source} is packed: its images are rows of one array, not files.",
            "Training splits off validation images itself (`val_split`). Import a test set separately.",
        )
    arrays = LabeledImages.load(dataset, ImageSpec(height=8, width=8, polarity="dark-on-light"))
    sides = split_indices(arrays.labels, arrays.groups, test_split, seed)
    destination.mkdir(parents=True, exist_ok=True)
    for target, indices in zip(targets, sides, strict=True):
        (_write_list if by == "list" else _write_copies)(arrays, indices, target)
    return {target: len(indices) for target, indices in zip(targets, sides, strict=True)}


def _write_list(arrays: LabeledImages, indices: NDArray[np.int64], target: Path) -> None:
    """Write a CSV file `file,label`, with relative paths for files below its folder."""
    root = target.parent.resolve()
    with atomic_file(target, durable=False) as scratch, scratch.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label"])
        for index in indices:
            file = arrays.files[index].resolve()
            shown = file.relative_to(root) if file.is_relative_to(root) else file
            writer.writerow([shown.as_posix(), arrays.classes[arrays.labels[index]]])


def _write_copies(arrays: LabeledImages, indices: NDArray[np.int64], target: Path) -> None:
    """Copy files into class folders, with a manifest of those that are copies of another image."""
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
