"""What makes a command start and end quickly, and its streams take any script."""

import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO


@contextmanager
def tuned_process() -> Iterator[None]:
    """Tune this process for one command."""
    gc.set_threshold(500_000)  # imports make many lasting objects: looking through them time and again takes 0.1 s
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # there are none; looking reads every package's metadata
    if sys.argv[1:2] != ["train"]:  # numpy multiplies no matrices elsewhere, and its threads take time to start
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.stdout = _prepared(sys.stdout, "surrogateescape")
    sys.stderr = _prepared(sys.stderr, "backslashreplace")
    try:
        yield
    finally:
        gc.freeze()  # the process ends: one more search for garbage, through all that was imported, takes 0.03 s


class _PipeWriter(io.FileIO):
    """A pipe whose reader may go away: what is written to it then is dropped.

    `charcnn predict scans | head -2` has done its work when it writes. It ends as it would have without `head`, with
    the exit code of that work (0 where all went well), and `charcnn train 2>&1 | head -1` still saves its model. A
    signal (141 in a shell) would make a script with `set -o pipefail` fail although nothing did.
    """

    def write(self, data: Any) -> int:
        """Write some bytes; return how many of them are done with."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def _prepared(stream: TextIO | None, errors: str) -> TextIO:
    """Return a standard stream that takes labels of any script, whatever its encoding is, and lives without a reader.

    Args:
        stream: The stream; None where the shell closed it (`>&-`).
        errors: What becomes of texts that are not Unicode.
    """
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(encoding="utf-8", errors=errors)
    if stream.isatty():
        return stream
    raw = _PipeWriter(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8",
        errors=errors,
        line_buffering=stream.line_buffering or stream.write_through,  # the latter: PYTHONUNBUFFERED
    )
