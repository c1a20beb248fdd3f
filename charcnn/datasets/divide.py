"""One dataset → a training and a test dataset, as copies or as lists, duplicates and children on one side."""

import csv
import shutil
from pathlib import Path
from typing import Literal

import numpy as np

from charcnn.datasets.arrays import Arrays
from charcnn.datasets.labels import CLASSES_FILE, folder_names, write_classes
from charcnn.datasets.scan import Dataset
from charcnn.datasets.split import split_indices
from charcnn.errors import DatasetError, OverwriteError
from charcnn.images.folder import new_folder
from charcnn.spec import ImageSpec


def divide(
    dataset: Dataset,
    destination: Path,
    *,
    share: float = 0.2,
    seed: int = 0,
    by: Literal["list", "copy"] = "list",
    force: bool = False,
) -> dict[Path, int]:
    """Puts a share of a labelled dataset aside for testing.

    Args:
        dataset: What to divide; it is left as it is. Unreadable images come to neither side.
        destination: Gets `train.csv` and `test.csv` (`file,label`), or with `copy` the folders `train` and `test`.
        share: Share of each class to put aside.
        seed: Drives which.
        by: Lists that point to the files, or copies of them.
        force: Write although files of these names are there.

    Returns:
        Each dataset written → its number of images.

    Raises:
        DatasetError: no labels, or too few images.
        OverwriteError: a file or folder of these names is there already.
    """
    arrays = Arrays.load(dataset, ImageSpec(height=8, width=8, polarity="dark-on-light"))
    sides = dict(zip(("train", "test"), split_indices(arrays.labels, arrays.origins, share, seed), strict=True))
    destination.mkdir(parents=True, exist_ok=True)
    write = _write_list if by == "list" else _write_copy
    return {write(arrays, indices, destination / side, force): len(indices) for side, indices in sides.items()}


def _write_list(arrays: Arrays, indices: np.ndarray, target: Path, force: bool) -> Path:
    path = target.with_suffix(".csv")
    if path.exists() and not force:
        raise OverwriteError(f"{path} is there already.", "Name another folder with -o, or add --force.")
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label"])
        for index in indices:
            file = arrays.files[index].resolve()
            near = file.is_relative_to(target.parent.resolve())
            writer.writerow(
                [
                    (file.relative_to(target.parent.resolve()) if near else file).as_posix(),
                    arrays.classes[arrays.labels[index]],
                ]
            )
    return path


def _write_copy(arrays: Arrays, indices: np.ndarray, target: Path, force: bool) -> Path:
    folders = {label: folder for folder, label in folder_names(arrays.classes).items()}
    with new_folder(target, lambda _: False, force) as fresh:
        for folder in folders.values():
            (fresh / folder).mkdir()
        for index in indices:
            copy = fresh / folders[arrays.classes[arrays.labels[index]]] / arrays.files[index].name
            if copy.exists():
                raise DatasetError(
                    f"Two images of one class are named {copy.name}: they would overwrite each other.",
                    "Divide by list: --by list",
                )
            shutil.copy2(arrays.files[index], copy)
        write_classes(fresh / CLASSES_FILE, {folder: label for label, folder in folders.items()})
    return target
