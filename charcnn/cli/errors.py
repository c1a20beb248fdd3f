"""An exception → what the person reads, and the exit code.

0 done, 1 the work failed, 2 the command line was wrong, 130 interrupted.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from charcnn.cli.output import fail, say
from charcnn.errors import CharcnnError, ConfigError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

_OS_HINTS = {
    errno.ENOSPC: "The disk is full. Free some space and run the command again; what was there before is untouched.",
    errno.EDQUOT: "Your quota is used up. Free some space and run the command again.",
    errno.EACCES: "You may not write or read there. Name another folder, or change its permissions.",
    errno.EPERM: "You may not write or read there. Name another folder, or change its permissions.",
    errno.EROFS: "That disk can only be read. Name a folder on another one (--registry, -o, $CHARCNN_DATA).",
}


@contextmanager
def explained() -> Iterator[None]:
    """Turns what the library and the system raise into a red line, a hint and an exit code.

    With `CHARCNN_DEBUG=1` the traceback comes through.
    """
    if os.environ.get("CHARCNN_DEBUG") == "1":
        yield
        return
    try:
        yield
    except ConfigError as fault:
        fail(fault.message, fault.hint)
        raise typer.Exit(WRONG_USE) from None
    except CharcnnError as fault:
        fail(fault.message, fault.hint)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except ImportError as fault:
        fail(*_missing(fault))
        raise typer.Exit(FAILED) from None
    except OSError as fault:
        if fault.errno == errno.EPIPE:  # the reader of a pipe went away; Typer ends quietly
            raise
        where = f"{fault.filename}: " if fault.filename else ""
        fail(f"{where}{fault.strerror or fault}", _OS_HINTS.get(fault.errno or 0, ""))
        raise typer.Exit(FAILED) from None


def _missing(fault: ImportError) -> tuple[str, str]:
    """Message and hint for a library that cannot be imported; OpenCV's need of libGL is the usual one."""
    text = str(fault)
    if "libGL" in text or "libgthread" in text or "libglib" in text:
        return (
            f"OpenCV needs a library of the system that is missing: {text.partition(':')[0]}",
            "Debian, Ubuntu: sudo apt install libgl1 libglib2.0-0    Fedora: sudo dnf install mesa-libGL glib2",
        )
    return f"A library cannot be loaded: {text}", "Install charcnn again: pip install -e ."
