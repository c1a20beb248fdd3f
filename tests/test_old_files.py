"""Files written by an earlier version still open, answer the same, and are recognized (see `fixtures/README.md`)."""

import csv
import io
import json
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]

ARCHIVE = Path(__file__).parent / "fixtures" / "before.tar.xz"


@pytest.fixture(autouse=True)
def old(tmp_path: Path) -> Path:
    """The earlier version's working folder: `data/`, `registry/`, a bundle, an ONNX file, a config, its own answers."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def finished(old: Path) -> str:
    """The name of the run that ended after 6 epochs."""
    return next((old / "registry/.runs").glob("small-*")).name


def _ok(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _assert_same_answers(text: str, old: Path) -> None:
    """Compares `predict --csv` with what the earlier version answered; columns may have been added since."""
    now, then = _rows(text), _rows((old / "small-1.csv").read_text("utf-8"))
    assert [(row["file"], row["label"]) for row in now] == [(row["file"], row["label"]) for row in then]
    probabilities = [float(row["probability"]) for row in then]
    assert [float(row["probability"]) for row in now] == pytest.approx(probabilities, abs=1e-4)


def test_versions_are_listed(cli: Cli) -> None:
    listed = json.loads(_ok(cli("models", "list", "--json")))
    assert [row["model"] for row in listed["models"]] == ["cut@1", "small@2", "small@1"]


def test_every_byte_is_verified(cli: Cli) -> None:
    assert cli("models", "verify", "--all").exit_code == 0


def test_card_alias_and_stored_evaluation_are_shown(cli: Cli) -> None:
    assert json.loads(_ok(cli("models", "show", "small@best", "--json")))["version"] == 2
    shown = json.loads(_ok(cli("models", "show", "small@1", "--json")))
    assert shown["labels"] == ["一", "口"]
    assert shown["training"]["config"]["opt"] == "gd"
    assert [evaluation["accuracy"] for evaluation in shown["evaluations"]] == [1.0]
    assert "data/一口/test" in _ok(cli("models", "show", "small@1"))


def test_alias_goes_back_through_its_history(cli: Cli) -> None:
    assert "small@1" in cli("models", "alias", "small", "best", "--rollback").stderr
    assert json.loads(_ok(cli("models", "show", "small@best", "--json")))["version"] == 1


def test_parent_is_known(cli: Cli) -> None:
    assert json.loads(_ok(cli("models", "show", "cut@1", "--json")))["parent"] == "small@1"


@pytest.mark.parametrize("model", ["small@1", "registry/small/1", "small-1.onnx"])
def test_model_answers_as_it_did(cli: Cli, old: Path, model: str) -> None:
    _assert_same_answers(_ok(cli("predict", "data/一口/test", "--model", model, "--csv")), old)


def test_evaluation_comes_out_as_it_did_and_replaces_the_stored_one(cli: Cli, old: Path) -> None:
    now = json.loads(_ok(cli("evaluate", "--model", "small@1", "--json")))
    then = json.loads((old / "small-1.json").read_text("utf-8"))
    assert now["loss"] == pytest.approx(then["loss"], abs=1e-4)
    same = ("model", "dataset", "fingerprint", "images", "unreadable", "accuracy", "top3", "macro_f1", "per_class")
    assert {name: now[name] for name in same} == {name: then[name] for name in same}
    shown = json.loads(_ok(cli("models", "show", "small@1", "--json")))
    assert len(shown["evaluations"]) == 1


def test_bundle_becomes_a_version_that_answers_as_it_did(cli: Cli, old: Path) -> None:
    assert _ok(cli("models", "import-bundle", "small-1.charcnn.zip")) == "small@1\n", "it exists already"
    assert _ok(cli("models", "import-bundle", "small-1.charcnn.zip", "--name", "copy")) == "copy@1\n"
    assert cli("models", "verify", "copy@1").exit_code == 0
    _assert_same_answers(_ok(cli("predict", "data/一口/test", "--model", "copy@1", "--csv")), old)


def test_version_is_exported_and_bundled(cli: Cli, old: Path) -> None:
    _ok(cli("models", "export-bundle", "small@1", "-o", "again.zip"))
    _ok(cli("models", "import-bundle", "again.zip", "--registry", "other"))
    _ok(cli("export", "--model", "small@1", "--format", "onnx", "-o", "again.onnx"))
    _assert_same_answers(_ok(cli("predict", "data/一口/test", "--model", "again.onnx", "--csv")), old)


def test_interrupted_run_goes_on_where_it_stood(cli: Cli, old: Path) -> None:
    result = cli("train", "--resume", "last", "--json")
    card = json.loads(_ok(result))
    assert (card["name"], card["version"], card["parent"]) == ("cut", 2, "small@1")
    assert (card["training"]["epochs"], card["training"]["interrupted"]) == (4, False)
    said = [line.split()[0] for line in result.stderr.splitlines() if line.strip()[1:3] == "/4"]
    assert said == ["3/4", "4/4"]
    histories = [(old / f"registry/cut/{version}/history.csv").read_text("utf-8") for version in (1, 2)]
    assert histories[1].splitlines()[:3] == histories[0].splitlines()


def test_finished_run_takes_more_epochs(cli: Cli, finished: str) -> None:
    card = json.loads(_ok(cli("train", "--resume", finished, "--epochs", 8, "--json")))
    assert (card["name"], card["version"], card["training"]["epochs"]) == ("small", 3, 8)
    assert card["validation"]["loss"] < 0.2859  # that of small@1


def test_training_starts_from_an_old_version(cli: Cli) -> None:
    card = json.loads(
        _ok(cli("train", "--data", "一口/train", "--init-from", "small@1", "--net", "lenet", "--epochs", 1, "--json"))
    )
    assert card["parent"] == "small@1"


def test_printed_config_is_understood(cli: Cli, old: Path) -> None:
    then = tomllib.loads((old / "train.toml").read_text("utf-8"))
    now = tomllib.loads(_ok(cli("train", "--config", "train.toml", "--print-config")))
    assert {name: now[name] for name in then} == then


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_untouched_augmented_folder_is_replaced(cli: Cli, old: Path) -> None:
    _ok(cli("augment", "data/real/hand", "data/real/turned", "--copies", 2))
    turned = _files(old / "data/real/turned")
    assert len(turned) == 2 * 12 * 2 + 1
    assert "一/1-3.png" not in turned


def test_changed_file_in_an_augmented_folder_is_guarded(cli: Cli, old: Path) -> None:
    changed = old / "data/real/turned/一/1-1.png"
    changed.write_bytes(changed.read_bytes() + b"mine")
    before = _files(old / "data/real/turned")
    result = cli("augment", "data/real/hand", "data/real/turned", "--copies", 2)
    assert result.exit_code == 1
    assert "1-1.png" in result.stderr
    assert _files(old / "data/real/turned") == before


def _synth(cli: Cli, per_class: int) -> Result:
    return cli("synth", "一口", "--per-class", per_class, "--test-per-class", 2, "--size", 28, "--jobs", 1)


def test_untouched_synthetic_set_is_replaced(cli: Cli, old: Path) -> None:
    _ok(_synth(cli, per_class=4))
    made = _files(old / "data/一口")
    assert sorted(name for name in made if name.startswith("train/一")) == [f"train/一/{n}.png" for n in range(1, 5)]
    assert sum(name.startswith("test/") for name in made) == 2 * 2


def test_changed_file_in_a_synthetic_set_is_guarded(cli: Cli, old: Path) -> None:
    changed = old / "data/一口/train/口/3.png"
    changed.write_bytes(changed.read_bytes() + b"mine")
    before = _files(old / "data/一口")
    result = _synth(cli, per_class=4)
    assert result.exit_code == 1
    assert "3.png" in result.stderr
    assert _files(old / "data/一口") == before


def _split(cli: Cli) -> dict[str, Any]:
    """Train on the old list, with a share that only whole groups of 4 copies turn into 4 of 36 images a class."""
    settings = ("--net", "lenet", "--epochs", 1, "--val-split", 0.15, "--json")
    data: dict[str, Any] = json.loads(_ok(cli("train", "--data", "data/real/train.csv", *settings)))["data"]
    return data


def test_old_split_list_keeps_copies_of_one_image_on_one_side(cli: Cli, old: Path) -> None:
    data = _split(cli)
    assert (data["images"], data["train"], data["val"]) == (72, 64, 8)
    (old / "data/real/turned/augment.csv").unlink()
    assert _split(cli)["val"] != 8  # without the manifest nothing holds them together


def test_old_augmented_folder_is_split_by_original(cli: Cli, old: Path) -> None:
    _ok(cli("data", "split", "data/real/turned", "-o", "data/real/again", "--test", 0.25))
    listed = [_rows((old / f"data/real/again/{side}.csv").read_text("utf-8")) for side in ("train", "test")]
    sides = [{(row["label"], Path(row["file"]).stem.split("-")[0]) for row in rows} for rows in listed]
    assert len(sides[0]) == 18
    assert len(sides[1]) == 6
    assert not sides[0] & sides[1]


def test_old_packed_dataset_is_trained_on(cli: Cli) -> None:
    card = json.loads(_ok(cli("train", "--data", "data/packed/train", "--net", "lenet", "--epochs", 1, "--json")))
    assert card["labels"] == ["1", "7"]
    assert card["data"]["images"] == 12
