"""The help of every command: paragraphs are filled at any width, and nothing of them is lost."""

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from typer.testing import Result

from charcnn.cli.app import make_app

Cli = Callable[..., Result]


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _commands(inner, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(make_app())))
each_command = pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "charcnn")


def help_of(cli: Cli, path: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    result = cli(*path, "--help")
    assert result.exit_code == 0, result.output
    return result.stdout


def paragraphs(text: str) -> list[list[str]]:
    """The paragraphs between the usage and the first panel, as lines."""
    head = [line.strip() for line in text.partition("╭")[0].splitlines()]
    blocks = "\n".join(head).strip().split("\n\n")
    return [block.splitlines() for block in blocks if not block.startswith("Usage:")]


@each_command
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_ends_where_the_next_word_would_have_fitted(
    cli: Cli, path: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = help_of(cli, path, width, monkeypatch)
    found = paragraphs(text)
    assert " ".join(" ".join(lines) for lines in found) == " ".join(inspect.cleandoc(COMMANDS[path].help).split())
    for lines in found:
        for line, following in itertools.pairwise(lines):
            assert len(line) + 1 + len(following.split()[0]) > width - 2, line
    assert max(map(len, text.splitlines())) <= width


@each_command
@pytest.mark.parametrize("width", [80, 120])
def test_no_flag_is_cut(cli: Cli, path: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = help_of(cli, path, width, monkeypatch)
    for parameter in COMMANDS[path].params:
        if not parameter.hidden and parameter.param_type_name == "option":
            assert [flag for flag in (*parameter.opts, *parameter.secondary_opts) if flag not in text] == []


@each_command
def test_no_help_of_an_option_loses_a_word(cli: Cli, path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    text = help_of(cli, path, 300, monkeypatch)
    for parameter in COMMANDS[path].params:
        if not parameter.hidden:
            assert parameter.help in text
