"""Suggestions of commands to type next."""

from collections.abc import Collection


def reading_command(reference: str, labels: Collection[str]) -> str:
    """Return the command that reads images with a model; without files where it can read the starter set."""
    from charcnn.handwriting.charsets import STARTER

    files = "" if set(STARTER) <= set(labels) else " FILE…"
    return f"charcnn predict --model {reference}{files}"
