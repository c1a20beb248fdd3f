"""The starter set, written where a command asks for a default dataset and there is none. The library never does."""

import logging
from collections.abc import Callable
from pathlib import Path

from charcnn.datasets.locate import DATASET_FOLDERS, data_root, existing_path, find_dataset

log = logging.getLogger(__name__)


def _write_starter(root: Path) -> object:
    from charcnn.datasets.generate.starter import write_starter

    return write_starter(root)


def dataset_or_starter(argument: str, write_starter: Callable[[Path], object] = _write_starter) -> Path:
    """Return the path of the dataset that an argument names; write the starter set first where that is missing.

    Args:
        argument: A path or a name. The starter set is written for `train`, `test` and `ttest` alone, and only where
            nothing stands in its place under the data root.
        write_starter: Writes the starter set into a folder.

    Raises:
        DatasetNotFoundError: the dataset does not exist, and is not part of the starter set.
        OSError: the starter set cannot be written.
    """
    if argument in DATASET_FOLDERS and existing_path(argument) is None:
        from charcnn.datasets.generate.starter import (
            is_free_for_starter,
        )  # imports all that draws, and is rarely needed

        root = data_root()
        if is_free_for_starter(root):
            log.warning(
                "There is no %s: writing the starter set there (12 characters, in synthetic handwriting).",
                root / argument,
            )
            write_starter(root)
    return find_dataset(argument)
