"""`charcnn evaluate`: what a person sees, and what is stored."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from charcnn.handwriting.charsets import get_charset
from charcnn.registry.store import Registry
from charcnn.specs.image import ImageSpec
from tests.support.onnx_files import write_foreign_onnx

Cli = Callable[..., Result]


@pytest.fixture
def registry(trained: Path, tmp_path: Path) -> Path:
    """A registry to change, where the commands look by themselves."""
    return shutil.copytree(trained, tmp_path / "registry")


def test_evaluate_takes_the_test_folder_beside_the_training_data(cli: Cli, registry: Path, starter: Path) -> None:
    result = cli("evaluate")
    assert result.exit_code == 0, result.stderr
    assert f"{starter / 'test'}" in result.stderr
    for word in ("precision", "recall", "F1", "balanced accuracy", "truth", "博"):
        assert word in result.stdout


def test_evaluate_json_and_what_is_kept(cli: Cli, registry: Path) -> None:
    document = json.loads(cli("evaluate", "--json").stdout)
    assert document["schema_version"] == 2
    assert sum(images for _, _, images in document["confusion"]) == document["images"] == 60
    kept = registry / f"small12/evaluations/1/{document['fingerprint']}.json"
    assert json.loads(kept.read_text("utf-8")) == document
    assert len(json.loads(cli("models", "show", "--json").stdout)["evaluations"]) == 1
    assert cli("models", "verify", "--all").exit_code == 0


def test_evaluate_csv(cli: Cli, registry: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("evaluate", "--csv").stdout)))
    assert [row["label"] for row in rows] == list("博学笃志切问近思自由无用")
    assert sum(int(row["support"]) for row in rows) == 60


def test_evaluate_exported_file(cli: Cli, registry: Path, starter: Path) -> None:
    cli("export", "-o", "m.onnx")
    by_file = json.loads(cli("evaluate", "--model", "m.onnx", "--data", starter / "test", "--json").stdout)
    by_name = json.loads(cli("evaluate", "--json").stdout)
    assert by_file["confusion"] == by_name["confusion"]
    result = cli("evaluate", "--model", "m.onnx")
    assert result.exit_code == 1
    assert "--data DIR" in result.stderr


# what is stored


def stored(registry: Path) -> list[Path]:
    return Registry(registry).evaluations(Registry(registry).open("small12"))


def test_result_is_stored_by_the_content_of_the_dataset(cli: Cli, registry: Path, starter: Path) -> None:
    for _ in range(2):
        assert cli("evaluate").exit_code == 0
    assert len(stored(registry)) == 1
    assert cli("evaluate", "--data", starter / "ttest").exit_code == 0
    assert len(stored(registry)) == 2
    assert cli("models", "verify", "--all").exit_code == 0


def test_result_of_a_file_or_of_another_registry_is_not_stored(
    cli: Cli, registry: Path, starter: Path, tmp_path: Path
) -> None:
    version = registry / "small12/1"
    cli("evaluate", "--model", version, "--registry", tmp_path / "other", "--data", starter / "test")
    cli("evaluate", "--model", version / "model.onnx", "--data", starter / "test")
    assert stored(registry) == []
    assert not (tmp_path / "other").exists()


def test_result_is_shown_where_it_cannot_be_stored(cli: Cli, registry: Path) -> None:
    (registry / "small12/evaluations").write_text("in the way")
    result = cli("evaluate", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["images"] == 60
    assert "not stored" in result.stderr
    assert "evaluations" in result.stderr


def test_results_stored_by_earlier_versions_are_shown(cli: Cli, registry: Path) -> None:
    document = json.loads(cli("evaluate", "--json").stdout)
    (path,) = stored(registry)
    dense = [[0] * 12 for _ in range(12)]
    for truth, read, images in document["confusion"]:
        dense[truth][read] = images
    path.write_text(json.dumps(document | {"schema_version": 1, "confusion": dense}), encoding="utf-8")
    shown = cli("models", "show")
    assert shown.exit_code == 0, shown.stderr
    assert f"{document['accuracy']:.2%} of 60 images" in shown.stdout
    assert cli("models", "show", "--json").exit_code == 0


# thousands of labels


@pytest.fixture
def many(tmp_path: Path, starter: Path) -> list[str]:
    """Arguments that evaluate a model of 3,755 labels, which reads everything as the first of them."""
    labels = get_charset("gb2312-1")
    metadata = {"labels": json.dumps(list(labels)), "image": ImageSpec().model_dump_json()}
    write_foreign_onnx(tmp_path / "many.onnx", metadata, classes=len(labels))
    (tmp_path / "set").mkdir()
    shutil.copy(starter / "ttest/1.bmp", tmp_path / "set/1.bmp")
    lines = "".join(f"1.bmp,{label}\n" for label in labels)
    (tmp_path / "set.csv").write_text(f"file,label\n{lines}", encoding="utf-8")
    return ["evaluate", "--model", "many.onnx", "--data", "set"]


def test_thousands_of_labels_show_those_read_worst(cli: Cli, many: list[str]) -> None:
    result = cli(*many)
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) < 100
    assert "20 of 3755 labels with the lowest recall (--csv gives all)" in result.stdout
    first = get_charset("gb2312-1")[0]  # the only one that is read
    assert not [line for line in result.stdout.splitlines() if line.startswith(f"{first} ")]


def test_thousands_of_labels_are_all_in_csv_and_json(cli: Cli, many: list[str]) -> None:
    assert len(cli(*many, "--csv").stdout.splitlines()) == 3756
    text = cli(*many, "--json").stdout
    assert len(text) < 1_500_000
    assert len(json.loads(text)["confusion"]) == 3755
