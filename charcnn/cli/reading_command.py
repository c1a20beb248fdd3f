"""Commands to type next, that several commands end with."""

from collections.abc import Collection


def reading_command(reference: str, labels: Collection[str]) -> str:
    """Return what to type to read with a model: without files only where it reads the starter set."""
    from charcnn.handwriting.charsets import STARTER

    files = "" if set(STARTER) <= set(labels) else " FILE…"
    return f"charcnn predict --model {reference}{files}"
