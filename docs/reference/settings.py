"""Write settings.md: the settings of a training, from their declarations. `python docs/reference/settings.py`."""

from pathlib import Path
from types import NoneType
from typing import Any, get_args

from charcnn.cli.flags import in_flags
from charcnn.cli.settings import SETTINGS
from charcnn.specs.settings import Declared

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Settings of a training

Each is a keyword of `charcnn.TrainConfig`, a key of the TOML file that `charcnn train --config` reads, and a flag.
Written by `make reference` from `charcnn/specs/train_config.py`.
"""


def page() -> str:
    """Return the page, as Markdown."""
    panels: dict[str, list[Declared]] = {}
    for declared in SETTINGS.values():
        panels.setdefault(declared.setting.panel, []).append(declared)
    parts = [_HEAD]
    for panel, settings in panels.items():
        parts.append(f"\n## {panel}\n\n| name | flag | values | default | |\n|---|---|---|---|---|\n")
        parts += [_row(declared) for declared in settings]
    return "".join(parts)


def _row(declared: Declared) -> str:
    flags = " ".join(f"`{flag}`" for flag in declared.flags)
    default = in_flags(declared.setting.default) or _value(declared.default)
    return f"| `{declared.name}` | {flags} | {_values(declared)} | {default} | {in_flags(declared.setting.help)} |\n"


def _values(declared: Declared) -> str:
    if declared.choices:
        return ", ".join(f"`{choice}`" for choice in declared.choices)
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [f"{signs[name]} {value:g}" for name, value in declared.setting.bounds.items() if name in signs]
    kinds = [kind for kind in get_args(declared.given_type) or (declared.given_type,) if kind is not NoneType]
    names = {str: "text", int: "integer", float: "number", bool: "yes or no"}
    kind = "texts" if declared.is_sequence else "values by name" if declared.is_mapping else names[kinds[0]]
    return " ".join([kind, ", ".join(bounds)]).strip()


def _value(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, tuple):
        return " ".join(f"`{part}`" for part in default)
    return f"`{default}`" if isinstance(default, (str, int, float)) else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
