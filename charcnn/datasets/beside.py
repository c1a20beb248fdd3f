"""What lies beside a dataset, also where the dataset is called `.` or `..`."""

import os
from pathlib import Path


def named(path: Path) -> Path:
    """Gives the path in a form that has a name and a parent: relative where it can be; links are not followed."""
    return Path(os.path.abspath(path)) if path.name in ("", "..") else path  # noqa: PTH100 - resolve follows links


def beside(path: Path, name: str) -> Path:
    """Gives the path of something in the folder that holds `path`."""
    return named(path).parent / name
