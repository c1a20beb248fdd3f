"""Training settings as TOML, in the format that `train --config` reads."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from charcnn.specs.train_config import TrainConfig, TrainSettings


def to_toml(requested: TrainConfig, resolved: TrainSettings) -> str:
    """Return the settings as TOML.

    Settings that were left open become comments with their resolved values, so that another optimizer or network still
    uses its own defaults.

    Args:
        requested: The settings as requested.
        resolved: The settings as resolved, as far as they are known.
    """
    values = asdict(resolved)
    lines = []
    for name, value in asdict(requested).items():
        if value is None or value == {}:
            own = "" if values[name] in (None, {}) else f" {_literal(values[name])}"
            lines.append(f"# {name} ={own}")
        else:
            lines.append(f"{name} = {_literal(value)}")
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_literal(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML escapes what JSON need not
