"""`charcnn predict`: what comes in, what goes out."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Cli = Callable[..., Result]


@pytest.fixture
def predict(cli: Cli, trained: Path) -> Cli:
    return lambda *arguments, **more: cli("predict", "--registry", trained, *arguments, **more)


@pytest.fixture
def own_registry(trained: Path, tmp_path: Path) -> Path:
    """A copy of the registry, to change."""
    return shutil.copytree(trained, tmp_path / "own")


@pytest.fixture
def truth(starter: Path) -> dict[str, str]:
    with (starter / "ttest.csv").open(encoding="utf-8", newline="") as stream:
        return {row["file"]: row["label"] for row in csv.DictReader(stream)}


@pytest.fixture
def mixed(tmp_path: Path, starter: Path) -> Path:
    """2.bmp good, 3.bmp damaged, 10.bmp good."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name in ("2.bmp", "10.bmp"):
        shutil.copy(starter / "ttest" / name, folder / name)
    (folder / "3.bmp").write_bytes(b"BM not an image")
    return folder


def test_text_is_the_characters_in_natural_order(predict: Cli, starter: Path, truth: dict[str, str]) -> None:
    result = predict(starter / "ttest", "--text")
    expected = "".join(truth[f"{number}.bmp"] for number in range(1, 121))
    assert result.exit_code == 0
    read = result.stdout.rstrip("\n")
    assert len(read) == 120
    assert sum(a == b for a, b in zip(read, expected, strict=True)) >= 100


def test_unreadable_file_keeps_its_place_and_is_named(predict: Cli, mixed: Path) -> None:
    result = predict(mixed, "--text")
    assert result.exit_code == 0
    assert result.stdout.rstrip("\n")[1] == "□"
    assert len(result.stdout.rstrip("\n")) == 3
    assert "3.bmp" in result.stderr
    assert "1 could not be read" in result.stderr


def test_strict_fails_after_answering_the_rest(predict: Cli, mixed: Path) -> None:
    result = predict(mixed, "--csv", "--strict")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 4


def test_nothing_readable_fails(predict: Cli, mixed: Path) -> None:
    result = predict(mixed / "3.bmp")
    assert result.exit_code == 1
    assert "3.bmp" in result.stderr


def test_csv_has_the_promised_columns(predict: Cli, mixed: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(predict(mixed, "--csv", "--top-k", 2).stdout)))
    assert list(rows[0]) == ["file", "label", "probability", "label_2", "probability_2", "status", "truth"]
    assert [Path(row["file"]).name for row in rows] == ["2.bmp", "3.bmp", "10.bmp"]
    assert [row["status"] for row in rows] == ["read", "unreadable", "read"]
    assert (rows[1]["label"], rows[1]["probability"], rows[1]["label_2"]) == ("", "", "")
    assert {row["truth"] for row in rows} == {""}
    assert float(rows[0]["probability"]) >= float(rows[0]["probability_2"])


def test_csv_and_json_tell_the_truth_where_it_is_known(predict: Cli, starter: Path, truth: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(predict(starter / "ttest", "--csv").stdout)))
    assert list(rows[0]) == ["file", "label", "probability", "status", "truth"]
    assert {Path(row["file"]).name: row["truth"] for row in rows} == truth
    document = json.loads(predict(starter / "ttest", "--json").stdout)
    assert [row["truth"] for row in document["predictions"]] == [row["truth"] for row in rows]


def test_json_is_strict_and_versioned(predict: Cli, mixed: Path) -> None:
    document = json.loads(predict(mixed, "--json", "-k", 3).stdout)
    assert document["schema_version"] == 1
    good, bad, _ = document["predictions"]
    assert good["label"] == good["top"][0]["label"]
    assert len(good["top"]) == 3
    assert (good["status"], good["truth"]) == ("read", None)
    assert "error" not in good
    assert (bad["status"], bad["label"], bad["probability"], bad["top"]) == ("unreadable", None, None, [])
    assert "3.bmp" in bad["error"]


def test_jsonl_has_one_object_per_line(predict: Cli, mixed: Path) -> None:
    lines = [json.loads(line) for line in predict(mixed, "--jsonl").stdout.splitlines()]
    rows = json.loads(predict(mixed, "--json").stdout)["predictions"]
    assert lines == [{"schema_version": 1, **row} for row in rows]


def test_output_formats_exclude_each_other(predict: Cli, mixed: Path) -> None:
    assert predict(mixed, "--json", "--csv").exit_code == 2


def test_image_is_read_from_standard_input(predict: Cli, starter: Path) -> None:
    path = starter / "ttest/1.bmp"
    from_stdin = predict("-", "--text", stdin=path.read_bytes())
    assert from_stdin.exit_code == 0
    assert from_stdin.stdout == predict(path, "--text").stdout


def test_empty_standard_input_fails(predict: Cli) -> None:
    result = predict("-", stdin=b"")
    assert result.exit_code == 1
    assert "empty" in result.stderr


def test_files_from_a_list_keep_its_order(predict: Cli, mixed: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{mixed / '10.bmp'}\n\n{mixed / '2.bmp'}\n", encoding="utf-8")
    for arguments, more in (
        (("--files-from", "list.txt"), {}),
        (("--files-from", "-"), {"stdin": Path("list.txt").read_text()}),
    ):
        rows = list(csv.DictReader(io.StringIO(predict(*arguments, "--csv", **more).stdout)))
        assert [Path(row["file"]).name for row in rows] == ["10.bmp", "2.bmp"]


def test_pattern_that_the_shell_left_alone_is_expanded(predict: Cli, mixed: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(predict("mixed/*0.bmp", "--csv").stdout)))
    assert [Path(row["file"]).name for row in rows] == ["10.bmp"]
    assert predict("mixed/*.tiff").exit_code == 1


def test_exported_file_reads_the_same(cli: Cli, predict: Cli, trained: Path, starter: Path) -> None:
    assert cli("export", "--registry", trained, "-o", "small.onnx").exit_code == 0
    from_file = cli("predict", starter / "ttest", "--model", "small.onnx", "--csv")
    assert from_file.stdout == predict(starter / "ttest", "--csv").stdout


def test_table_stops_at_twenty_rows_and_tells_the_accuracy(
    cli: Cli, predict: Cli, own_registry: Path, starter: Path
) -> None:
    result = predict(starter / "ttest")
    evaluated = json.loads(cli("evaluate", "--registry", own_registry, "--data", starter / "ttest", "--json").stdout)
    assert f"{evaluated['accuracy']:.2%} of them right" in result.stderr
    assert "20.bmp" in result.stdout
    assert "21.bmp" not in result.stdout
    assert "100 more" in result.stderr


def test_names_with_brackets_and_han_are_shown_as_they_are(predict: Cli, starter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "我的 [bold]字 😀"
    folder.mkdir()
    shutil.copy(starter / "ttest/1.bmp", folder / "字 1.bmp")
    result = predict(folder)
    assert result.exit_code == 0
    assert "[bold]字 😀" in result.stdout


def test_no_path_and_other_labels_says_what_to_type(cli: Cli, tmp_path: Path, trained: Path, starter: Path) -> None:
    from charcnn.registry.store import Registry

    version = Registry(trained).open("small12")
    other = version.card.model_copy(update={"labels": tuple("ABCDEFGHIJKL"), "name": "letters"})
    import onnx

    model = onnx.load(version.folder / "model.onnx")
    for entry in model.metadata_props:
        if entry.key == "labels":
            entry.value = json.dumps(list(other.labels))
    registry = Registry(tmp_path / "registry")
    with registry.staging() as folder:
        onnx.save(model, folder / "model.onnx")
        registry.publish(folder, other)
    result = cli("predict")
    assert result.exit_code == 1
    assert "FILE…" in result.stderr
    assert not (tmp_path / "data").exists()
