"""The Python of both READMEs passes type checkers as a stranger's code does: strict, and without a plugin."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import charcnn

ROOT = Path(charcnn.__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture
def examples(tmp_path: Path) -> list[str]:
    """Each block of Python that imports charcnn, as a file in the working folder."""
    names = []
    for page in (ROOT / "README.md", ROOT / "README.zh-CN.md"):
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for number, block in enumerate(block for block in blocks if "import charcnn" in block):
            names.append(f"{page.stem.replace('.', '_').replace('-', '_')}_{number}.py")
            (tmp_path / names[-1]).write_text(block, encoding="utf-8")
    assert len(names) >= 2
    return names


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
