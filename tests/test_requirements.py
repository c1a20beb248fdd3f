"""What an environment needs that only reads: declared once, in pyproject.toml, and the same everywhere."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
Page = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(REQUIREMENTS / "read.py"))


@pytest.fixture(scope="module")
def pyproject(script: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = script["read_pyproject"]()
    return read


def test_the_file_is_up_to_date(script: dict[str, Any], pyproject: dict[str, Any]) -> None:
    made = script["page"](pyproject)
    assert (REQUIREMENTS / "read.txt").read_text(encoding="utf-8") == made, "run: make requirements"


def test_bounds_are_those_of_the_project(script: dict[str, Any]) -> None:
    project = {
        "project": {"dependencies": ["torch>=2", "opencv-python>=5,<6", "numpy"]},
        "tool": {"charcnn": {"read-only": {"without": ["torch"], "instead": {"opencv-python": "other-cv"}}}},
    }
    lines = script["page"](project).splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["numpy", "other-cv>=5,<6"]


@pytest.mark.parametrize("choice", [{"without": ["torhc"], "instead": {}}, {"without": [], "instead": {"cv": "x"}}])
def test_a_package_that_is_no_dependency_is_refused(script: dict[str, Any], choice: dict[str, Any]) -> None:
    project = {"project": {"dependencies": ["torch>=2"]}, "tool": {"charcnn": {"read-only": choice}}}
    with pytest.raises(ValueError, match=r"names packages that charcnn does not require: (torhc|cv)"):
        script["page"](project)


def test_the_import_contract_forbids_what_is_left_out(pyproject: dict[str, Any]) -> None:
    forbidden = next(
        contract for contract in pyproject["tool"]["importlinter"]["contracts"] if contract["type"] == "forbidden"
    )
    assert forbidden["forbidden_modules"] == pyproject["tool"]["charcnn"]["read-only"]["without"]


def test_the_import_contract_covers_every_command_that_works_without_them(pyproject: dict[str, Any]) -> None:
    """`export` copies an ONNX file without torch, and imports it for other formats."""
    commands = {path.stem for path in (REQUIREMENTS.parent / "charcnn/cli/commands").glob("[!_]*.py")}
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    sources = next(contract["source_modules"] for contract in contracts if contract["type"] == "forbidden")
    covered = {name.rpartition(".")[2] for name in sources if re.match(r"charcnn\.cli\.commands\.", name)}
    assert commands - covered == {"train", "networks", "export"}
