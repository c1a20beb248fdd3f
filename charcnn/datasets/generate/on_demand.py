"""Write the starter set if a command needs a default dataset that does not exist. Only commands do this."""

import logging
from collections.abc import Callable
from pathlib import Path

from charcnn.datasets.locate import DATASET_FOLDERS, data_root, existing_path, find_dataset

log = logging.getLogger(__name__)


def _write_starter(root: Path) -> object:
    from charcnn.datasets.generate.starter import write_starter

    return write_starter(root)


def dataset_or_starter(argument: str, write_starter: Callable[[Path], object] = _write_starter) -> Path:
    """Return the path of the dataset that an argument names. If it is a missing default, write the starter set first.

    Args:
        argument: A path or a name. The starter set is written only for `train`, `test` and `ttest`, and only if no
            other files are in its place under the data root.
        write_starter: Writes the starter set into a folder.

    Raises:
        DatasetNotFoundError: the dataset does not exist, and is not part of the starter set.
        OSError: the starter set cannot be written.
    """
    if argument in DATASET_FOLDERS and existing_path(argument) is None:
        from charcnn.datasets.generate.starter import is_free_for_starter  # slow to import, and rarely needed

        root = data_root()
        if is_free_for_starter(root):
            log.warning(
                "%s does not exist: writing the starter set (12 characters in synthetic handwriting).",
                root / argument,
            )
            write_starter(root)
    return find_dataset(argument)
