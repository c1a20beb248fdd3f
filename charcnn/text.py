"""Building blocks of messages: plurals, suggestions, lists."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


def pluralize(count: int, thing: str) -> str:
    """Return a count with its noun: `1 image`, `12 images`."""
    return f"{count} {thing}{'s' * (count != 1)}"


def best_match(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar, or None if none is similar."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)), None)


def best_file_match(name: str, known: Iterable[str]) -> str | None:
    """Return the known file name that is most similar, or None. A shared suffix alone does not count."""
    by_stem: dict[str, list[str]] = {}
    for other in sorted(known):
        by_stem.setdefault(Path(other).stem, []).append(other)
    near = best_match(Path(name).stem, by_stem)
    return None if near is None else best_match(name, by_stem[near]) or by_stem[near][0]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the most similar known name, or all of them."""
    names = sorted(known)
    near = best_match(name, names)
    return f"Did you mean {near}?" if near else known_names(names)


def known_names(known: Iterable[str], limit: int | None = None) -> str:
    """Return a sentence that lists the known names, at most `limit` of them."""
    names = sorted(known)
    shown = names[:limit]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"Known: {', '.join(shown)}{more}."


def one_of(choices: Sequence[str]) -> str:
    """Join choices into a phrase: `off, light or strong`."""
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
