"""Words for messages."""

import difflib
from collections.abc import Iterable


def counted(count: int, thing: str) -> str:
    """Gives a number of things in words: 1 image, 12 images."""
    return f"{count} {thing}{'s' * (count != 1)}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Gives the known name that somebody who typed another one may have meant."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)), None)


def closest(name: str, known: Iterable[str]) -> str:
    """Gives the sentence that follows "unknown X": the closest known name, or all of them."""
    names = sorted(known)
    near = nearest(name, names)
    return f"Did you mean {near}?" if near else f"Known: {', '.join(names)}."
