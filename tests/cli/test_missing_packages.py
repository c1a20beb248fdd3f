"""A command that lacks a package names it, says what to type, and shows no traceback."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

import charcnn
from charcnn.dependencies import explain_import, require, required_for
from charcnn.errors import CharcnnError, MissingDependencyError

WITHOUT = """
import sys
from importlib.machinery import PathFinder
missing, find = sys.argv.pop(1), PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: None if name.partition(".")[0] == missing else find(name, *more)
from charcnn.__main__ import main
main()
"""


def run_without(module: str, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that cannot find a module."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, module, *line.split()],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def requirement(package: str) -> str:
    return next(line for line in requires("charcnn") or [] if line.startswith(f"{package}>"))


@pytest.mark.parametrize(
    ("package", "module", "line", "subject"),
    [
        ("torch", "torch", "train", "charcnn train"),
        ("torch", "torch", "train --resume last", "charcnn train"),
        ("torch", "torch", "train --print-config", "charcnn train"),
        ("onnxscript", "onnxscript", "train", "charcnn train"),
        ("safetensors", "safetensors", "train", "charcnn train"),
        ("torch", "torch", "networks", "charcnn networks"),
        ("torchvision", "torchvision", "networks resnet18", "The network resnet18"),
        ("torchvision", "torchvision", "networks mobilenet_v3_small", "The network mobilenet_v3_small"),
        ("opencv-python", "cv2", "synth ab", "charcnn synth"),
        ("pydantic", "pydantic", "models schema", "charcnn"),
        ("typer", "typer", "--help", "charcnn"),
    ],
)
def test_a_missing_package_is_named_with_what_to_type(
    package: str, module: str, line: str, subject: str, tmp_path: Path
) -> None:
    done = run_without(module, line)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"Error: {subject} needs {package}, which is not installed.",
        f'pip install "{requirement(package)}"',
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "module"), [("pt2", "torch"), ("safetensors", "torch"), ("pt2", "safetensors")])
def test_an_export_that_lacks_a_package_leaves_nothing(kind: str, module: str, trained: Path, tmp_path: Path) -> None:
    done = run_without(module, f"export --format {kind} --out new/model.{kind} --registry {trained}")
    assert done.returncode == 1
    assert f"Error: Exporting as {kind} needs {module}, which is not installed." in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_network_that_lacks_torchvision_leaves_no_version(starter: Path, tmp_path: Path) -> None:
    done = run_without("torchvision", f"train --net resnet18 --epochs 1 --size 28 --data {starter / 'test'}")
    assert done.returncode == 1
    assert "Error: The network resnet18 needs torchvision, which is not installed." in done.stderr
    assert list(tmp_path.glob("registry/*/*")) == []


def test_other_networks_train_without_torchvision(starter: Path, tmp_path: Path) -> None:
    done = run_without("torchvision", f"train --net lenet --epochs 1 --data {starter / 'test'}")
    assert done.returncode == 0, done.stderr


def test_a_package_of_others_is_not_offered_for_installation(tmp_path: Path) -> None:
    """Whoever owns the name of a stranger's module on a package index is not known here."""
    (tmp_path / "cv2.py").write_text("import of_a_stranger")
    done = run_without("torch", "synth ab", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert done.returncode == 1
    assert "No module named 'of_a_stranger'" in done.stderr
    assert "pip install" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("module", "line"), [("torch", "networks"), ("typer", "--help")])
def test_debug_shows_the_traceback(module: str, line: str) -> None:
    assert "Traceback" in run_without(module, line, CHARCNN_DEBUG="1").stderr


def test_the_exception_carries_what_is_missing() -> None:
    with pytest.raises(MissingDependencyError) as caught:
        require("Reading tea leaves", "sys", "no_such_module")
    fault = caught.value
    assert (fault.package, fault.needed_for) == ("no_such_module", "Reading tea leaves")
    assert fault.missing[0] == "no_such_module"
    assert isinstance(fault, ImportError)
    assert isinstance(fault, CharcnnError)
    assert "pip" not in f"{fault.message} {fault.hint}"


def test_everything_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In an environment of the other OpenCV, that one counts; extras never do."""
    lines = ["torch>=2", "onnx>=1", "opencv-python>=5", "numpy>=2", "ruff>=1; extra == 'dev'"]
    metadata = {"charcnn": lines, "numpy": [], "opencv-python-headless": []}
    for name, needs in metadata.items():
        folder = tmp_path / f"{name.replace('-', '_')}-1.dist-info"
        folder.mkdir()
        head = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1\n"
        (folder / "METADATA").write_text(head + "".join(f"Requires-Dist: {line}\n" for line in needs))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    fault = explain_import(ModuleNotFoundError("no onnx", name="onnx"), "Training")
    assert isinstance(fault, MissingDependencyError)
    assert fault.missing == ("onnx>=1", "torch>=2")


@pytest.mark.parametrize(
    "fault",
    [
        ModuleNotFoundError("a part of torch is missing", name="torch.part"),
        ModuleNotFoundError("no name"),
        ImportError("libGL.so.1: cannot open shared object file", name="cv2"),
    ],
)
def test_other_faults_of_an_import_stay_what_they_are(fault: ImportError) -> None:
    assert explain_import(fault, "Training") is fault


def test_a_block_passes_other_faults_on() -> None:
    with pytest.raises(ZeroDivisionError), required_for("Dividing"):
        1 / 0  # noqa: B018


def test_a_name_of_the_package_says_what_it_lacks() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\nimport charcnn\n"
        "try: charcnn.train\nexcept charcnn.MissingDependencyError as fault: print(fault)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "charcnn.train needs torch, which is not installed."


def test_the_command_runs_as_a_script_and_as_a_module() -> None:
    script = shutil.which("charcnn", path=str(Path(sys.executable).parent))
    for start in ([sys.executable, "-m", "charcnn"], *([[script]] if script else [])):
        done = subprocess.run([*start, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"charcnn {charcnn.__version__}"
