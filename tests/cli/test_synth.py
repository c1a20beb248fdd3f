"""`charcnn synth`: characters typed, in a file or by name; where it writes, and what it says."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
FEW = ("--per-class", 2, "--test-per-class", 1)


def _folders(path: Path) -> set[str]:
    return {folder.name for folder in path.iterdir()}


def test_characters_make_a_dataset_named_after_them(cli: Cli, tmp_path: Path) -> None:
    result = cli("synth", "守宁安", *FEW)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "data/守宁安/train\n"
    assert _folders(tmp_path / "data/守宁安/train") == set("守宁安")
    assert result.stderr.splitlines()[-1] == "Next: charcnn train --data 'data/守宁安/train'"


def test_sets_files_and_characters_add_up(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\ufeff甲 乙\n丙\n", encoding="utf-8")
    result = cli("synth", "xy", "--file", "list.txt", "--set", "digits", "-o", "mine", *FEW)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "mine/train\n"
    assert _folders(tmp_path / "mine/train") == set("xy甲乙丙0123456789")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--set", "digits"), "digits"),
        (("--set", "digits", "--set", "upper"), "digits-upper"),
        (("a.b",), "chars3-"),
        (("train",), "chars5-"),
        (("nul",), "chars3-"),
        (("abcdefghijklm",), "chars13-"),
        (("a", "--set", "digits"), "a0123456789"),
    ],
)
def test_default_folder_is_named_after_its_set(cli: Cli, tmp_path: Path, words: tuple[str, ...], name: str) -> None:
    result = cli("synth", *words, *FEW)
    assert result.exit_code == 0, result.stderr
    (folder,) = _folders(tmp_path / "data")
    assert re.fullmatch(f"{name}[0-9a-f]{{4}}" if name.startswith("chars") else name, folder)


def test_two_sets_of_one_size_get_folders_of_their_own(cli: Cli, tmp_path: Path) -> None:
    cli("synth", "a.b", *FEW)
    cli("synth", "a.c", *FEW)
    assert len(_folders(tmp_path / "data")) == 2


def test_without_characters_it_is_the_starter_set(cli: Cli, tmp_path: Path) -> None:
    result = cli("synth", *FEW)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "data/train\n"
    assert result.stderr.splitlines()[-1] == "Next: charcnn train"
    assert _folders(tmp_path / "data") == {"train", "test", "ttest", "ttest.csv", "classes.txt", "synth.csv"}


def test_a_preview_is_made_and_named(cli: Cli, tmp_path: Path) -> None:
    result = cli("synth", "甲乙", "--preview", "--size", 32, "--style", "hasty", "--pen", "marker", *FEW)
    assert result.exit_code == 0, result.stderr
    assert "data/甲乙/preview.png" in result.stderr
    assert (tmp_path / "data/甲乙/preview.png").is_file()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("甲",), 2, ("1 character given", "at least 2 are needed")),
        (("",), 2, ("0 characters given",)),
        (("甲\ue000乙अ",), 1, ("2 of the 4", "U+E000", "अ (U+0905)", "--font")),
        (("甲乙", "--style", "messy"), 2, ("messy",)),
        (("甲乙", "--pen", "marcer"), 2, ("marcer", "marker")),
        (("甲乙", "--paper", "photos"), 2, ("photos", "photo")),
        (("甲乙", "--size", "3"), 2, ("--size 3",)),
        (("甲乙", "--font", "nosuch.ttf"), 1, ("nosuch.ttf",)),
        (("--set", "digit"), 2, ("digit", "digits")),
        (("--file", "nosuch.txt"), 1, ("nosuch.txt",)),
        (("latin",), 2, ("--set latin",)),
    ],
)
def test_impossible_request_is_refused_and_nothing_is_written(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], code: int, said: tuple[str, ...]
) -> None:
    result = cli("synth", *words)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    for word in said:
        assert word in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_list_that_is_not_utf_8_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes("甲乙".encode("gb2312"))
    result = cli("synth", "--file", "list.txt")
    assert result.exit_code == 1
    assert "list.txt is not UTF-8" in result.stderr


def test_foreign_files_are_kept(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine/train/甲").mkdir(parents=True)
    (tmp_path / "mine/train/甲/1.png").write_bytes(b"mine")
    result = cli("synth", "甲乙", "-o", "mine", *FEW)
    assert result.exit_code == 1
    assert "mine/train/甲/1.png" in result.stderr
    assert [path.read_bytes() for path in (tmp_path / "mine").rglob("*") if path.is_file()] == [b"mine"]


def test_a_replaced_dataset_is_reported_and_one_of_other_characters_is_kept(cli: Cli) -> None:
    assert "Replaced" not in cli("synth", "01", *FEW).stderr
    again = cli("synth", "01", "--per-class", 3, "--test-per-class", 1)
    assert "Replaced the earlier dataset in data/01: training images 4 → 6.\n" in again.stderr
    other = cli("synth", "012", "-o", "data/01", *FEW)
    assert (other.exit_code, other.stdout) == (1, "")
    assert (
        "data/01 contains a dataset of other characters: 0 1\nChoose another folder with --out, or use --force"
        in other.stderr
    )
    assert cli("synth", "012", "-o", "data/01", "--force", *FEW).exit_code == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one group")
def test_ctrl_c_while_processes_start_leaves_nothing_and_shows_no_traceback(tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to all processes of a command."""
    command = [sys.executable, "-m", "charcnn", "synth", "ab", "--per-class", "90000", "-o", "new", "--jobs", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not list(tmp_path.glob("new/.synth.*/train/*")):
        time.sleep(0.02)
    time.sleep(0.2)  # the other process imports what it needs
    os.killpg(process.pid, signal.SIGINT)
    _, talk = process.communicate(timeout=60)
    assert (process.returncode, (tmp_path / "new").exists()) == (130, False)
    assert "Interrupted" in talk
    assert "Traceback" not in talk


def test_choices_are_shown_checked_and_of_any_case(cli: Cli, tmp_path: Path) -> None:
    shown = " ".join(cli("synth", "--help").stdout.split())
    for choices in ("neat | normal | hasty", "scan | gray | photo"):
        assert choices in shown
    assert "grey" not in shown
    for paper in ("gray", "GRAY", "grey"):
        assert cli("synth", "ab", "--paper", paper, "--pen", "Marker", "-o", paper, *FEW).exit_code == 0
    images = [[path.read_bytes() for path in sorted((tmp_path / paper).rglob("*.png"))] for paper in ("gray", "grey")]
    assert images[0] == images[1]
