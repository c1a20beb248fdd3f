"""What a dataset argument means: a path, or a bare name under the data root.

Where the default datasets are asked for and nothing is there, the starter set is written first.
"""

import logging
import os
from pathlib import Path

from charcnn.errors import DatasetError
from charcnn.storage.paths import normalized, sibling_path
from charcnn.text import best_file_match, best_match, known_names

log = logging.getLogger(__name__)


def data_root() -> Path:
    """Gives the folder under which bare names are looked up: `$CHARCNN_DATA`, else `data`."""
    return Path(os.environ.get("CHARCNN_DATA") or "data")


def is_bare(argument: str) -> bool:
    """Tells whether an argument is a name without any folder before it."""
    return len(Path(argument).parts) == 1 and argument not in (".", "..", "~")


def existing_path(argument: str) -> Path | None:
    """Gives the path that an argument names, itself or under the data root; None where neither exists."""
    path = _expanded(argument)
    return next((found for found in (path, data_root() / path) if found.exists()), None)


def dataset_path(argument: str) -> Path:
    """Finds the dataset that an argument names.

    A path that exists is itself. A relative one that does not is looked up under the data root; `train`, `test` and
    `ttest` are written there first, as the starter set, where none of it exists.

    Raises:
        DatasetError: there is no such dataset.
    """
    root, found = data_root(), existing_path(argument)
    if found is not None:
        return found
    from charcnn.datasets.generate.starter import (  # only now: the drawing is rarely needed
        FOLDERS,
        is_free_for_starter,
        synth,
    )

    if argument in FOLDERS and is_free_for_starter(root):
        log.warning(
            "There is no %s: writing the starter set there (12 characters, in synthetic handwriting).", root / argument
        )
        synth(root)
        return root / argument
    looked = "" if Path(argument).is_absolute() else f" (looked in . and in {root})"
    raise DatasetError(f"No such dataset: {argument}{looked}", _hint(argument))


def destination_path(argument: str, source_argument: str) -> Path:
    """Gives where a new dataset goes: a bare name stands beside a source that was itself found under the data root."""
    from_root = is_bare(source_argument) and not Path(source_argument).exists()
    return data_root() / argument if from_root and is_bare(argument) else _expanded(argument)


def find_test_set(source: str) -> Path | None:
    """Gives the `test` folder beside a training folder, `test.csv` beside a training list, or None."""
    path = existing_path(source) or Path(source)
    found = sibling_path(path, "test.csv" if path.suffix == ".csv" else "test")
    return found if found.exists() and found != normalized(path) else None


def _hint(argument: str) -> str:
    """What may have been meant, as it would be typed; where no name is near, what the data root holds."""
    path = _expanded(argument)
    roots = [Path()] if path.is_absolute() else [data_root(), Path()]
    mended = [found for root in roots if (found := _mended(root, path))]
    if mended:
        depth = max(len(found.parts) for found in mended)
        deepest = [str(found) for found in mended if len(found.parts) == depth]
        return f"Did you mean {best_match(argument, deepest) or deepest[0]}?"
    known = [] if path.is_absolute() else _datasets_in(data_root())
    return known_names(known, 20) if known else "charcnn synth writes a starter set to try things with."


def _mended(root: Path, path: Path) -> Path | None:
    """Mends the first part of a path that is not there below a root: `fudan21/train` → `fudan12/train`."""
    here = root
    for number, part in enumerate(path.parts):
        if not (here / part).exists():
            is_system = path.is_absolute() and number < 2  # /opt is not what somebody misspelt
            near = None if is_system else best_file_match(part, _datasets_in(here))
            if near is None:
                return None
            found = Path(*path.parts[:number], near)
            whole = found.joinpath(*path.parts[number + 1 :])
            return whole if (root / whole).exists() else found
        here /= part
    return None


def _datasets_in(folder: Path) -> list[str]:
    """The names of the folders and lists in a folder, as far as they can be datasets."""
    if not folder.is_dir():
        return []
    found = (path.name for path in folder.iterdir() if path.is_dir() or path.suffix == ".csv")
    return [name for name in found if not name.startswith(".")]


def _expanded(argument: str) -> Path:
    try:
        return Path(argument).expanduser()
    except RuntimeError:  # there is no such user
        return Path(argument)
