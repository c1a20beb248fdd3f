"""`charcnn models`: names, bundles, formats, clean-up, as a person does it."""

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from charcnn.registry.runs import Run
from charcnn.registry.store import Registry

Cli = Callable[..., Result]


@pytest.fixture
def registry(trained: Path, tmp_path: Path) -> Path:
    """A registry to change, where the commands look by themselves."""
    return shutil.copytree(trained, tmp_path / "registry")


def test_a_bundle_goes_to_another_registry_and_reads(cli: Cli, registry: Path, tmp_path: Path, starter: Path) -> None:
    wrote = cli("models", "export-bundle", "small12")
    assert (wrote.exit_code, wrote.stdout) == (0, "small12-1.charcnn.zip\n")
    again = cli("models", "export-bundle", "small12@1")
    assert again.exit_code == 1
    assert "--force" in again.stderr
    came = cli("models", "import-bundle", "small12-1.charcnn.zip", "--registry", "other", "--name", "from-anna")
    assert (came.exit_code, came.stdout) == (0, "from-anna@1\n")
    here = cli("predict", starter / "ttest", "--json")
    there = cli("predict", starter / "ttest", "--model", "from-anna", "--registry", "other", "--json")
    assert json.loads(here.stdout)["predictions"] == json.loads(there.stdout)["predictions"]
    assert cli("models", "verify", "--all", "--registry", "other").exit_code == 0


@pytest.mark.parametrize("name", ["no.zip", ".", "registry"])
def test_file_that_is_not_a_bundle_is_refused_in_one_line(cli: Cli, registry: Path, name: str) -> None:
    result = cli("models", "import-bundle", name)
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert name in result.stderr


def _publish_again(store: Registry) -> None:
    version = store.open("small12@1")
    with store.staging() as folder:
        for name in version.card.files:
            shutil.copy(version.file(name), folder)
        assert store.publish(folder, version.card).reference == "small12@2"


def test_a_bundle_is_not_imported_twice(cli: Cli, registry: Path) -> None:
    cli("models", "export-bundle", "small12", "-o", "b.zip")
    again = cli("models", "import-bundle", "b.zip")
    assert (again.exit_code, again.stdout) == (0, "small12@1\n")
    assert "b.zip is already in the registry as small12@1" in again.stderr
    assert len(json.loads(cli("models", "list", "--json").stdout)["models"]) == 1


def test_alias_rolls_back_to_its_previous_version(cli: Cli, registry: Path) -> None:
    _publish_again(Registry(registry))
    cli("models", "alias", "small12@1", "best")
    cli("models", "alias", "small12@2", "best")
    back = cli("models", "alias", "small12", "best", "--rollback")
    assert back.exit_code == 0
    assert "small12@best is small12@1 again" in back.stderr
    further = cli("models", "alias", "small12", "best", "--rollback")
    assert further.exit_code == 1
    assert "no earlier version" in further.stderr
    assert cli("models", "alias", "small12", "best", "--rollback", "--remove").exit_code == 2


def test_gc_lists_then_removes(cli: Cli, registry: Path) -> None:
    (registry / "small12" / f".index.json.{'0' * 32}").write_text("{")
    told = cli("models", "gc", "--dry-run")
    assert told.exit_code == 0
    assert ".index.json" in told.stdout
    assert "1 would be removed" in told.stderr
    assert json.loads(cli("models", "gc", "--json").stdout)["leftovers"][0]["bytes"] == 1
    assert cli("models", "gc").stdout == ""
    assert cli("models", "verify", "--all").exit_code == 0


def _unfinish(folder: Path) -> None:
    run = Run(folder)
    run.write_facts(run.read_facts().model_copy(update={"finished": False}))


def test_gc_keeps_trainings_unless_asked(cli: Cli, registry: Path, starter: Path) -> None:
    assert cli("train", "--data", starter / "train", "--net", "lenet", "--epochs", 1).exit_code == 0
    run = json.loads(cli("models", "gc", "--json").stdout)["runs"]
    assert len(run) == 1
    text = cli("models", "gc").stderr
    assert (
        f"Kept: {run[0]}, which is finished. Train it further with charcnn train --resume {run[0]} --epochs N" in text
    )
    assert cli("models", "gc", "--runs", "--dry-run").stdout == f"registry/.runs/{run[0]}: finished run\n"
    _unfinish(registry / ".runs" / run[0])
    assert f"Kept: {run[0]}. Resume it with charcnn train --resume {run[0]}, or" in cli("models", "gc").stderr
    assert cli("models", "gc", "--runs", "--dry-run").stdout.endswith(": run that can be resumed\n")
    more = cli("train", "--resume", run[0], "--epochs", 2, "--json")
    assert json.loads(more.stdout)["training"]["epochs"] == 2
    assert json.loads(cli("models", "gc", "--runs", "--json").stdout)["runs_removed"] == run
    assert cli("train", "--resume", run[0]).exit_code == 1


def test_removing_follows_no_link(cli: Cli, registry: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    (registry / "small12/1/link").symlink_to(precious)
    (registry / "small12/evaluations").mkdir(exist_ok=True)
    (registry / "small12/evaluations/1").symlink_to(precious)
    assert cli("models", "rm", "small12@1", "--yes").exit_code == 0
    assert (precious / "file").read_text() == "mine"
    assert not (registry / "small12/1").exists()


def test_a_bundle_of_any_path_is_imported_by_the_command_that_is_offered(cli: Cli, registry: Path) -> None:
    wrote = cli("models", "export-bundle", "small12", "--out", "my bundle.zip")
    assert "charcnn models import-bundle 'my bundle.zip' --registry ELSEWHERE" in wrote.stderr
    former = cli("models", "export-bundle", "small12", "--output", "b.zip")
    assert (former.exit_code, former.stdout) == (0, "b.zip\n")
    assert "--output" not in cli("models", "export-bundle", "--help").stdout


def test_formats_and_their_short_forms_say_the_same(cli: Cli, registry: Path) -> None:
    (registry / "small12/9").mkdir()
    for command in ("list", "show", "verify --all", "gc --dry-run"):
        words = command.split()
        as_json = cli("models", *words, "--format", "json")
        assert json.loads(as_json.stdout) == json.loads(cli("models", *words, "--json").stdout)
        assert cli("models", *words, "--format", "JSON").stdout == as_json.stdout
        assert cli("models", *words, "--format", "table").stdout == cli("models", *words).stdout
        assert cli("models", *words, "--json", "--format", "table").exit_code == 2


def test_models_are_listed_as_csv(cli: Cli, registry: Path) -> None:
    cli("models", "alias", "small12@1", "best")
    cli("models", "alias", "small12@1", "in-use")
    (row,) = csv.DictReader(io.StringIO(cli("models", "list", "--format", "csv").stdout))
    assert (row["model"], row["aliases"], row["labels"], row["error"]) == ("small12@1", "best in-use", "12", "")
    (registry / "small12/1/model.onnx").write_bytes(b"")
    (registry / "small12/1/extra").write_bytes(b"")
    (registry / "small12/9").mkdir()
    verified = cli("models", "verify", "--all", "--format", "csv")
    assert verified.exit_code == 1
    assert list(csv.reader(io.StringIO(verified.stdout))) == [
        ["model", "problem"],
        ["small12@1", "extra is not part of the version"],
        ["small12@1", "model.onnx was modified"],
        ["registry/small12/9", "not in the index, or damaged"],
    ]


@pytest.mark.parametrize("command", ["models show", "predict --model", "models verify"])
def test_models_of_the_registry_that_was_typed_are_completed(
    cli: Cli, trained: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    program, option = command.rpartition(" --model")[0] or command, command.endswith("--model")
    typed = f"charcnn {program} --registry {trained} {'--model ' if option else ''}sm"
    for name, value in {
        "_CHARCNN_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run([sys.executable, "-m", "charcnn"], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["small12", "small12@1"]
