"""Text of messages."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


def pluralize(count: int, thing: str) -> str:
    """Return a number of things in words: 1 image, 12 images."""
    return f"{count} {thing}{'s' * (count != 1)}"


def best_match(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that may have been meant; None where none is close."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)), None)


def best_file_match(name: str, known: Iterable[str]) -> str | None:
    """Return the known file or folder that may have been meant: suffixes alone make no two names alike."""
    by_stem: dict[str, list[str]] = {}
    for other in sorted(known):
        by_stem.setdefault(Path(other).stem, []).append(other)
    near = best_match(Path(name).stem, by_stem)
    return None if near is None else best_match(name, by_stem[near]) or by_stem[near][0]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the sentence that follows "unknown X": the closest known name, or all of them."""
    names = sorted(known)
    near = best_match(name, names)
    return f"Did you mean {near}?" if near else known_names(names)


def known_names(known: Iterable[str], most: int | None = None) -> str:
    """Return the sentence that says what is known, so many names at most."""
    names = sorted(known)
    shown = names[:most]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"Known: {', '.join(shown)}{more}."


def one_of(choices: Sequence[str]) -> str:
    """Return choices as words: `off, light or strong`."""
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
