"""Commands to type next: they name the registry that was used, and fit what there is."""

import os
import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path


def quote(word: str) -> str:
    """Return an argument as one word of a command: on Windows in double quotes, since cmd.exe has no others."""
    if os.name != "nt":
        return shlex.quote(word)
    if re.fullmatch(r"[\w.:/\\@+=-]+", word):
        return word
    path = word.rstrip("\\")  # a backslash before the closing quote would escape it
    return f'"{path}"'


def with_registry(command: str, registry: Path | None) -> str:
    """Return a command with --registry, where one was given."""
    return command if registry is None else f"{command} --registry {quote(str(registry))}"


def reading_command(reference: str, labels: Collection[str], registry: Path | None = None) -> str:
    """Return the command that reads images with a model; without files where it can read the starter set."""
    from charcnn.handwriting.charsets import STARTER

    files = "" if set(STARTER) <= set(labels) else " FILE…"
    return with_registry(f"charcnn predict --model {reference}{files}", registry)


def evaluating_command(reference: str, sources: Sequence[str], registry: Path | None = None) -> str | None:
    """Return the command that evaluates a model on the test set of its data; None without a test set.

    Args:
        reference: The model.
        sources: The datasets that it was trained on.
        registry: The registry that was given, if any.
    """
    from charcnn.datasets.arrays import IN_MEMORY
    from charcnn.datasets.locate import find_test_set

    if not any(source != IN_MEMORY and find_test_set(source) for source in sources):
        return None
    return with_registry(f"charcnn evaluate --model {reference}", registry)
