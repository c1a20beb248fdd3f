"""`charcnn models list` with columns of one's choice, and what `models show` and `networks` tell of settings."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from charcnn.cli.model_columns import COLUMNS
from charcnn.registry.store import Registry
from charcnn.specs.settings import declared_settings
from charcnn.specs.train_config import TrainConfig, TrainSettings
from tests.support.cards import draft

Cli = Callable[..., Result]


def add(name: str, seconds: float, **settings: Any) -> None:
    """Put a version into the registry in the working folder."""
    registry, card = Registry(), draft(name)
    config = TrainConfig.parse({"net": "cnn", "opt": "adam", **settings})
    training = card.training.model_copy(update={"config": config, "seconds": seconds, "varied": tuple(settings)})
    with registry.staging() as folder:
        registry.publish(folder, card.model_copy(update={"training": training}))


def evaluated(name: str, created: str, accuracy: float, /, **damage: Any) -> Path:
    """Store an evaluation, some of whose fields may be damaged; return its file."""
    registry = Registry()
    fingerprint = f"{accuracy:.4f}".replace(".", "0") * 8
    scores = {"accuracy": accuracy, "top3": 1.0, "macro_f1": 0.5, "balanced_accuracy": 0.5, "loss": 0.5}
    facts = {"model": f"{name}@1", "dataset": "test", "fingerprint": fingerprint, "created": created, "seconds": 1.0}
    empty: dict[str, Any] = {"unreadable": 0, "per_class": [], "labels": ["a", "b"], "confusion": []}
    document = {"schema_version": 2, "images": 4, **facts, **scores, **empty, **damage}
    return registry.add_evaluation(registry.open(name), fingerprint, json.dumps(document))


@pytest.fixture
def three() -> None:
    add("first", 9.0, lr=0.5, loss="mse")
    add("second", 100.0, lr=0.25, batch_size=7)
    add("third", 20.0)
    evaluated("first", "2026-01-02T00:00:00Z", 0.75)
    evaluated("first", "2026-01-01T00:00:00Z", 0.99)  # older
    evaluated("third", "2026-01-01T00:00:00Z", 0.5)


def test_chosen_columns_are_shown_in_every_form(cli: Cli, three: None) -> None:
    words = ("models", "list", "--columns", "name,LR,batch-size,optimizer,loss,seconds,accuracy,varied")
    names = ["name", "lr", "batch_size", "opt", "loss", "seconds", "accuracy", "varied"]
    table = [line.split("  ") for line in cli(*words).stdout.splitlines()]
    assert [cell.strip() for cell in table[0] if cell] == names
    rows = json.loads(cli(*words, "--json").stdout)["models"]
    assert all(list(row) == names for row in rows)
    assert rows[2] == dict(zip(names, ["first", 0.5, None, "adam", "mse", 9.0, 0.75, ["lr", "loss"]], strict=True))
    lines = list(csv.DictReader(io.StringIO(cli(*words, "--csv").stdout)))
    assert list(lines[0]) == names
    assert list(lines[2].values()) == ["first", "0.5", "", "adam", "mse", "9.0", "0.75", "lr loss"]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("seconds", ["first", "third", "second"]),
        ("-seconds", ["second", "third", "first"]),
        ("-accuracy", ["first", "third", "second"]),  # without a value: last
        ("accuracy", ["third", "first", "second"]),
        ("name", ["first", "second", "third"]),
        ("lr", ["second", "first", "third"]),
    ],
)
def test_rows_are_sorted_by_any_column(cli: Cli, three: None, order: str, names: list[str]) -> None:
    found = json.loads(cli("models", "list", "--columns", "name", "--sort", order, "--json").stdout)["models"]
    assert found == [{"name": name} for name in names]


@pytest.mark.parametrize("option", ["--columns", "--sort"])
def test_an_unknown_column_is_answered_with_the_closest_and_with_all(cli: Cli, three: None, option: str) -> None:
    result = cli("models", "list", option, "acuracy")
    assert result.exit_code == 2
    assert "Unknown column: acuracy" in result.stderr
    assert "Did you mean accuracy?" in result.stderr
    assert ", ".join(COLUMNS) in result.stderr


def test_columns_help_lists_all_columns(cli: Cli) -> None:
    result = cli("models", "list", "--columns", "help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.split() == list(COLUMNS)


def test_every_setting_is_a_column(cli: Cli, three: None) -> None:
    assert set(declared_settings(TrainSettings)) <= set(COLUMNS)
    (*_, row) = json.loads(cli("models", "list", "--columns", ",".join(COLUMNS), "--json").stdout)["models"]
    assert list(row) == list(COLUMNS)
    assert cli("models", "list", "--columns", ",".join(COLUMNS)).exit_code == 0


def test_the_default_table_has_accuracy_once_there_is_one(cli: Cli) -> None:
    add("one", 1.0)
    assert " accuracy" not in cli("models", "list").stdout
    evaluated("one", "2026-01-01T00:00:00Z", 0.5)
    text = cli("models", "list").stdout
    assert " accuracy" in text
    assert "50.00%" in text


@pytest.mark.parametrize(
    "damage",
    [{"accuracy": "high"}, {"accuracy": float("nan")}, {"created": None}, {"schema_version": None}],
    ids=["word", "not a number", "no date", "no schema"],
)
def test_a_damaged_evaluation_is_skipped(cli: Cli, damage: dict[str, Any]) -> None:
    add("one", 1.0)
    evaluated("one", "2026-01-01T00:00:00Z", 0.5)
    path = evaluated("one", "2026-01-02T00:00:00Z", 0.75, **damage)
    for form in ("table", "json", "csv"):
        result = cli("models", "list", "--columns", "accuracy", "--format", form)
        assert result.exit_code == 0, result.output
        assert "50.00%" in result.stdout if form == "table" else "0.5" in result.stdout
        assert path.name in result.stderr


def test_the_newest_evaluation_counts_in_any_time_zone(cli: Cli) -> None:
    add("one", 1.0)
    evaluated("one", "2026-01-01T23:00:00-05:00", 0.75)
    evaluated("one", "2026-01-02T01:00:00Z", 0.5)  # three hours earlier
    evaluated("one", "2026-01-01T00:00:00", 0.25)  # without a time zone
    (row,) = json.loads(cli("models", "list", "--columns", "accuracy", "--json").stdout)["models"]
    assert row == {"accuracy": 0.75}


def test_a_damaged_version_keeps_its_row(cli: Cli, three: None) -> None:
    Path("registry/first/1/card.json").write_text("{}")
    words = ("models", "list", "--columns", "lr,model", "--sort", "lr")
    (*_, row) = json.loads(cli(*words, "--json").stdout)["models"]
    assert row["model"] == "first@1"
    assert "card.json" in row["error"]
    assert "damaged" in cli(*words).stdout
    (*_, line) = csv.DictReader(io.StringIO(cli(*words, "--csv").stdout))
    assert list(line) == ["lr", "model", "error"]
    assert "card.json" in line["error"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("--columns val_l", ["val_loss"]),
        ("--columns name,bat", ["name,batch_size", "name,batch_norm"]),
        ("--sort sec", ["seconds"]),
    ],
)
def test_columns_are_completed(typed: str, found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = f"charcnn models list {typed}"
    monkeypatch.setenv("_CHARCNN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    done = subprocess.run([sys.executable, "-m", "charcnn"], capture_output=True, text=True, check=False)
    assert sorted(done.stdout.split()) == sorted(found)


def test_show_tells_every_setting_and_marks_the_varied_ones(cli: Cli, three: None) -> None:
    text = cli("models", "show", "first").stdout.split("\nsettings")[1]
    lines = [line.split() for line in text.splitlines() if line]
    named = {word for line in lines for word in line[:2]}
    assert set(declared_settings(TrainSettings)) <= named
    assert sorted(line[-3] for line in lines if line[-1] == "*") == ["loss", "lr"]
    assert "lr 0.5 *" in [" ".join(line) for line in lines]
    assert "differs from the recipe" in text


@pytest.mark.parametrize(
    ("flags", "there", "not_there"),
    [
        ("cnn --no-batch-norm", "ReLU", "BatchNorm2d"),
        ("cnn --activation sigmoid", "Sigmoid", "ReLU"),
        ("cnn --dropout 0.5", "Dropout", "Sigmoid"),
        ("cnn", "BatchNorm2d", "Dropout"),
        ("compact --size 64", "1×64×64", "1×28×28"),
        ("cnn --net-option dropout=0.25", "Dropout", "Sigmoid"),
    ],
)
def test_the_layers_of_a_variant(cli: Cli, flags: str, there: str, not_there: str) -> None:
    result = cli("networks", *flags.split())
    assert result.exit_code == 0, result.stderr
    assert there in result.stdout
    assert not_there not in result.stdout


def test_the_parameters_of_a_variant_are_summed_up(cli: Cli) -> None:
    assert "total 1,425,472" in " ".join(cli("networks", "cnn").stdout.split())
    document = json.loads(cli("networks", "cnn", "--no-batch-norm", "--json").stdout)
    assert document["parameters"] == 1_425_322 == sum(layer["parameters"] for layer in document["layers"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("compact --activation tanh", "--activation tanh"),
        ("lenet --size 28", "28 × 28"),
        ("cnn --net-option depth=3", "depth"),
        ("--dropout 0.5", "need the name"),
    ],
)
def test_an_impossible_variant_is_refused(cli: Cli, line: str, said: str) -> None:
    result = cli("networks", *line.split())
    assert result.exit_code == 2
    assert said in result.stderr
