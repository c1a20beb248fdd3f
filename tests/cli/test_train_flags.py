"""The flags of `charcnn train` for recipe, size, augmentation, precision and threads."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Cli = Callable[..., Result]


def printed(cli: Cli, *flags: object) -> str:
    result = cli("train", *flags, "--print-config")
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_help_lists_every_flag(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    text = cli("train", "--help").stdout
    for flag in ("--recipe", "--size", "--augment", "--precision", "--threads"):
        assert flag in text


def test_every_flag_reaches_the_card(cli: Cli, starter: Path) -> None:
    flags = ("--recipe", "compact", "--imgsz", 32, "--augment", "strong")
    more = ("--precision", "bf16", "--threads", 1, "--epochs", 1)
    result = cli("train", "--data", starter / "test", *flags, *more, "--json")
    assert result.exit_code == 0, result.stderr
    card = json.loads(result.stdout)
    config = card["training"]["config"]
    assert (config["recipe"], config["net"], config["size"], config["augment"]) == ("compact", "compact", 32, "strong")
    assert (card["image"]["height"], card["image"]["width"]) == (32, 32)
    assert (card["environment"]["precision"], card["environment"]["threads"]) == ("bf16", 1)
    predicted = cli("predict", starter / "ttest", "--json")
    assert predicted.exit_code == 0, predicted.stderr


def test_the_recipe_lab_trains_the_labs_network(cli: Cli, starter: Path) -> None:
    result = cli("train", "--data", starter / "test", "--recipe", "lab", "--json")
    assert result.exit_code == 0, result.stderr
    card = json.loads(result.stdout)
    assert card["network"]["name"] == "cnn"
    assert card["training"]["epochs"] == 9
    assert card["environment"]["precision"] == "fp32"


@pytest.mark.parametrize("flag", ["--size", "--img-size", "--imgsz"])
def test_the_size_has_three_names(cli: Cli, flag: str) -> None:
    assert tomllib.loads(printed(cli, flag, 48))["size"] == 48


def test_unset_settings_are_printed_as_they_will_be(cli: Cli) -> None:
    text = printed(cli, "--recipe", "lab")
    assert tomllib.loads(text)["recipe"] == "lab"
    for line in (
        '# net = "cnn"',
        "# size = 28",
        '# opt = "adam"',
        "# lr = 0.001",
        '# precision = "fp32"',
        "# epochs = 9",
    ):
        assert f"{line}\n" in text
    assert "# epochs =\n" in printed(cli)  # of compact they depend on the images


@pytest.mark.parametrize(
    "flags",
    [
        "",
        "--recipe lab",
        "--recipe compact --size 64",
        "--augment off --precision bf16 --threads 3",
        "--net cnn --lr 0.5",
    ],
)
def test_printed_config_is_read_again(cli: Cli, tmp_path: Path, flags: str) -> None:
    first = printed(cli, *flags.split())
    (tmp_path / "again.toml").write_text(first, encoding="utf-8")
    assert printed(cli, "--config", "again.toml") == first


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")],
)
def test_a_config_written_on_windows_is_read(cli: Cli, tmp_path: Path, mark: bytes, encoding: str) -> None:
    text = 'name = "博学"\r\nepochs = 3\r\n'
    (tmp_path / "train.toml").write_bytes(mark + text.encode(encoding))
    settings = tomllib.loads(printed(cli, "--config", "train.toml"))
    assert (settings["name"], settings["epochs"]) == ("博学", 3)


@pytest.mark.parametrize(("content", "encoding"), [(b"name = '\xe4'", "UTF-8"), (b"\xff\xfea", "UTF-16")])
def test_a_config_in_an_unknown_encoding_is_refused(cli: Cli, tmp_path: Path, content: bytes, encoding: str) -> None:
    (tmp_path / "train.toml").write_bytes(content)
    result = cli("train", "--config", "train.toml", "--print-config")
    assert result.exit_code == 2
    assert f"train.toml is not TOML: it is not {encoding}" in result.stderr


def test_a_flag_wins_over_the_config_and_the_config_over_the_recipe(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text('recipe = "lab"\nepochs = 3\n')
    text = printed(cli, "--config", "train.toml", "--batch-size", 5)
    settings = tomllib.loads(text)
    assert (settings["recipe"], settings["epochs"], settings["batch_size"]) == ("lab", 3, 5)
    assert '# net = "cnn"\n' in text
    assert tomllib.loads(printed(cli, "--config", "train.toml", "--epochs", 4))["epochs"] == 4
    assert '# net = "compact"\n' in printed(cli, "--config", "train.toml", "--recipe", "compact")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--recipe labb", ("--recipe labb: must be compact or lab", "Did you mean lab?")),
        ("--recipe xyz", ("--recipe xyz", "compact", "lab")),
        ("--size 30", ("compact", "30 × 30", "28, 32, 48, 64")),
        ("--net cnn --img-size 32", ("cnn", "32 × 32", "28")),
        ("--imgsz 4", ("size", "8")),
        ("--size big", ("--size", "integer")),
        ("--augment strnog", ("--augment strnog", "Did you mean strong?")),
        ("--precision fp16", ("--precision fp16", "bf16")),
        ("--threads 0", ("threads", "0")),
        ("--threads many", ("--threads", "integer")),
        (
            "--activation tanh",
            (
                "--activation tanh",
                "compact has no option activation",
            ),
        ),
        ("--momentum 0.9", ("momentum", "adamw")),
        ("--lr-increment 0.1", ("--lr-increment", "onecycle")),
    ],
)
@pytest.mark.parametrize("printing", [True, False], ids=["print-config", "train"])
def test_a_wrong_setting_is_one_line_of_error(
    cli: Cli, starter: Path, tmp_path: Path, flags: str, words: tuple[str, ...], printing: bool
) -> None:
    more = ["--print-config"] if printing else []
    result = cli("train", "--data", starter / "test", *flags.split(), *more)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert sum("rror" in line for line in result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr
    assert not (tmp_path / "registry").exists()
