"""Process settings: quick start and exit, and UTF-8 streams."""

import errno
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
    gc.set_threshold(500_000)  # imports create many lasting objects; collecting them again and again takes 0.1 s
    os.environ.setdefault(
        "PYDANTIC_DISABLE_PLUGINS", "1"
    )  # there are none; the search reads the metadata of every package
    if sys.argv[1:2] != ["train"]:  # elsewhere numpy multiplies no matrices, and its threads take time to start
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.stdout = _prepare_stream(sys.stdout, "surrogateescape")
    sys.stderr = _prepare_stream(sys.stderr, "backslashreplace")
    try:
        yield
    finally:
        gc.freeze()  # skip the last collection, which takes 0.03 s; the process ends anyway


class _PipeWriter(io.FileIO):
    """A pipe that drops what is written to it after its reader has ended.

    `charcnn predict scans | head -2` has finished its work when it writes. It ends as it would without `head`, with the
    exit code of the work (0 on success), and `charcnn train 2>&1 | head -1` still saves its model. If the process ended
    by a signal (141 in a shell), a script with `set -o pipefail` would fail although nothing went wrong.
    Windows usually reports the closed pipe as EINVAL.
    """

    def write(self, data: Any) -> int:
        """Write bytes, and return how many were written or dropped."""
        try:
            return super().write(data)
        except OSError as fault:
            is_closed = isinstance(fault, BrokenPipeError) or (os.name == "nt" and fault.errno == errno.EINVAL)
            if not is_closed:
                raise
            return memoryview(data).nbytes


def _prepare_stream(stream: TextIO | None, errors: str) -> TextIO:
    """Return a standard stream that accepts labels in any script, whatever its encoding is, and needs no reader.

    Args:
        stream: The stream; None if the shell closed it (`>&-`).
        errors: How characters that cannot be encoded are handled, as in `io.TextIOWrapper`.
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
        line_buffering=stream.line_buffering or stream.write_through,  # the latter is set by PYTHONUNBUFFERED
    )
