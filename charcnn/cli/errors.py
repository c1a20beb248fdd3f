"""An exception → what the person reads, and the exit code.

0 done, 1 the work failed, 2 the command line was wrong, 130 interrupted.
"""

import errno
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from charcnn.cli.flags import flag_of, in_flags
from charcnn.cli.output import fail, say
from charcnn.errors import (
    BundleError,
    CardError,
    CharcnnError,
    ConfigError,
    DatasetNotFoundError,
    IntegrityError,
    ModelFileError,
    ModelNotFoundError,
    ParityError,
    RunNotFoundError,
    UnknownNetworkError,
)
from charcnn.registry.references import is_path
from charcnn.text import best_match, one_of

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

_OS_HINTS = {
    errno.ENOSPC: "The disk is full. Free some space and run the command again; what was there before is untouched.",
    errno.EDQUOT: "Your quota is used up. Free some space and run the command again.",
    errno.EACCES: "You may not write or read there. Name another folder, or change its permissions.",
    errno.EPERM: "You may not write or read there. Name another folder, or change its permissions.",
    errno.EROFS: "That disk can only be read. Name a folder on another one (--registry, -o, $CHARCNN_DATA).",
}


_NEXT: dict[type[CharcnnError], Callable[[Any], str]] = {
    DatasetNotFoundError: lambda fault: fault.hint or "charcnn synth writes a starter set to try things with.",
    ModelNotFoundError: lambda fault: (
        fault.hint or ("charcnn models list lists the models." if is_path(fault.name) else "charcnn train trains one.")
    ),
    ModelFileError: lambda _: "charcnn export --format onnx -o FILE writes a file that can be loaded.",
    RunNotFoundError: lambda fault: fault.hint or "charcnn train starts a training.",
    UnknownNetworkError: lambda fault: f"{fault.hint} charcnn networks lists them.",
    CardError: lambda fault: fault.hint or "charcnn models verify --all finds modified files.",
    IntegrityError: lambda fault: fault.hint or "charcnn models verify --all finds modified and missing files.",
    BundleError: lambda fault: fault.hint or "charcnn models export-bundle writes bundles.",
    ParityError: lambda fault: f"{fault.hint} Please report this, with the output of: charcnn models show".lstrip(),
}
"""Exception → what to do next, where the command line knows more than the exception's own hint."""


def explain(fault: CharcnnError) -> tuple[str, str]:
    """Return what the command line says of an exception: a sentence, and what to do next (may be empty)."""
    if isinstance(fault, ConfigError) and fault.field:
        message = f"{flag_of(fault.field)} {fault.value}: {fault.reason}"
    else:
        message = fault.message
    advise = next((_NEXT[kind] for kind in type(fault).__mro__ if kind in _NEXT), None)
    return in_flags(message), in_flags(advise(fault) if advise else fault.hint)


def explain_usage(fault: typer.TyperException) -> tuple[str, str]:
    """Return what the command line says of a command that was typed wrong: a sentence, and what to type instead."""
    command = getattr(getattr(fault, "ctx", None), "command_path", "charcnn")
    parameter = getattr(fault, "param", None)
    if parameter is None or not fault.message:
        hint = _closest_option(fault) or f"{command} --help lists what it takes." + _after_two_dashes(fault, command)
        return fault.message or fault.format_message(), hint
    name = next((flag for flag in parameter.opts if flag.startswith("--")), parameter.name.upper())
    reason = fault.message.removeprefix("Value error, ").replace("Input should", "must")
    choice = re.fullmatch("'(?P<typed>.*)' is not one of (?P<known>.*)\\.", reason)
    if choice is None:
        reason = reason.partition(", unable to parse")[0]
        return f"{name}: {reason[:1].lower()}{reason[1:]}", f"{command} --help lists what it takes."
    known = re.findall("'([^']*)'", choice["known"])
    closest = best_match(choice["typed"], known)
    return f"{name} {choice['typed']}: must be {one_of(known)}", f"Did you mean {closest}?" if closest else ""


def _closest_option(fault: typer.TyperException) -> str:
    known: Sequence[str] = getattr(fault, "possibilities", None) or ()
    return f"Did you mean {' or '.join(known[:2])}?" if known else ""


def _after_two_dashes(fault: typer.TyperException, command: str) -> str:
    """Return how to type characters or a file that begin with a dash, where such a word was taken for an option."""
    option: str | None = getattr(fault, "option_name", None)
    typed_of = getattr(getattr(fault, "ctx", None), "command", None)
    takes_arguments = any(kind.param_type_name == "argument" for kind in getattr(typed_of, "params", ()))
    if option is None or not takes_arguments:
        return ""
    word = next((word for word in sys.argv[1:] if word.startswith(option)), option)
    return f" What begins with a dash goes after --: {command} -- {shlex.quote(word)}"


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the library and the system raise into a red line, a hint and an exit code.

    With `CHARCNN_DEBUG=1` the traceback comes through.
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
        if type(fault).__name__ == "NoArgsIsHelpError":  # its message is the help
            raise
        fail(*explain_usage(fault))
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except ImportError as fault:
        fail(*_missing(fault))
        raise typer.Exit(FAILED) from None
    except OSError as fault:
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
