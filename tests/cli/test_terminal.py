"""What a terminal shows and a pipe does not: tables with rules, colors, and bars that move and are gone at the end."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")


def typed(*words: object, columns: int = 100) -> str:
    """Run charcnn in a terminal of its own; return all that it showed, control codes included."""
    terminal, inner = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40"}
    command = [sys.executable, "-m", "charcnn", *map(str, words)]
    with subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=environment) as process:
        os.close(inner)
        shown = bytearray()
        while chunk := _read(terminal):
            shown += chunk
        os.close(terminal)
    assert process.returncode == 0, shown.decode()
    return shown.decode("utf-8").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so where the other end is closed
        return b""


def test_training_shows_a_bar_and_leaves_one_line_an_epoch(starter: Path) -> None:
    shown = typed("train", "--data", starter / "train", "--net", "lenet", "--batch-size", 2, "--epochs", 3)
    assert "images/s" in shown
    assert "\x1b[?25l" in shown  # the bar hides the cursor
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")
    for epoch in range(1, 4):
        assert f"epoch {epoch}/3" in shown
    assert "chars12@1" in shown


def test_predictions_are_a_table_with_a_rule(trained: Path, starter: Path) -> None:
    shown = typed("predict", starter / "ttest", "--registry", trained, columns=400)
    assert "──" in shown
    assert "label" in shown


def test_a_narrow_terminal_breaks_lines_and_cuts_nothing(trained: Path, starter: Path) -> None:
    shown = typed("predict", starter / "ttest", "--registry", trained, columns=20)
    assert str(starter / "ttest" / "1.bmp") in shown
    assert "──" not in shown


def test_augmenting_shows_its_progress(starter: Path, tmp_path: Path) -> None:
    shown = typed("augment", starter / "ttest", "turned", "--jobs", 1)
    assert "120/120" in shown
    assert len(list((tmp_path / "turned").glob("*.bmp"))) == 120


def test_a_damaged_version_is_red_in_the_list(trained: Path, tmp_path: Path) -> None:
    registry = shutil.copytree(trained, tmp_path / "registry")
    (registry / "small12/1/card.json").write_text("{")
    shown = typed("models", "list", columns=200)
    assert "\x1b[31m" in shown
    assert "damaged" in shown
