"""What the pages tell a reader to type runs, in the order of the page, on small data."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.pages import DOCS, READMES, ROOT, blocks, commands, name_of, python_blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bash") is None, reason="the blocks are for bash"),
]

RUN = [page for page in (*READMES, *DOCS) if blocks(page, "bash") or python_blocks(page)]
_NOT_RUN = ("make ", "source ")
"""What installs, and what needs an installation."""
_LOOP = re.compile(r"(?P<start>for \w+ in \S+) [^;]*;")
"""Loops over many values run with the first one."""

SMALL = """
import sys
from charcnn.cli.app import main
words = sys.argv[1:]
if words[:1] == ["synth"] and "--per-class" not in words:
    words += ["--per-class", "12", "--test-per-class", "4"]
if words[:1] == ["train"] and "--print-config" not in words:
    words += ["--epochs", "1"]
sys.argv[1:] = words
main()
"""
"""charcnn as it is, but that it writes few images and trains one epoch."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, starter: Path) -> Path:
    """A folder with what the pages take for granted: the course's data, images of one's own, a model of them."""
    root = tmp_path_factory.mktemp("reader")
    shutil.copytree(starter, root / "data")
    own = root / "mydata"
    for part in ("train", "val"):
        for label, character in (("a", "博"), ("b", "学"), ("c", "自")):
            shutil.copytree(_class_folder(starter, character), own / part / label)
    shutil.copytree(own / "train", root / "real")
    for folder in ("scans", "more"):
        (root / folder).mkdir()
        for number in range(1, 4):
            page = np.full((60, 50), 230, np.uint8)
            cv2.putText(page, str(number), (10, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (20,), 3)
            for suffix in ("png", "jpg"):
                cv2.imwrite(str(root / folder / f"{number}.{suffix}"), page)
    for name in ("photo.png", "digit.png"):
        shutil.copyfile(root / "scans/1.png", root / name)
    (root / "textbook.txt").write_text("天地人", encoding="utf-8")
    (root / "result.csv").write_text("file,label,probability\nscans/1.png,a,0.9\n", encoding="utf-8")
    command = root / "bin" / "charcnn"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\n{SMALL}", encoding="utf-8")
    command.chmod(0o755)
    run(root, "charcnn", "data", "split", "mydata/train")
    for _ in range(2):
        run(root, "charcnn", "train", "--data", "mydata/train.csv")
    return root


def _class_folder(starter: Path, label: str) -> Path:
    lines = (starter / "classes.txt").read_text(encoding="utf-8").splitlines()
    folders = {text: folder for folder, text in (line.split("\t") for line in lines)}
    return starter / "train" / folders[label]


def run(reader: Path, *command: str) -> None:
    """Run a command in the reader's folder."""
    path = f"{reader / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=reader, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_what_a_page_shows_runs(page: Path, prepared: Path, tmp_path: Path) -> None:
    reader = shutil.copytree(prepared, tmp_path / "reader")
    shown = sorted([*blocks(page, "bash"), *python_blocks(page)], key=lambda block: block.number)
    if "charcnn data split mydata/train" in commands(page):
        for part in ("train", "test"):
            (reader / f"mydata/{part}.csv").unlink()
    for block in shown:
        if block.language == "python":
            run(reader, sys.executable, "-c", block.text)
        else:
            lines = [line for line in block.text.splitlines() if not line.startswith(_NOT_RUN)]
            shorter = _LOOP.sub(r"\g<start>;", "\n".join(lines))
            run(reader, "bash", "-euo", "pipefail", "-c", shorter)
