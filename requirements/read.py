"""Write requirements/read.txt: the packages that a read-only environment needs."""

import re
import tomllib
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_suffix(".txt")
PYPROJECT = PAGE.parents[1] / "pyproject.toml"
_HEAD = """\
# What charcnn needs where it only reads (docs/guides/read-only.md).
# Written by `make requirements` from pyproject.toml.
"""


def page(project: dict[str, Any]) -> str:
    """Return the requirements: those of the project, with their bounds, but for what `[tool.charcnn.read-only]` says.

    Args:
        project: What pyproject.toml holds.

    Raises:
        ValueError: the table names a package that charcnn does not require.
    """
    by_name = {re.split(r"[^\w.-]", line)[0]: line for line in project["project"]["dependencies"]}
    choice = project["tool"]["charcnn"]["read-only"]
    unknown = {*choice["without"], *choice["instead"]} - by_name.keys()
    if unknown:
        raise ValueError(
            f"[tool.charcnn.read-only] names packages that charcnn does not require: {', '.join(sorted(unknown))}"
        )
    lines = [
        choice["instead"].get(name, name) + line.removeprefix(name)
        for name, line in by_name.items()
        if name not in choice["without"]
    ]
    return _HEAD + "\n".join(sorted(lines)) + "\n"


def read_pyproject() -> dict[str, Any]:
    """Return what pyproject.toml holds."""
    return tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(read_pyproject()), encoding="utf-8")
