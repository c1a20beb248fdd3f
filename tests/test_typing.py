"""Type checkers, without a plugin, find nothing to say of the README's Python."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
EXAMPLES = [block for block in BLOCKS if "import charcnn" in block]

pytestmark = pytest.mark.slow


@pytest.fixture
def example(tmp_path: Path) -> Path:
    assert EXAMPLES
    path = tmp_path / "example.py"
    path.write_text("\n".join(EXAMPLES), encoding="utf-8")
    return path


def test_mypy_strict(example: Path) -> None:
    line = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(example)]
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "MYPYPATH": str(ROOT)}, check=False)
    assert done.returncode == 0, done.stdout


def test_pyright(example: Path) -> None:
    line = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(example)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if "error" not in done.stdout and done.returncode:
        pytest.skip(f"pyright cannot start here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stdout
