"""Exceptions → messages, hints and exit codes.

Exit codes: 0 success, 1 failure, 2 wrong command line or settings, 130 interrupted.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from charcnn.cli.flags import flag_of, in_flags
from charcnn.cli.install import install_line
from charcnn.cli.output import fail, say
from charcnn.cli.usage_errors import explain_usage
from charcnn.dependencies import explain_import
from charcnn.errors import (
    BundleError,
    CardError,
    CharcnnError,
    ConfigError,
    DatasetNotFoundError,
    IntegrityError,
    MissingDependencyError,
    ModelFileError,
    ModelNotFoundError,
    ParityError,
    RunNotFoundError,
    UnknownNetworkError,
)
from charcnn.registry.references import is_path

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

_OS_HINTS = {
    errno.ENOSPC: "The disk is full. Free some space and run the command again; existing files are unchanged.",
    errno.EDQUOT: "The disk quota is exceeded. Free some space and run the command again.",
    errno.EACCES: "Choose another folder, or change its permissions.",
    errno.EPERM: "Choose another folder, or change its permissions.",
    errno.EROFS: "The disk is read-only. Choose a folder on another one (--registry, --out, $CHARCNN_DATA).",
}


_NEXT: dict[type[CharcnnError], Callable[[Any], str]] = {
    DatasetNotFoundError: lambda fault: _dataset_hint(fault),
    ModelNotFoundError: lambda fault: (
        fault.hint or ("charcnn models list lists the models." if is_path(fault.name) else "charcnn train trains one.")
    ),
    ModelFileError: lambda _: "charcnn export --format onnx --out FILE writes a file that can be loaded.",
    RunNotFoundError: lambda fault: fault.hint or "charcnn train starts a training.",
    UnknownNetworkError: lambda fault: f"{fault.hint} charcnn networks lists them.",
    CardError: lambda fault: fault.hint or "charcnn models verify --all finds modified files.",
    IntegrityError: lambda fault: fault.hint or "charcnn models verify --all finds modified and missing files.",
    BundleError: lambda fault: fault.hint or "charcnn models export-bundle writes bundles.",
    MissingDependencyError: lambda fault: install_line(fault.missing),
    ParityError: lambda fault: f"{fault.hint} Please report this, with the output of: charcnn models show".lstrip(),
}
"""Exception → hint, where the command line knows more than the exception."""


def _dataset_hint(fault: DatasetNotFoundError) -> str:
    if os.sep == "/" and "\\" in fault.name:
        return f"{fault.hint} Folders are separated by / here, not by \\.".lstrip()
    return fault.hint or "charcnn synth generates a starter set."


def explain(fault: CharcnnError) -> tuple[str, str]:
    """Return the message and the hint for an exception; the hint may be empty."""
    if isinstance(fault, ConfigError) and fault.field:
        message = f"{flag_of(fault.field)} {fault.value}: {fault.reason}"
    else:
        message = fault.message
    advise = next((_NEXT[kind] for kind in type(fault).__mro__ if kind in _NEXT), None)
    return in_flags(message), in_flags(advise(fault) if advise else fault.hint)


@contextmanager
def explained(context: typer.Context | None = None) -> Iterator[None]:
    """Turn exceptions of the library and the system into a message, a hint and an exit code.

    With `CHARCNN_DEBUG=1` exceptions pass through, with their traceback.

    Args:
        context: Context of the command that runs.
    """
    if os.environ.get("CHARCNN_DEBUG") == "1":
        yield
        return
    try:
        yield
    except CharcnnError as fault:
        fail(*explain(fault))
        raise typer.Exit(WRONG_USE if isinstance(fault, ConfigError) else FAILED) from None
    except typer.TyperException as fault:
        if type(fault).__name__ == "NoArgsIsHelpError":  # its message is the help text
            raise
        fail(*explain_usage(fault))
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except ImportError as fault:
        command = context.invoked_subcommand if context else None
        fail(*_explain_import(fault, f"charcnn {command}" if command else "charcnn"))
        raise typer.Exit(FAILED) from None
    except OSError as fault:
        where = f"{fault.filename}: " if fault.filename else ""
        fail(f"{where}{fault.strerror or fault}", _OS_HINTS.get(fault.errno or 0, ""))
        raise typer.Exit(FAILED) from None


def _explain_import(fault: ImportError, needed_for: str) -> tuple[str, str]:
    """Return message and hint for a failed import; the usual cause is that OpenCV lacks libGL."""
    missing = explain_import(fault, needed_for)
    if isinstance(missing, MissingDependencyError):
        return explain(missing)
    text = str(fault)
    if "libGL" in text or "libgthread" in text or "libglib" in text:
        return (
            f"OpenCV needs a system library that is missing: {text.partition(':')[0]}",
            "Debian, Ubuntu: sudo apt install libgl1 libglib2.0-0    Fedora: sudo dnf install mesa-libGL glib2",
        )
    return f"A library cannot be loaded: {text}", "Install that library, or install charcnn again."
