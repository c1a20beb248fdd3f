"""`synth`, `export`, `models`, `networks`, `data`: what a person sees."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import charcnn

Cli = Callable[..., Result]


@pytest.fixture
def registry(trained: Path, tmp_path: Path) -> Path:
    """A registry to change, where the commands look by themselves."""
    return shutil.copytree(trained, tmp_path / "registry")


def test_synth_writes_where_told_and_names_the_next_command(cli: Cli, tmp_path: Path) -> None:
    result = cli("synth", "-o", "mine", "--per-class", 3, "--test-per-class", 2)
    assert result.exit_code == 0
    assert len(list((tmp_path / "mine/train").rglob("*.bmp"))) == 36
    assert "charcnn train --data mine/train" in result.stderr


@pytest.mark.parametrize("kind", ["onnx", "pt2", "safetensors"])
def test_export_names_the_file_and_refuses_to_overwrite(cli: Cli, registry: Path, tmp_path: Path, kind: str) -> None:
    result = cli("export", "--format", kind)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"small12-1.{kind}\n"
    assert (tmp_path / f"small12-1.{kind}").stat().st_size > 1_000_000
    again = cli("export", "--format", kind)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert cli("export", "--format", kind, "--force").exit_code == 0


def test_export_refuses_an_unknown_format(cli: Cli, registry: Path) -> None:
    result = cli("export", "--format", "onx")
    assert result.exit_code == 2
    assert "Did you mean onnx?" in result.stderr


def test_models_are_listed_aliased_and_removed(cli: Cli, registry: Path) -> None:
    assert cli("models", "alias", "small12@1", "best").exit_code == 0
    listed = json.loads(cli("models", "list", "--json").stdout)["models"]
    assert [(row["model"], row["aliases"]) for row in listed] == [("small12@1", ["best"])]
    assert "small12@1" in cli("models", "list").stdout
    assert "small12@1 best" in cli("models", "show", "small12@best").stdout
    refused = cli("models", "rm", "small12", "--yes")
    assert refused.exit_code == 1
    assert "alias" in refused.stderr
    assert cli("models", "alias", "small12", "best", "--remove").exit_code == 0
    unasked = cli("models", "rm", "small12")
    assert unasked.exit_code == 2
    assert "--yes" in unasked.stderr
    assert cli("models", "rm", "small12", "--yes").exit_code == 0
    assert json.loads(cli("models", "list", "--json").stdout)["models"] == []


def test_models_list_shows_a_damaged_version_among_others(cli: Cli, registry: Path) -> None:
    (registry / "small12/1/card.json").write_text("{}")
    result = cli("models", "list")
    assert result.exit_code == 0
    assert "damaged" in result.stdout


def test_empty_registry_is_listed_with_the_next_command(cli: Cli) -> None:
    result = cli("models", "list")
    assert result.exit_code == 0
    assert "charcnn train" in result.stderr


def test_schema_is_json_and_knows_the_labels(cli: Cli) -> None:
    assert "labels" in json.loads(cli("models", "schema").stdout)["properties"]


def test_networks_lists_and_shows(cli: Cli) -> None:
    rows = {row["name"]: row for row in json.loads(cli("networks", "--json").stdout)["networks"]}
    assert rows["cnn"]["parameters"] == 1_425_472
    assert rows["lenet"]["input"] == [1, 32, 32]
    shown = cli("networks", "cnn").stdout
    assert "25×26×26" in shown
    assert "50×5×5" in shown


def test_data_import_and_split_make_datasets_that_train_takes(cli: Cli, mnist: Path, tmp_path: Path) -> None:
    files = [mnist / f"t10k-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    imported = cli("data", "import", "idx", *files, "-o", "mnist")
    assert imported.exit_code == 0, imported.stderr
    assert cli("data", "split", "mnist/test", "--test", 0.9, "-o", "few").exit_code == 0
    trained = cli("train", "--data", "few/train.csv", "--epochs", 1, "--net", "lenet")
    assert trained.exit_code == 0, trained.stderr
    assert "light on dark" in trained.stderr
    card = json.loads(cli("models", "show", "--json").stdout)
    assert card["labels"] == list("0123456789")
    assert card["data"]["polarity"] == ["light-on-dark"]


def test_casia_crops_of_any_size_need_no_flag(cli: Cli, casia20: Path) -> None:
    result = cli("train", "--data", casia20 / "test", "--epochs", 1, "--net", "lenet")
    assert result.exit_code == 0, result.stderr
    assert "--fit ink" in result.stderr


def test_augment_and_split_print_the_paths_they_wrote(cli: Cli, starter: Path, tmp_path: Path) -> None:
    turned = cli("augment", starter / "test", "my copies")
    assert turned.exit_code == 0, turned.stderr
    assert turned.stdout == "my copies\n"
    assert turned.stderr.splitlines()[-1] == "Next: charcnn train --data 'my copies'"
    for number, flag in enumerate(("--test-split", "--test")):
        split = cli("data", "split", "my copies", flag, 0.4, "--by", "COPY", "-o", number)
        assert split.exit_code == 0, split.stderr
        assert split.stdout == f"{number}/train\n{number}/test\n"
    images = [sorted(path.name for path in (tmp_path / name).rglob("*.bmp")) for name in ("0/test", "1/test")]
    assert images[0] == images[1]
    assert len(images[0]) == 24
    assert cli("data", "split", "my copies", "--test", 0.4, "--test-split", 0.4, "-o", "both").exit_code == 2
    assert "--test " not in cli("data", "split", "--help").stdout


def test_wrong_choice_is_answered_with_the_known_ones(cli: Cli, starter: Path) -> None:
    result = cli("data", "split", starter / "test", "--by", "lists", "-o", "new")
    assert result.exit_code == 2
    assert "--by lists: must be list or copy" in result.stderr


def test_augment_names_the_flag_of_an_impossible_range(cli: Cli, starter: Path) -> None:
    result = cli("augment", starter / "ttest", "new", "--min-angle", 9, "--max-angle", 3)
    assert result.exit_code == 2
    assert "--min-angle 9: must be below --max-angle 3" in result.stderr


def test_version_is_printed(cli: Cli) -> None:
    assert cli("--version").stdout == f"charcnn {charcnn.__version__}\n"


def test_layers_of_a_network_as_json(cli: Cli) -> None:
    document = json.loads(cli("networks", "lenet", "--json").stdout)
    assert (document["schema_version"], document["name"]) == (1, "lenet")
    assert document["layers"][-1]["shape"] == [12]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("models verify small12 --all", "exclude each other"),
        ("predict - photo.png", "cannot be combined"),
        ("train --net cnn --model lenet", "one setting"),
        ("models", "Usage"),
    ],
)
def test_what_contradicts_itself_is_a_wrong_command_line(cli: Cli, registry: Path, line: str, said: str) -> None:
    result = cli(*line.split())
    assert result.exit_code == 2
    assert said in result.output


def test_the_list_of_commands_says_what_each_says_of_itself(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.main import get_command

    from charcnn.cli.app import make_app

    monkeypatch.setenv("COLUMNS", "200")
    listed = cli("--help").stdout
    commands = get_command(make_app()).commands  # type: ignore[attr-defined]
    assert commands
    for name, command in commands.items():
        summary = " ".join(command.help.split("\n\n")[0].split())
        assert re.search(rf"\b{name} +{re.escape(summary)}", listed), name


def test_a_command_runs_after_two_dashes_too(cli: Cli) -> None:
    assert cli("--", "networks", "--json").stdout == cli("networks", "--json").stdout


def test_networks_and_their_layers_as_csv(cli: Cli) -> None:
    listed = list(csv.DictReader(cli("networks", "--format", "CSV").stdout.splitlines()))
    assert {"name": "lenet", "sizes": "32", "options": "activation batch_norm dropout"}.items() <= next(
        row for row in listed if row["name"] == "lenet"
    ).items()
    layers = list(csv.DictReader(cli("networks", "lenet", "--csv").stdout.splitlines()))
    assert layers[0] == {"layer": "Conv2d", "shape": "6x28x28", "parameters": "156"}
    assert cli("networks", "--csv", "--json").exit_code == 2
