"""What a command says and where: stdout is data, stderr is talk. A pipe gets no colour and no bars."""

import csv
import json
import logging
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console


@cache
def _console(stderr: bool) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def talk_console() -> "Console":
    """Gives the console on stderr, for live views."""
    return _console(stderr=True)


def reset() -> None:
    """Forgets the consoles: the streams were replaced."""
    _console.cache_clear()


_mute = False


def mute() -> None:
    """Says and shows nothing but errors from now on: another process talks."""
    global _mute
    _mute = True


def is_live() -> bool:
    """Tells whether somebody looks at stderr as it moves."""
    return sys.stderr.isatty() and not _mute


def say(text: str, style: str | None = None) -> None:
    """Says something to the person, on stderr."""
    if _mute:
        return
    if sys.stderr.isatty():
        talk_console().print(text, style=style, markup=False, soft_wrap=True)
    else:  # a pipe gets no colour, and need not wait for Rich
        sys.stderr.write(f"{text}\n")


def warn(text: str) -> None:
    """Says what the person should not miss, on stderr."""
    say(text, "yellow")


def fail(message: str, hint: str = "") -> None:
    """Says what went wrong, in one red line, and what to do, in another."""
    global _mute
    _mute = False
    say(f"Error: {message}", "red")
    if hint:
        say(hint)


def next_step(*commands: str) -> None:
    """Ends a command with what to type next."""
    for command in commands:
        say(f"Next: {command}", "dim")


def put(text: str) -> None:
    """Writes a line of data, on stdout, as it is."""
    if _mute:
        return
    sys.stdout.write(f"{text}\n")


def put_json(document: Any) -> None:
    """Writes strict JSON, on stdout."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    put(text.encode("utf-8", "backslashreplace").decode())  # bytes of a file's name that are no text: \udc80 … \udcff


def put_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes CSV, on stdout."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)


class Cell(NamedTuple):
    """A table's cell that stands out on a terminal, in a style of Rich."""

    text: str
    style: str


Row = Sequence[str | Cell]


def put_table(header: Sequence[str], rows: Sequence[Row], right: Collection[str] = ()) -> None:
    """Writes a table, on stdout: with colours and rules on a terminal, as plain aligned columns in a pipe.

    Args:
        header: The columns' names; all empty for a table without a heading.
        rows: Cells, one per column.
        right: The columns that hold numbers.
    """
    if not sys.stdout.isatty() or not fits(header, rows):  # a narrow terminal breaks lines, but cuts nothing
        _put_columns(header, rows, right)
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_header=any(header))
    for name in header:
        table.add_column(Text(name), justify="right" if name in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell.text, cell.style) if isinstance(cell, Cell) else Text(cell) for cell in row))
    _console(stderr=False).print(table)


def fits(header: Sequence[str], rows: Sequence[Row]) -> bool:
    """Tells whether a table is narrow enough for the terminal; in a pipe every table is."""
    lines = [list(header), *([cell.text if isinstance(cell, Cell) else cell for cell in row] for row in rows)]
    needed = sum(max(map(_columns_of, column)) + 3 for column in zip(*lines, strict=True))
    return not sys.stdout.isatty() or needed <= _console(stderr=False).width


def _put_columns(header: Sequence[str], rows: Sequence[Row], right: Collection[str]) -> None:
    lines = [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in rows]
    lines = [list(header), *lines] if any(header) else lines
    widths = [max(map(_columns_of, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = []
        for name, text, width in zip(header, line, widths, strict=True):
            space = " " * (width - _columns_of(text))
            cells.append(space + text if name in right else text + space)
        put("  ".join(cells).rstrip())


def _columns_of(text: str) -> int:
    """How many columns a text takes where a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar with rate and time left on a terminal, nothing in a pipe.

    Yields:
        A function to call with what is done and what there is in all.
    """
    if not is_live():
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
    if not is_live():
        yield
        return
    with talk_console().status(what):
        yield
