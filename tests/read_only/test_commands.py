"""An environment that only reads, made by `make read-only`: what works there, what does not, and how large it is."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import Result

from charcnn.cli.app import make_app
from tests.support.idx_files import write_pair

if "CHARCNN_READER" not in os.environ:
    pytest.skip("needs an environment that only reads: make read-only", allow_module_level=True)

READER = Path(os.environ["CHARCNN_READER"])
ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guides/read-only.md"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WITHOUT: list[str] = PYPROJECT["tool"]["charcnn"]["read-only"]["without"]
LARGEST_MB = 400
"""As `du -sm` counts."""

WORKS = [
    "predict ttest --model latest",
    "predict data/ttest/1.bmp --model small12 --top-k 3 --json",
    "predict data/ttest --model model.onnx --text",
    "predict odd.png ttest --model small12@1 --jsonl",
    "predict --files-from list.txt --csv",
    "evaluate --data test",
    "evaluate --model small12 --data test --json",
    "evaluate --model model.onnx --data test --csv",
    "synth 守ab --per-class 2 --test-per-class 1 --preview",
    "synth --set digits --out digits --per-class 2 --test-per-class 1 --jobs 2",
    "augment ttest tttest --shear 3 --noise 2 --jobs 2",
    "data split train",
    "data split train --by copy --out parts",
    "data import idx train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz --out idx",
    "data import idx train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz --out packed --packed",
    "models list --json",
    "models show small12",
    "models alias small12@1 best",
    "models verify --all",
    "models gc --dry-run",
    "models gc",
    "models export-bundle small12 --out small12.charcnn.zip",
    "models import-bundle bundle.charcnn.zip --name other",
    "models rm small12@1 --yes",
    "models schema",
    "export --format onnx --out copy.onnx",
]
NEEDS_TORCH = {
    "train": "charcnn train",
    "train --data train --print-config": "charcnn train",
    "train --resume last": "charcnn train",
    "networks": "charcnn networks",
    "networks cnn": "charcnn networks",
    "export --format pt2": "Exporting as pt2",
    "export --format safetensors": "Exporting as safetensors",
}


def commands(app: Any, *path: str) -> Iterator[str]:
    """Every command that can be typed, the hidden ones too."""
    for name, command in getattr(app, "commands", {}).items():
        yield " ".join([*path, name])
        yield from commands(command, *path, name)


COMMANDS = list(commands(typer.main.get_command(make_app())))


def run(line: str, folder: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command of the environment, which sees nothing of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(READER / "bin" / "charcnn"), *line.split()]
    return subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True)


def python(code: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(READER / "bin" / "python"), "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True).stdout.decode()


@pytest.fixture
def folder(trained: Path, starter: Path, tmp_path: Path) -> Path:
    """A folder with data, a registry, a model's ONNX file, a bundle, and files of other kinds."""
    shutil.copytree(starter, tmp_path / "data")
    shutil.copytree(trained, tmp_path / "registry")
    shutil.copyfile(trained / "small12/1/model.onnx", tmp_path / "model.onnx")
    Image.new("P", (20, 30), 3).save(tmp_path / "odd.png", transparency=0)
    (tmp_path / "list.txt").write_text("data/ttest/2.bmp\ndata/ttest/10.bmp\n")
    write_pair(tmp_path, "train", zipped=True)
    return tmp_path


def test_it_is_small() -> None:
    size = subprocess.run(["du", "-sm", str(READER)], check=True, capture_output=True, text=True).stdout
    assert int(size.split()[0]) <= LARGEST_MB


def test_what_trains_is_not_there(tmp_path: Path) -> None:
    code = f"from importlib.util import find_spec; print([name for name in {WITHOUT} if find_spec(name)])"
    assert python(code, tmp_path).strip() == "[]"


def test_the_package_is_the_one_that_was_built(tmp_path: Path) -> None:
    assert Path(python("import charcnn; print(charcnn.__file__)", tmp_path).strip()).is_relative_to(READER)


def test_the_wheel_says_what_it_is(tmp_path: Path) -> None:
    code = (
        "import importlib.metadata as m, json\nd = m.distribution('charcnn')\n"
        "print(json.dumps([d.metadata.json, sorted(map(str, d.files))]))"
    )
    metadata, files = json.loads(python(code, tmp_path))
    assert metadata["author"] == "charcnn contributors"
    assert metadata["summary"] == PYPROJECT["project"]["description"]
    assert metadata["license_expression"] == PYPROJECT["project"]["license"]
    assert metadata["description"].startswith("# charcnn")
    assert metadata["description_content_type"] == "text/markdown"
    assert "onnx" in str(metadata["keywords"])
    assert "torch>=" in "".join(metadata["requires_dist"])
    licenses = [name.partition("licenses/")[2] for name in files if "/licenses/" in name]
    assert licenses == sorted(PYPROJECT["project"]["license-files"])
    assert "charcnn/py.typed" in files
    assert "charcnn/handwriting/stroke_data/medians.npz" in files
    assert "charcnn/handwriting/stroke_data/pack.py" not in files
    assert not [name for name in files if name.startswith(("tests", "docs", "data", "registry"))]


@pytest.mark.parametrize("line", WORKS)
def test_it_works(line: str, folder: Path) -> None:
    if "import-bundle" in line:
        assert run("models export-bundle small12 --out bundle.charcnn.zip", folder).returncode == 0
    done = run(line, folder)
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr


def test_the_lines_of_the_guide_work_in_this_order(folder: Path) -> None:
    shutil.copyfile(folder / "data/ttest/1.bmp", folder / "photo.png")
    lines = re.findall(r"^    charcnn (.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        done = run(line, folder)
        assert done.returncode == 0, f"{line}: {done.stderr.decode()}"


def test_the_guide_shows_what_is_said_where_torch_is_missing(tmp_path: Path) -> None:
    shown = re.search(r"^    \$ charcnn train\n    (.*)\n    (.*)\n", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown
    assert run("train", tmp_path).stderr.decode().splitlines() == [shown[1], shown[2]]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_works(command: str, tmp_path: Path) -> None:
    done = run(f"{command} --help", tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert b"Usage" in done.stdout


def test_every_command_is_tried() -> None:
    tried = [*WORKS, *NEEDS_TORCH]
    same = {"models ls": "models list"}
    leaves = [name for name in COMMANDS if not any(other.startswith(f"{name} ") for other in COMMANDS)]
    assert [
        name for name in leaves if not any(f"{line} ".startswith(f"{same.get(name, name)} ") for line in tried)
    ] == []


def test_it_reads_what_the_complete_installation_reads(folder: Path, cli: Callable[..., Result]) -> None:
    expected = cli("predict", "data/ttest", "--top-k", 3, "--csv")
    assert expected.exit_code == 0
    assert expected.stdout.count("\n") == 121
    assert run("predict data/ttest --top-k 3 --csv", folder).stdout.decode() == expected.stdout


def test_it_reads_standard_input(folder: Path) -> None:
    image = (folder / "data/ttest/1.bmp").read_bytes()
    done = run("predict - --text", folder, stdin=image)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.strip()


def test_an_evaluation_is_stored_and_a_copy_is_the_same_file(folder: Path) -> None:
    assert run("evaluate --data test", folder).returncode == 0
    assert len(list((folder / "registry/small12/evaluations/1").iterdir())) == 1
    assert run("export --format onnx --out copy.onnx", folder).returncode == 0
    assert (folder / "copy.onnx").read_bytes() == (folder / "model.onnx").read_bytes()


def test_the_library_reads(folder: Path) -> None:
    code = "import charcnn; print(charcnn.load('latest').predict('data/ttest/1.bmp').label)"
    assert python(code, folder).strip() in json.loads((folder / "registry/small12/1/card.json").read_text())["labels"]


@pytest.mark.parametrize(("line", "subject"), NEEDS_TORCH.items())
def test_what_needs_torch_says_what_to_type(line: str, subject: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    done = run(line, folder)
    assert done.returncode == 1
    bounds = {need.partition(">")[0]: need for need in PYPROJECT["project"]["dependencies"]}
    needs = sorted(WITHOUT, key=lambda name: (name != "torch", name))
    assert done.stderr.decode().splitlines()[-2:] == [
        f"Error: {subject} needs torch, which is not installed.",
        "pip install " + " ".join(f'"{bounds[name]}"' for name in needs),
    ]
    assert done.stdout == b""
    assert sorted(folder.rglob("*")) == before
