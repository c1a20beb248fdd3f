"""Process settings: quick start and exit, and UTF-8 streams."""

import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tuned_process() -> Iterator[None]:
    """Tune this process for one command."""
    gc.set_threshold(500_000)  # imports create many lasting objects; collecting them again and again takes 0.1 s
    os.environ.setdefault(
        "PYDANTIC_DISABLE_PLUGINS", "1"
    )  # there are none; the search reads the metadata of every package
    if sys.argv[1:2] != ["train"]:  # elsewhere numpy multiplies no matrices, and its threads take time to start
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):  # labels may be in any script, whatever the encoding of a pipe is
            stream.reconfigure(encoding="utf-8", errors=errors)
    try:
        yield
    finally:
        gc.freeze()  # skip the last collection, which takes 0.03 s; the process ends anyway
