"""What is guessed from a mistake is of the same kind, and in the words of this command line."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import Result

from charcnn.cli.app import make_app
from charcnn.cli.suggestions import quote
from charcnn.cli.usage_errors import _FLAGS_OF_OTHER_TOOLS, _flags

Cli = Callable[..., Result]
on_posix = pytest.mark.skipif(os.sep != "/", reason="Windows separates folders by \\")


def refused(cli: Cli, *words: object, code: int = 2) -> str:
    result = cli(*words)
    assert result.exit_code == code, result.output
    return result.stderr


@pytest.fixture
def registry(trained: Path) -> Path:
    return trained


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("train --learning-rate 1", "Did you mean --lr?"),
        ("train --LEARNING_RATE 1", "Did you mean --lr?"),
        ("train --batch 1", "Did you mean --batch-size?"),
        ("train --bs 1", "Did you mean --batch-size?"),
        ("train --lr-scheduler cosine", "Did you mean --schedule?"),
        ("train --arch cnn", "Did you mean --net?"),
        ("train --data-dir x", "Did you mean --data?"),
        ("train --output x", "Did you mean --registry?"),
        ("train --workers 2", "Did you mean --threads?"),
        ("train --batch_size 1", "Did you mean --batch-size?"),
        ("augment a b --workers 2", "Did you mean --jobs?"),
        ("augment a b --num 2", "Did you mean --copies?"),
        ("export --output x", "Did you mean --out?"),
        ("evaluate --test-data x", "Did you mean --data?"),
        ("evaluate --weights x", "Did you mean --model?"),
        ("train --weights x", "Did you mean --init-from?"),
        ("predict --data x", "charcnn predict FILE…"),
        ("predict --files x", "charcnn predict FILE…"),
        ("evaluate small12", "charcnn evaluate --model small12"),
        ("evaluate small12 test", "charcnn evaluate --model small12 --data test"),
        ("export small12", "charcnn export --model small12"),
        ("train my/set", "charcnn train --data my/set"),
        ("models --registry x list", "charcnn models list --registry"),
        ("--registry x models list", "charcnn COMMAND --registry"),
        ("train --device gpu", "Did you mean cuda?"),
        ("train --loss CrossEntropyLoss", "Did you mean ce?"),
        ("train --loss MSELoss", "Did you mean mse?"),
        ("train --loss L1Loss", "Did you mean l1?"),
        ("train --activation LeakyReLU", "Did you mean leaky-relu?"),
        ("train --schedule OneCycleLR", "Did you mean onecycle?"),
        ("train --opt adma", "Did you mean adam?"),
    ],
)
def test_words_of_other_tools_are_answered_with_those_of_this_one(cli: Cli, line: str, hint: str) -> None:
    assert hint in refused(cli, *line.split())


def test_a_folder_given_to_evaluate_is_data(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "some set").mkdir()
    assert "charcnn evaluate --data 'some set'" in refused(cli, "evaluate", "some set")


@pytest.mark.parametrize("verb", ["train", "evaluate", "export", "models list"])
def test_a_long_pasted_argument_is_unexpected_and_no_traceback(cli: Cli, verb: str) -> None:
    pasted = "0123456789" * 500
    assert f"Unexpected argument: {pasted}" in refused(cli, *verb.split(), pasted)


@pytest.mark.parametrize("flag", ["--test", "--test-data", "--TEST_DIR"])
def test_test_data_is_not_recommended_as_training_data(cli: Cli, monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    monkeypatch.setattr("sys.argv", ["charcnn", "train", flag, "my set"])
    said = refused(cli, "train", flag, "my set")
    assert "After training: charcnn evaluate --data 'my set'" in said
    assert "Did you mean" not in said
    assert "Did you mean --data?" in refused(cli, "evaluate", flag, "my set")


@pytest.mark.parametrize(
    ("system", "word", "quoted"),
    [
        ("posix", "my set", "'my set'"),
        ("nt", "my set", '"my set"'),
        ("nt", "my set\\", '"my set"'),
        ("nt", r"C:\Users\a\博学-1.csv", r"C:\Users\a\博学-1.csv"),
        ("nt", "a&b", '"a&b"'),
        ("nt", "it's", '"it\'s"'),
    ],
)
def test_hints_quote_as_the_shell_does(monkeypatch: pytest.MonkeyPatch, system: str, word: str, quoted: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", system)
        found = quote(word)
    assert found == quoted


def test_every_offered_flag_exists() -> None:
    commands = typer.main.get_command(make_app()).commands  # type: ignore[attr-defined]
    flags = {flag for command in commands.values() for flag in _flags(command)}
    flags |= {flag for command in commands["data"].commands.values() for flag in _flags(command)}
    assert {flag for candidates in _FLAGS_OF_OTHER_TOOLS.values() for flag in candidates} <= flags


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ttset", "ttest?"),  # a folder, not ttest.csv
        ("zzz", None),  # there is only a file of this name
        ("phto.png", "photo.png?"),
        ("photo.pgn", None),  # no image's name, so a folder is looked for
        ("scnas", "scans?"),  # under the data root
    ],
)
def test_predict_guesses_a_folder_for_a_folder_and_an_image_for_an_image(
    cli: Cli, tmp_path: Path, registry: Path, typed: str, meant: str | None
) -> None:
    for folder in ("ttest", "data/scans"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("ttest.csv", "zzz.csv", "photo.png", "ttset.png"):
        (tmp_path / file).write_bytes(b"")
    said = refused(cli, "predict", typed, "--registry", registry, code=1)
    assert (f"Did you mean {meant}" in said) if meant else ("Did you mean" not in said)


@on_posix
@pytest.mark.parametrize(
    ("typed", "meant"), [("ttest\\", "ttest"), ("ttest\\1.bmp", "ttest/1.bmp"), (".\\ttest", "./ttest")]
)
def test_a_backslash_is_pointed_at(cli: Cli, tmp_path: Path, registry: Path, typed: str, meant: str) -> None:
    (tmp_path / "ttest").mkdir()
    for file in ("result.csv", "ttest/1.bmp"):
        (tmp_path / file).write_bytes(b"")
    said = refused(cli, "predict", typed, "--registry", registry, code=1)
    assert f"Did you mean {meant}?" in said
    assert "separated by /" in said
    said = refused(cli, "train", "--data", typed, code=1)
    assert f"Did you mean {meant}?" in said
    assert "separated by /" in said


@pytest.mark.parametrize(
    ("text", "flags", "said"),
    [
        ("batch-size = 0", "", "t.toml: batch_size = 0: must be"),
        ('device = "gpu"', "", "t.toml: device = gpu: must be auto"),
        ('lr-increment = 0.1\nschedule = "cosine"', "", "t.toml: lr_increment needs schedule = constant"),
        ("lr-increment = 0.1", "--schedule cosine", "t.toml: lr_increment needs --schedule constant"),
        ("epocs = 3", "", "t.toml: Unknown setting: epocs"),
        ("epochs = 3", "--batch-size 0", "Error: --batch-size 0: must be"),
        ('activation = "tanh"', "", "t.toml: activation = tanh: the network compact"),
    ],
)
def test_an_error_of_a_config_file_names_its_key(cli: Cli, tmp_path: Path, text: str, flags: str, said: str) -> None:
    (tmp_path / "t.toml").write_text(text)
    assert said in refused(cli, "train", "--config", "t.toml", *flags.split())
