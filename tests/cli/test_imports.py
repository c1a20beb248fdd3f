"""Heavy libraries are imported only by what truly needs them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "sklearn", "scipy", "matplotlib", "onnx")
PROBE = """
import json, sys
from typer.testing import CliRunner
from charcnn.cli.app import make_app
words = json.loads(sys.argv[1])
result = CliRunner().invoke(make_app(words), words)
assert result.exit_code == int(sys.argv[3]), result.stderr
sys.stderr.write(json.dumps(sorted(set(sys.modules) & set(json.loads(sys.argv[2])))))
"""


def imported_by(command: list[str], folder: Path, watched: tuple[str, ...] = HEAVY, *, exit_code: int = 0) -> list[str]:
    arguments = [sys.executable, "-c", PROBE, json.dumps(command), json.dumps(watched), str(exit_code)]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stderr)
    return found


@pytest.mark.parametrize(
    "line", ["--help", "train --help", "models list", "models schema", "synth --per-class 2 -o new"]
)
def test_commands_without_a_model_import_nothing_heavy(line: str, tmp_path: Path) -> None:
    assert imported_by(line.split(), tmp_path) == []


def test_help_does_not_even_import_numpy(tmp_path: Path) -> None:
    assert imported_by(["--help"], tmp_path, ("numpy", "cv2", "pydantic", "onnxruntime", "torch")) == []


@pytest.mark.parametrize("module", ["charcnn.datasets.generate.samples", "charcnn.datasets.generate.augment"])
def test_processes_that_draw_or_turn_images_import_little(module: str, tmp_path: Path) -> None:
    """They do nothing until all that their work needs is imported."""
    names = "'pydantic', 'PIL', 'scipy', 'rich', 'typer'"
    code = f"import sys, {module}; print(*{{{names}}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_augment_imports_nothing_heavy(starter: Path, tmp_path: Path) -> None:
    assert imported_by(["augment", str(starter / "ttest"), "new"], tmp_path) == []


@pytest.mark.parametrize(
    "command", ["predict", "evaluate --data", "models show small12", "models verify small12", "export"]
)
def test_commands_with_a_model_import_no_torch(command: str, trained: Path, starter: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "registry")
    where = [] if command.startswith(("models", "export")) else [str(starter / "ttest")]
    assert imported_by([*command.split(), *where], tmp_path) == []


def test_training_imports_no_compiler_and_no_exporter(starter: Path, tmp_path: Path) -> None:
    """They take seconds, and do nothing for networks of plain layers."""
    command = ["train", "--data", str(starter / "test"), "--epochs", "1", "--precision", "bf16"]
    assert imported_by(command, tmp_path, ("torch._dynamo", "torch._inductor", "onnxscript", "torchvision")) == []


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        ("--data WRONG", 1),
        ("--data two --val WRONG", 1),
        ("--data flat", 1),
        ("--data one", 1),
        ("--data empty", 1),
        ("--data two --val three", 1),
        ("--data two --net lennet", 2),
        ("--data two --opt adm", 2),
        ("--data two --recipe labb", 2),
        ("--data two --threads 1000", 2),
        ("--data two --name latest", 1),
        ("--data two --name SMALL12", 1),
        ("--data Small12", 1),
        ("--data two --init-from nomodel", 1),
        ("--data two --registry two/a/1.png", 1),
        ("--resume no-run", 1),
        ("--resume last", 1),
        ("--resume no-run --lr 0.1", 2),
    ],
)
def test_an_invalid_training_is_refused_without_importing_torch(
    line: str, exit_code: int, trained: Path, tmp_path: Path
) -> None:
    for name in ("two/a/1", "two/b/1", "three/a/1", "three/c/1", "one/a/1", "flat/1", "Small12/a/1", "Small12/b/1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    shutil.copytree(trained, tmp_path / "registry")
    assert imported_by(["train", *line.split()], tmp_path, exit_code=exit_code) == []
