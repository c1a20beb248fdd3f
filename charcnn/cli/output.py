"""What a command writes and where: stdout is data, stderr is messages. A pipe gets no color and no bars."""

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


def talk_console() -> "Console":
    """Return the console on stderr, for live views."""
    return _console(stderr=True)


def reset() -> None:
    """Forget the consoles: the streams were replaced."""
    _console.cache_clear()


class _Stream:
    """What this process may write. Under torchrun only the first one writes more than errors."""

    is_muted = False


def mute() -> None:
    """Write nothing but errors from now on: another process talks."""
    _Stream.is_muted = True


def is_live() -> bool:
    """Return whether stderr is a terminal, for live views."""
    return sys.stderr.isatty() and not _Stream.is_muted


def say(text: str, style: str | None = None) -> None:
    """Write a message, on stderr."""
    if not _Stream.is_muted:
        _say(text, style)


def _say(text: str, style: str | None = None) -> None:
    if sys.stderr.isatty():
        talk_console().print(text, style=style, markup=False, soft_wrap=True)
    else:  # a pipe gets no color, and need not wait for Rich
        sys.stderr.write(f"{text}\n")


def warn(text: str) -> None:
    """Write a warning, on stderr."""
    say(text, "yellow")


def fail(message: str, hint: str = "") -> None:
    """Write what went wrong, in one red line, and what to do, in another; also in a process that is muted."""
    _say(f"Error: {message}", "red")
    if hint:
        _say(hint)


def next_step(*commands: str) -> None:
    """Write what to type next, on stderr."""
    for command in commands:
        say(f"Next: {command}", "dim")


def put(text: str) -> None:
    """Write a line of data, on stdout, as it is."""
    if _Stream.is_muted:
        return
    sys.stdout.write(f"{text}\n")


def put_json(document: Any, indent: int | None = 1) -> None:
    """Write strict JSON, on stdout; in one line without `indent`."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent)
    put(text.encode("utf-8", "backslashreplace").decode())  # bytes of a file's name that are no text: \udc80 … \udcff


def put_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write CSV, on stdout."""
    if _Stream.is_muted:
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)


class Cell(NamedTuple):
    """A table's cell that stands out on a terminal, in a style of Rich."""

    text: str
    style: str


Row = Sequence[str | Cell]


def put_table(header: Sequence[str], rows: Sequence[Row], right: Collection[str] = ()) -> None:
    """Write a table, on stdout: with colors and rules on a terminal, as plain aligned columns in a pipe.

    Args:
        header: The columns' names; all empty for a table without a heading.
        rows: Cells, one per column.
        right: The columns that hold numbers.
    """
    if _Stream.is_muted:
        return
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
    """Return whether a table is narrow enough for the terminal; in a pipe every table is."""
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
    """How many columns of a terminal a text takes: a Chinese character takes two, a combining mark none."""
    if text.isascii():
        return len(text)
    if not all(map(_is_plain, text)):
        from rich.cells import cell_len  # takes 10 ms to load

        return cell_len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _is_plain(character: str) -> bool:
    """Return whether a character is a letter, digit, sign or space that stands alone, no mark, modifier or emoji."""
    return unicodedata.category(character)[0] in "LNPZ"


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with rate and time left on a terminal, nothing in a pipe.

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
    """Writes what the library logs to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        (warn if record.levelno >= logging.WARNING else say)(in_flags(record.getMessage()))


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on a terminal that something without a measure is running."""
    if not is_live():
        yield
        return
    with talk_console().status(what):
        yield
