"""Settings as TOML that `train --config` reads."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from charcnn.specs.train_config import TrainConfig, TrainSettings


def to_toml(asked: TrainConfig, resolved: TrainSettings) -> str:
    """Return the settings as TOML.

    A setting that was left open is a comment with the value that it comes to, so that another optimizer or network
    still takes its own.

    Args:
        asked: The settings.
        resolved: What they come to, as far as that is known.
    """
    values = asdict(resolved)
    lines = []
    for name, value in asdict(asked).items():
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
