"""The Python of the READMEs and pages passes type checkers as a stranger's code does: strict, and without a plugin."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tests.support.pages import DOCS, READMES, ROOT, Block, name_of, python_blocks

pytestmark = pytest.mark.slow


@pytest.fixture
def examples(tmp_path: Path) -> list[str]:
    """Each block of Python that imports charcnn, as a file in the working folder."""
    found = [*chain.from_iterable(map(python_blocks, (*READMES, *DOCS)))]
    for block in found:
        (tmp_path / _file_name(block)).write_text(block.text, encoding="utf-8")
    for script in (ROOT / "examples").glob("*.py"):
        if "import charcnn" in (text := script.read_text(encoding="utf-8")):  # ONNX Runtime has no types
            (tmp_path / script.name).write_text(text, encoding="utf-8")
    assert len(found) >= 10
    return sorted(path.name for path in tmp_path.glob("*.py"))


def _file_name(block: Block) -> str:
    return f"{re.sub('[^a-z]', '_', name_of(block.page).lower())}_{block.number}.py"


def checked(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_mypy_finds_nothing_in_the_examples(examples: list[str]) -> None:
    done = checked("mypy", "--strict", "--config-file=", "--follow-imports=silent", *examples)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_finds_nothing_in_the_examples(examples: list[str], tmp_path: Path) -> None:
    if shutil.which("node") is None or checked("pyright", "--version").returncode:
        pytest.skip("pyright needs Node.js")
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "include": examples}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = checked("pyright", "--pythonpath", sys.executable, "--project", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
