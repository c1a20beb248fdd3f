"""The scripts of examples/ run, and do what they say."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT

EXAMPLES = ROOT / "examples"


def run(name: str, *arguments: object, registry: Path | None = None) -> str:
    """Run a script in the working folder; return what it printed."""
    place = {"CHARCNN_REGISTRY": str(registry)} if registry else {}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **place},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_script_is_listed_and_tested() -> None:
    scripts = sorted(path.name for path in EXAMPLES.glob("*.py"))
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in scripts if f"`{name}`" not in listed or f'run("{name}"' not in tests] == []


@pytest.mark.slow
def test_images_in_memory_are_learned() -> None:
    printed = run("train_from_arrays.py")
    assert "trained crosses@1" in printed
    assert "40 other images are right" in printed


@pytest.mark.slow
def test_the_callback_logs_each_epoch(starter: Path, tmp_path: Path) -> None:
    assert "logged@1" in run("log_with_a_callback.py", starter / "train")
    assert (tmp_path / "training.log").read_text("utf-8").startswith("epoch 1: loss ")


@pytest.mark.slow
def test_a_network_of_ones_own_is_trained_and_read_with(starter: Path) -> None:
    printed = run("network_of_your_own.py", starter / "train")
    assert "out_features=64" in printed
    assert "博" in printed


def test_a_folder_becomes_a_table(trained: Path, starter: Path, tmp_path: Path) -> None:
    assert "120 images" in run("folder_to_csv.py", starter / "ttest", "answers.csv", registry=trained)
    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 120
    assert {row["look"] for row in rows} == {"", "yes"}


def test_an_exported_file_reads_without_charcnn(trained: Path, starter: Path, tmp_path: Path) -> None:
    shutil.copyfile(next(trained.glob("small12/1/model.onnx")), tmp_path / "reader.onnx")
    with (starter / "ttest.csv").open(newline="", encoding="utf-8") as stream:
        truth = {row["file"]: row["label"] for row in csv.DictReader(stream)}
    printed = run("read_with_onnxruntime.py", "reader.onnx", *(starter / "ttest" / name for name in truth))
    read = [line.split()[-2] for line in printed.splitlines()]
    assert sum(map(str.__eq__, read, truth.values())) > 0.8 * len(truth)
