"""What makes a command start and end quickly, and its streams take any script."""

import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tuned_process() -> Iterator[None]:
    """Tune this process for one command."""
    gc.set_threshold(500_000)  # imports make many lasting objects: looking through them time and again takes 0.1 s
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # there are none; looking reads every package's metadata
    if sys.argv[1:2] != ["train"]:  # numpy multiplies no matrices elsewhere, and its threads take time to start
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):  # labels are of any script, whatever a pipe's encoding is
            stream.reconfigure(encoding="utf-8", errors=errors)
    try:
        yield
    finally:
        gc.freeze()  # the process ends: one more search for garbage, through all that was imported, takes 0.03 s
