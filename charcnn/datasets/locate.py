"""Resolve dataset arguments: paths, or names under the data root. Writes nothing."""

import os
from pathlib import Path

from charcnn.errors import DatasetNotFoundError
from charcnn.storage.paths import normalize_path, sibling_path
from charcnn.text import best_file_match, best_match

DATASET_FOLDERS = ("train", "test", "ttest")
"""Folders of a generated dataset, and names of the default datasets. `ttest` is flat and unlabeled."""


def data_root() -> Path:
    """Return the folder under which dataset names are looked up: `$CHARCNN_DATA`, or `data`."""
    return Path(os.environ.get("CHARCNN_DATA") or "data")


def is_bare_name(argument: str) -> bool:
    """Return whether an argument is a single name, without folders."""
    return len(Path(argument).parts) == 1 and argument not in (".", "..", "~")


def existing_path(argument: str) -> Path | None:
    """Return the path that an argument names, as it is or under the data root; None if neither exists."""
    path = _expand_user(argument)
    return next((found for found in (path, data_root() / path) if found.exists()), None)


def find_dataset(argument: str) -> Path:
    """Return the path of the dataset that an argument names.

    A relative path that does not exist is looked up under the data root.

    Raises:
        DatasetNotFoundError: the dataset does not exist.
    """
    found = existing_path(argument)
    if found is not None:
        return found
    is_absolute = Path(argument).is_absolute()
    closest = with_slashes(argument) or _closest_dataset(argument)
    known = () if is_absolute or closest else _datasets_in(data_root())
    raise DatasetNotFoundError(argument, () if is_absolute else (Path(), data_root()), closest, known)


def with_slashes(argument: str) -> str | None:
    """Return an argument that has backslashes with slashes, where that exists and this system separates by `/`."""
    if os.sep != "/" or "\\" not in argument:
        return None
    changed = argument.replace("\\", "/").rstrip("/")
    return changed if changed and existing_path(changed) else None


def destination_path(argument: str, source_argument: str) -> Path:
    """Return the path of a new dataset. A bare name is under the data root if the source was found there."""
    from_root = is_bare_name(source_argument) and not Path(source_argument).exists()
    return data_root() / argument if from_root and is_bare_name(argument) else _expand_user(argument)


def find_test_set(source: str) -> Path | None:
    """Return the `test` folder next to a training folder, or `test.csv` next to a training list; None if missing."""
    path = existing_path(source) or Path(source)
    found = sibling_path(path, "test.csv" if path.suffix == ".csv" else "test")
    return found if found.exists() and found != normalize_path(path) else None


def _closest_dataset(argument: str) -> str:
    """Return the existing dataset with the most similar name, as the user would type it; empty if none is similar."""
    path = _expand_user(argument)
    roots = [Path()] if path.is_absolute() else [data_root(), Path()]
    corrected = [found for root in roots if (found := _correct_path(root, path))]
    if not corrected:
        return ""
    depth = max(len(found.parts) for found in corrected)
    deepest = [str(found) for found in corrected if len(found.parts) == depth]
    return best_match(argument, deepest) or deepest[0]


def _correct_path(root: Path, path: Path) -> Path | None:
    """Correct the first missing part of a path below `root`: `fudan21/train` → `fudan12/train`."""
    here = root
    for number, part in enumerate(path.parts):
        if not (here / part).exists():
            is_system = path.is_absolute() and number < 2  # /opt is not a misspelled dataset
            near = None if is_system else best_file_match(part, _datasets_in(here))
            if near is None:
                return None
            found = Path(*path.parts[:number], near)
            whole = found.joinpath(*path.parts[number + 1 :])
            return whole if (root / whole).exists() else found
        here /= part
    return None


def _datasets_in(folder: Path) -> list[str]:
    """Return the names of the folders and CSV files in a folder that can be datasets."""
    if not folder.is_dir():
        return []
    found = (path.name for path in folder.iterdir() if path.is_dir() or path.suffix == ".csv")
    return [name for name in found if not name.startswith(".")]


def _expand_user(argument: str) -> Path:
    try:
        return Path(argument).expanduser()
    except RuntimeError:  # unknown user
        return Path(argument)
