"""`charcnn train`: flags, config, what it says and what it leaves."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.support.trainings import scripted

Cli = Callable[..., Result]


def test_says_one_line_an_epoch_in_a_pipe_and_gives_the_reference(cli: Cli, starter: Path, tmp_path: Path) -> None:
    result = cli("train", "--data", starter / "train", "--net", "lenet", "--epochs", 2)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "chars12@1\n"
    assert [line.split()[0] for line in result.stderr.splitlines() if line.strip()[:2] in ("1/", "2/")] == [
        "1/2",
        "2/2",
    ]
    assert "\x1b" not in result.stderr
    assert "Next: charcnn evaluate" in result.stderr
    version = tmp_path / "registry/chars12/1"
    assert {path.name for path in version.iterdir()} == {"card.json", "model.safetensors", "model.onnx", "history.csv"}
    with (version / "history.csv").open(newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]


def test_model_is_accepted_for_net_and_a_union_is_trained(cli: Cli, starter: Path) -> None:
    both = ("--data", starter / "train", "--data", starter / "test")
    result = cli("train", *both, "--model", "lenet", "--epochs", 1, "--name", "both", "--json")
    assert result.exit_code == 0, result.stderr
    card = json.loads(result.stdout)
    assert card["network"]["name"] == "lenet"
    assert card["data"]["images"] == 12 * 25
    assert card["name"] == "both"


def test_flag_wins_over_config_wins_over_default(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text('optimizer = "sgd"\nbatch-size = 32\nepochs = 3\n')
    printed = cli("train", "--config", "train.toml", "--epochs", 4, "--print-config").stdout
    settings = tomllib.loads(printed)
    assert (settings["opt"], settings["batch_size"], settings["epochs"]) == ("sgd", 32, 4)
    assert "lr" not in settings  # nobody chose it: it follows the optimizer
    assert "# lr = 0.01\n" in printed
    assert "# momentum = 0.9\n" in printed
    assert settings["seed"] == 0


def test_printed_config_is_read_again(cli: Cli, tmp_path: Path) -> None:
    first = cli("train", "--opt", "rmsprop", "--data", "汉字/train", "--print-config").stdout
    (tmp_path / "again.toml").write_text(first, encoding="utf-8")
    assert cli("train", "--config", "again.toml", "--print-config").stdout == first
    assert not (tmp_path / "data").exists()


def test_help_states_the_default_of_every_setting(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is open says in words what decides it; of the others the help shows the value."""
    from charcnn.specs.settings import declared_settings
    from charcnn.specs.train_config import TrainConfig

    monkeypatch.setenv("COLUMNS", "300")
    lines = cli("train", "--help").stdout.splitlines()
    for name, declared in declared_settings(TrainConfig).items():
        (number,) = (at for at, line in enumerate(lines) if re.search(rf"{declared.flags[0]}(?![\w-])", line[:60]))
        line = " ".join(lines[number : number + 1 + ("[default" in lines[number + 1])])
        assert declared.setting.help.split(".")[0].split("`")[0] in line, name
        if name in ("val", "init_from", "patience", "net_options"):
            assert "default" not in line, name  # without it, nothing happens
        elif declared.default is None:
            assert f"[default: ({declared.setting.default.split('`')[0]}" in line, name
        elif isinstance(declared.default, (str, int, float)) and not isinstance(declared.default, bool):
            assert f"[default: ({declared.default})]" in line, name


def test_a_model_where_a_network_belongs_is_answered_with_init_from(cli: Cli) -> None:
    result = cli("train", "--model", "chars12@1")
    assert result.exit_code == 2
    assert "--init-from chars12@1" in result.stderr
    assert "--model" not in cli("train", "--help").stdout


def interrupted(line: list[str], after: str) -> tuple[str, str]:
    """Send Ctrl-C once a line on stderr begins with a word; return stdout and what followed on stderr.

    A process that does not come this far or does not end is killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "charcnn", *line],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stderr
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        for text in process.stderr:
            if text.strip().startswith(after):
                break
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    finally:
        watchdog.cancel()
        process.kill()
    assert process.returncode == 130, stderr
    return stdout, stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_keeps_the_best_epoch_and_exits_130(starter: Path, tmp_path: Path) -> None:
    line = ["train", "--data", str(starter / "train"), "--net", "lenet", "--epochs", "100000"]
    stdout, stderr = interrupted(line, after="3/")
    assert stdout == "chars12@1\n"
    assert "Interrupted" in stderr
    card = json.loads((tmp_path / "registry/chars12/1/card.json").read_text("utf-8"))
    assert card["training"]["interrupted"]
    assert card["training"]["epochs"] >= 3


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_command_named_after_ctrl_c_resumes_the_training(cli: Cli, starter: Path, tmp_path: Path) -> None:
    line = ["train", "--data", str(starter / "train"), "--net", "lenet", "--batch-size", "4", "--epochs", "60"]
    _, stderr = interrupted(line, after="1/")
    said = re.search(r"charcnn (train --resume \S+)", stderr)
    assert said, stderr
    went_on = cli(*said[1].split())
    assert went_on.exit_code == 0
    assert went_on.stdout == "chars12@2\n"
    assert json.loads((tmp_path / "registry/chars12/2/card.json").read_text("utf-8"))["training"]["epochs"] == 60


def test_resume_takes_no_other_setting(cli: Cli) -> None:
    result = cli("train", "--resume", "last", "--lr", 0.1, "--epochs", 9)
    assert result.exit_code == 2
    assert "--lr" in result.stderr
    assert "--epochs" not in result.stderr


def test_resume_without_an_unfinished_run_is_refused(cli: Cli) -> None:
    result = cli("train", "--resume", "last")
    assert result.exit_code == 1
    assert "no unfinished run" in result.stderr


def test_of_the_finished_runs_the_last_one_stays(cli: Cli, starter: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        line = ("train", "--data", starter / "test", "--net", "lenet", "--epochs", 1, "--name", name)
        assert cli(*line).exit_code == 0
    (run,) = (tmp_path / "registry/.runs").iterdir()
    assert run.name.startswith("other-")


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_before_the_first_epoch_saves_nothing(starter: Path, tmp_path: Path) -> None:
    line = ["train", "--data", str(starter / "train"), "--net", "resnet18", "--batch-size", "1"]
    stdout, stderr = interrupted(line, after="epoch")
    assert stdout == ""
    assert "Traceback" not in stderr
    assert not (tmp_path / "registry/chars12").exists()
    assert list((tmp_path / "registry/.staging").iterdir()) == []


def test_two_epochs_read_most_of_the_real_images(cli: Cli, fudan12: Path, tmp_path: Path) -> None:
    """Two epochs on a part of the real images read the put-aside rest far better than chance."""
    assert cli("data", "split", fudan12 / "train", "-o", "real", "--test", 0.7).exit_code == 0
    assert cli("train", "--data", "real/train.csv", "--recipe", "lab", "--epochs", 2).exit_code == 0
    evaluation = json.loads(cli("evaluate", "--json").stdout)
    assert evaluation["model"] == "real@1"
    assert evaluation["dataset"] == "real/test.csv"
    assert evaluation["images"] > 5000
    assert evaluation["accuracy"] > 0.85


@pytest.mark.parametrize(("classes", "said"), [(12, "chars12@1"), (2, "some@1 FILE…")])
def test_the_next_command_reads_the_starter_set_or_asks_for_files(
    cli: Cli, starter: Path, tmp_path: Path, classes: int, said: str
) -> None:
    source = starter / "train"
    if classes == 2:
        source = tmp_path / "some" / "train"
        for folder in sorted((starter / "train").iterdir())[:2]:
            shutil.copytree(folder, source / folder.name)
    result = cli("train", "--data", source, "--net", "lenet", "--epochs", 1)
    assert f"Next: charcnn predict --model {said}\n" in result.stderr


def test_a_warning_about_a_dataset_appears_once(cli: Cli, starter: Path, tmp_path: Path) -> None:
    shutil.copytree(starter / "test", tmp_path / "set")
    (tmp_path / "classes.txt").write_text("1\t博\n", encoding="utf-8")
    result = cli("train", "--data", "set", "--net", "lenet", "--epochs", 1)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("does not list the folder 2") == 1


@pytest.mark.parametrize(
    ("schedule", "accuracies", "marked", "said"),
    [
        ("constant", [0.6, 0.55], [1], "Kept epoch 1 of 2: 60.00 % of 12 validation images, the best."),
        ("onecycle", [0.6, 0.55], [1, 2], "Kept epoch 2 of 2: 55.00 % of 12 validation images."),
        ("onecycle", [0.9, 0.1], [1], "Kept epoch 1 of 2: 90.00 % of 12 validation images, the best."),
        ("onecycle", [0.6, 0.6], [1, 2], "Kept epoch 2 of 2: 60.00 % of 12 validation images, the best."),
    ],
)
def test_the_epoch_that_is_kept_is_marked_and_explained(
    cli: Cli,
    starter: Path,
    monkeypatch: pytest.MonkeyPatch,
    schedule: str,
    accuracies: list[float],
    marked: list[int],
    said: str,
) -> None:
    scripted(monkeypatch, accuracies)
    line = ("train", "--data", starter / "test", "--net", "lenet", "--val-split", 0.2, "--epochs", 2)
    text = cli(*line, "--schedule", schedule).stderr
    kept = [int(line.split("/")[0]) for line in text.splitlines() if line.endswith("kept")]
    assert kept == marked
    assert said.replace(" %", "%") in text
    assert ("Epoch 1 reached 60.00%" in text) is (marked[-1] == 2 and accuracies[0] > accuracies[1])
