"""What is offered to type next can be typed as it stands, and does what it says."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
FEW = ("--net", "lenet", "--epochs", 1)


def offered(result: Result) -> list[list[str]]:
    """The commands on the lines that begin with Next, as words after `charcnn`."""
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Next: ")]
    return [shlex.split(line.removeprefix("Next: charcnn ")) for line in lines]


@pytest.mark.parametrize("registry", [None, "my models"])
def test_evaluate_is_offered_where_there_is_a_test_set_and_works(cli: Cli, starter: Path, registry: str | None) -> None:
    where = [] if registry is None else ["--registry", registry]
    evaluate, predict = offered(cli("train", "--data", starter / "train", *FEW, *where))
    assert evaluate[0] == "evaluate"
    (export,) = offered(cli(*evaluate))
    assert cli(*export, "-o", "model.onnx").exit_code == 0
    assert offered(cli("evaluate", "--model", "model.onnx", "--data", starter / "test")) == []
    assert predict[0] == "predict"
    assert cli(*predict[:3], starter / "ttest", *predict[3:]).exit_code == 0


def test_evaluate_is_not_offered_without_a_test_set(cli: Cli, starter: Path, tmp_path: Path) -> None:
    shutil.copytree(starter / "test", tmp_path / "alone")
    commands = offered(cli("train", "--data", "alone", *FEW, "--name", "alone"))
    assert [command[0] for command in commands] == ["predict"]


def test_the_registry_is_named_in_what_other_commands_offer(cli: Cli, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "my models")
    (show,) = offered(cli("models", "alias", "small12@1", "best", "--registry", "my models"))
    assert cli(*show).exit_code == 0
    cli("models", "export-bundle", "small12", "-o", "b.zip", "--registry", "my models")
    (predict,) = offered(cli("models", "import-bundle", "b.zip", "--registry", "other ones"))
    assert predict[-2:] == ["--registry", "other ones"]
    assert offered(cli("models", "list", "--registry", "empty one")) == [["train", "--registry", "empty one"]]


def test_the_registry_is_named_in_the_hints_of_errors(cli: Cli, trained: Path, starter: Path, tmp_path: Path) -> None:
    """Without it, the command that is offered would work on, or even remove, a model of another registry."""
    shutil.copytree(trained, tmp_path / "my models")
    (tmp_path / "data" / "ttest" / "unknown").mkdir(parents=True)
    shutil.copy(starter / "ttest" / "1.bmp", tmp_path / "data" / "ttest" / "unknown")
    where = ("--registry", "my models")
    for command, hint in {
        ("models", "rm", "small12@1"): "charcnn models rm small12@1 --yes --registry 'my models'",
        ("predict",): "charcnn predict --model small12@1 FILE… --registry 'my models'",
        ("train", "--resume", "last", "--lr", "1"): "charcnn train --resume last --registry 'my models'",
    }.items():
        assert hint in cli(*command, *where).stderr
    (tmp_path / "my models/small12/1/card.json").write_text("{")
    assert "damaged: charcnn models verify --all --registry 'my models'" in cli("models", "list", *where).stdout


def test_rotated_copies_are_to_be_read_only_where_there_is_a_model(
    cli: Cli, trained: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [command[0] for command in offered(cli("augment", starter / "test", "labeled"))] == ["train"]
    assert offered(cli("augment", starter / "ttest", "flat")) == [["train"]]
    monkeypatch.setenv("CHARCNN_REGISTRY", str(trained))
    (predict,) = offered(cli("augment", starter / "ttest", "flat"))
    assert predict[0] == "predict"
    assert cli(*predict, "--model", "small12").exit_code == 0
