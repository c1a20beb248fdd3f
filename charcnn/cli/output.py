"""Output: data on stdout, messages on stderr; no color and no progress bars in a pipe."""

import csv
import json
import logging
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from charcnn.cli.flags import in_flags

if TYPE_CHECKING:
    from rich.console import Console


@cache
def _console(stderr: bool) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def message_console() -> "Console":
    """Return the console on stderr, for progress bars."""
    return _console(stderr=True)


def reset() -> None:
    """Forget the consoles, after the streams were replaced."""
    _console.cache_clear()


class _Stream:
    """Whether this process writes more than errors. Under torchrun only the first one does."""

    is_muted = False


def mute() -> None:
    """Write nothing but errors from now on; another process writes the rest."""
    _Stream.is_muted = True


def is_live() -> bool:
    """Return whether progress bars can be shown: stderr is a terminal."""
    return sys.stderr.isatty() and not _Stream.is_muted


def say(text: str, style: str | None = None) -> None:
    """Write a message to stderr."""
    if not _Stream.is_muted:
        _say(text, style)


def _say(text: str, style: str | None = None) -> None:
    if sys.stderr.isatty():
        message_console().print(text, style=style, markup=False, soft_wrap=True)
    else:  # no color in a pipe, so Rich is not imported
        sys.stderr.write(f"{text}\n")


def warn(text: str) -> None:
    """Write a warning to stderr."""
    say(text, "yellow")


def fail(message: str, hint: str = "") -> None:
    """Write an error to stderr, in red, and a hint on the next line; also in a muted process."""
    _say(f"Error: {message}", "red")
    if hint:
        _say(hint)


def next_step(*commands: str) -> None:
    """Write commands to type next to stderr."""
    for command in commands:
        say(f"Next: {command}", "dim")


def put(text: str) -> None:
    """Write a line of data to stdout, unchanged."""
    if _Stream.is_muted:
        return
    sys.stdout.write(f"{text}\n")


def put_json(document: Any, indent: int | None = 1) -> None:
    """Write strict JSON to stdout; on one line where `indent` is None."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent)
    put(text.encode("utf-8", "backslashreplace").decode())  # bytes of a file's name that are no text: \udc80 … \udcff


def put_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write CSV to stdout."""
    if _Stream.is_muted:
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)


class Cell(NamedTuple):
    """A cell of a table, in a style of Rich on a terminal."""

    text: str
    style: str


Row = Sequence[str | Cell]


def put_table(header: Sequence[str], rows: Sequence[Row], right: Collection[str] = ()) -> None:
    """Write a table to stdout: with colors and rules on a terminal, as plain aligned columns in a pipe.

    Args:
        header: The columns' names; all empty for a table without a heading.
        rows: Cells, one per column.
        right: The columns to align right.
    """
    if _Stream.is_muted:
        return
    if not sys.stdout.isatty() or not fits(header, rows):  # a narrow terminal wraps lines, so that nothing is cut
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
    """Return whether a table fits the width of the terminal; in a pipe every table does."""
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
    """Return the width of a text in columns of a terminal: 2 for a Chinese character, 0 for a combining mark."""
    if text.isascii():
        return len(text)
    if not all(map(_is_plain, text)):
        from rich.cells import cell_len  # takes 10 ms to load

        return cell_len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _is_plain(character: str) -> bool:
    """Return whether a character is a letter, number, punctuation or space: no mark, symbol or emoji."""
    return unicodedata.category(character)[0] in "LNPZ"


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar with rate and time left on a terminal, nothing in a pipe.

    Yields:
        A function to call with the numbers of items done and in all.
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
    with Progress(*columns, console=message_console(), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")

        def update(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

        yield update


class MessageHandler(logging.Handler):
    """Write the log records of the library to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        (warn if record.levelno >= logging.WARNING else say)(in_flags(record.getMessage()))


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show a spinner on a terminal while work of unknown length runs."""
    if not is_live():
        yield
        return
    with message_console().status(what):
        yield
