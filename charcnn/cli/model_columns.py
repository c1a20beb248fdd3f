"""The columns of `charcnn models list`: facts of the card, settings, scores and the newest evaluation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from charcnn.cli import output
from charcnn.cli.settings import SETTINGS
from charcnn.errors import ConfigError
from charcnn.text import best_match

if TYPE_CHECKING:
    from charcnn.registry.reader import VersionInfo
    from charcnn.registry.store import Registry
    from charcnn.registry.version import Version
    from charcnn.specs.card import ModelCard


@dataclass(frozen=True)
class Model:
    """A version of a registry, of which a column shows something; files are read when they are asked for."""

    store: "Registry"
    info: "VersionInfo"

    @cached_property
    def version(self) -> "Version":
        """The opened version."""
        return self.store.open(self.info)

    @property
    def card(self) -> "ModelCard":
        """Its card."""
        return self.version.card

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """The newest evaluation; empty where there is none. Damaged ones are skipped with a warning."""
        paths = self.store.evaluations(self.version)
        if not paths:
            return {}
        from charcnn.errors import CardError
        from charcnn.evaluation.evaluation import Evaluation

        found = []
        for path in paths:
            try:
                found.append(Evaluation.parse(path.read_bytes(), str(path)))
            except (CardError, OSError) as fault:
                output.warn(str(fault))
        newest = max(found, key=lambda one: one.created.replace(tzinfo=one.created.tzinfo or UTC), default=None)
        return newest.model_dump(mode="json") if newest else {}


_OF_CARD = {
    "network": "network.name",
    "parameters": "network.parameters",
    "images": "data.train",
    "val_images": "data.val",
    "val_accuracy": "validation.accuracy",
    "val_loss": "validation.loss",
    "epochs_done": "training.epochs",
    "best_epoch": "training.best_epoch",
    "seconds": "training.seconds",
    "images_per_second": "training.images_per_second",
    "interrupted": "training.interrupted",
    "varied": "training.varied",
    "command": "training.command",
    "parent": "parent",
    "processor": "environment.processor",
}
"""Column → where the card has it."""

_OF_EVALUATION = {
    "accuracy": "accuracy",
    "top3": "top3",
    "macro_f1": "macro_f1",
    "balanced_accuracy": "balanced_accuracy",
    "test_loss": "loss",
    "test_images": "images",
    "test_data": "dataset",
    "evaluated": "created",
}
"""Column → the key of the newest evaluation."""

_OTHERS: dict[str, Callable[[Model], Any]] = {
    "model": lambda model: model.info.reference,
    "name": lambda model: model.info.name,
    "version": lambda model: model.info.number,
    "aliases": lambda model: list(model.info.aliases),
    "kind": lambda model: model.info.entry.kind,
    "labels": lambda model: len(model.card.labels),
    "created": lambda model: model.card.created.isoformat(),
}

COLUMNS = tuple(dict.fromkeys((*_OTHERS, *_OF_CARD, *_OF_EVALUATION, *SETTINGS)))
"""The names of all columns."""
DEFAULT_COLUMNS = ("model", "aliases", "network", "labels", "images", "val_accuracy", "accuracy", "created")
"""The columns of the table where none are chosen; `accuracy` only where a model was evaluated."""
_WITHOUT_CARD = ("model", "name", "version", "aliases", "kind")
"""Columns that a version with a damaged card has, too."""
_SHARES = {"val_accuracy", "accuracy", "top3", "macro_f1", "balanced_accuracy"}
_DATES = {"created", "evaluated"}


def find_column(word: str) -> str:
    """Return the name of a column that was typed in any case, with `-` for `_`, or by another name of the setting.

    Raises:
        ConfigError: the column is unknown.
    """
    name = word.strip().casefold().replace("-", "_")
    aliases = {alias: known for known, declared in SETTINGS.items() for alias in declared.setting.aliases}
    name = name if name in COLUMNS else aliases.get(name, name)
    if name not in COLUMNS:
        closest = best_match(name, COLUMNS)
        guess = f"Did you mean {closest}? " if closest else ""
        raise ConfigError(f"Unknown column: {word.strip()}", f"{guess}Columns: {', '.join(COLUMNS)}.")
    return name


def parse_columns(text: str) -> tuple[str, ...]:
    """Return the columns of a list separated by commas.

    Raises:
        ConfigError: a column is unknown, or none is named.
    """
    names = tuple(dict.fromkeys(find_column(word) for word in text.split(",") if word.strip()))
    if not names:
        raise ConfigError(
            "must name at least one column", f"Columns: {', '.join(COLUMNS)}.", field="columns", value=text
        )
    return names


def read_values(model: Model, columns: Sequence[str]) -> dict[str, Any]:
    """Return the values of a model by column; None where it has none.

    A damaged version has only what the index contains, and `error`.
    """
    from charcnn.errors import ModelError

    try:
        return {name: _read(model, name) for name in columns}
    except ModelError as fault:
        known = {name: _OTHERS[name](model) for name in columns if name in _WITHOUT_CARD}
        return {**known, "error": fault.message}


def _read(model: Model, name: str) -> Any:
    if name in _OTHERS:
        return _OTHERS[name](model)
    if name in _OF_EVALUATION:
        return model.evaluation.get(_OF_EVALUATION[name])
    card = model.card
    if name.startswith("val_") and name in _OF_CARD and name != "val_images" and card.validation is None:
        return None
    value = attrgetter(_OF_CARD.get(name, f"training.config.{name}"))(card)
    return list(value) if isinstance(value, tuple) else value


def sort_rows(rows: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    """Return rows in the order of a column, descending with a `-` before its name; rows without a value come last."""
    name = find_column(order.removeprefix("-"))
    known = [row for row in rows if row.get(name) is not None]
    known.sort(key=lambda row: _sort_key(row[name]), reverse=order.startswith("-"))
    return known + [row for row in rows if row.get(name) is None]


def _sort_key(value: Any) -> tuple[bool, float, str]:
    is_number = isinstance(value, (int, float))
    return not is_number, value if is_number else 0.0, "" if is_number else as_text(value)


def is_number(rows: Sequence[dict[str, Any]], name: str) -> bool:
    """Return whether a column holds numbers."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return bool(values) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def shown(name: str, value: Any) -> str:
    """Return a value as the table shows it."""
    if value is None or value == []:
        return "" if name == "aliases" else "-"
    if name in _SHARES:
        return f"{value:.2%}"
    if name in _DATES:
        return str(value)[:16].replace("T", " ")
    if name in ("parameters", "images_per_second"):
        return f"{value:,.0f}"
    if name in ("seconds", "val_loss", "test_loss"):
        return f"{value:.0f}" if name == "seconds" else f"{value:.4f}"
    return as_text(value)


def as_text(value: Any) -> str:
    """Return a value in words: several with spaces between them, numbers without needless digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return " ".join(f"{key}={as_text(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(map(as_text, value))
    return "" if value is None else str(value)


def complete_columns(incomplete: str) -> list[str]:
    """Complete the last name of a list of columns."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in COLUMNS if name.startswith(last)]


def complete_order(incomplete: str) -> list[str]:
    """Complete the name of the column to sort by."""
    return [name for name in COLUMNS if name.startswith(incomplete)]
