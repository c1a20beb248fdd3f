"""What a command says and where: stdout is data, stderr is talk. A pipe gets no colour and no bars."""

import csv
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PIPE_WIDTH = 200
"""Columns of a table in a pipe or a file, where nobody's window cuts it."""


@cache
def _console(stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, soft_wrap=False, width=None if stream.isatty() else _PIPE_WIDTH)


def talk_console() -> "Console":
    """Gives the console on stderr, for live views."""
    return _console(stderr=True)


def reset() -> None:
    """Forgets the consoles: the streams were replaced."""
    _console.cache_clear()


def say(text: str) -> None:
    """Says something to the person, on stderr."""
    talk_console().print(text, markup=False, soft_wrap=True)


def warn(text: str) -> None:
    """Says what the person should not miss, on stderr."""
    talk_console().print(text, style="yellow", markup=False, soft_wrap=True)


def fail(message: str, hint: str = "") -> None:
    """Says what went wrong, in one red line, and what to do, in another."""
    talk_console().print(f"Error: {message}", style="red", markup=False, soft_wrap=True)
    if hint:
        say(hint)


def next_step(*commands: str) -> None:
    """Ends a command with what to type next."""
    for command in commands:
        talk_console().print(f"Next: {command}", style="dim", markup=False, soft_wrap=True)


def put(text: str) -> None:
    """Writes a line of data, on stdout, as it is."""
    sys.stdout.write(f"{text}\n")


def put_json(document: Any) -> None:
    """Writes strict JSON, on stdout."""
    put(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1))


def put_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes CSV, on stdout."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)


def put_table(table: "RenderableType") -> None:
    """Writes a Rich table or text, on stdout."""
    _console(stderr=False).print(table)


def plain_table(*columns: str, right: Sequence[str] = ()) -> Any:
    """Makes an empty Rich table in the house's style; the columns named in `right` hold numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=column in right)
    return table


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar with rate and time left on a terminal, nothing in a pipe.

    Yields:
        A function to call with what is done and what there is in all.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=talk_console(), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")

        def update(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

        yield update


class TalkHandler(logging.Handler):
    """Hands what the library notes to the person."""

    def emit(self, record: logging.LogRecord) -> None:
        """Says one record."""
        (warn if record.levelno >= logging.WARNING else say)(record.getMessage())


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Shows on a terminal that something without a measure is under way."""
    if not sys.stderr.isatty():
        yield
        return
    with talk_console().status(what):
        yield
