"""Validation of single settings: type, choice, bounds."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charcnn.errors import ConfigError
from charcnn.specs.choices import closest_choice
from charcnn.specs.settings import declared_settings
from charcnn.text import one_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import BaseModel


def check_settings(kind: "type[DataclassInstance]", values: Mapping[str, Any]) -> dict[str, Any]:
    """Validate the values of settings, and return them converted to the settings' types.

    Args:
        kind: The dataclass that declares the settings.
        values: The values of all settings, by name.

    Raises:
        ConfigError: a value has the wrong type, is not a valid choice (the error suggests the closest), or is out of
            bounds.
    """
    from pydantic import ValidationError

    given = {name: _convert(kind, name, value) for name, value in values.items()}
    try:
        checked = _validator(kind).model_validate(given)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        message = "must not be empty" if first["type"] == "too_short" else first["msg"]
        raise _config_error(kind, str(first["loc"][0]), given, message) from None
    return {name: getattr(checked, name) for name in given}


def _convert(kind: "type[DataclassInstance]", name: str, value: Any) -> Any:
    """Convert choices to their own case, single values of a sequence to tuples, and paths in a sequence to text."""
    declared = declared_settings(kind)[name]
    if declared.choices and isinstance(value, str):
        return next((choice for choice in declared.choices if choice.casefold() == value.casefold()), value)
    if declared.is_sequence:
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        return tuple(str(part) if isinstance(part, Path) else part for part in several)
    return value


@cache
def _validator(kind: Any) -> "type[BaseModel]":
    """Return a pydantic model of the settings, built when the first settings are checked."""
    from pydantic import ConfigDict, Field, create_model

    types: dict[str, Any] = {}
    for name, declared in declared_settings(kind).items():
        bounds: dict[str, Any] = declared.setting.bounds
        types[name] = declared.type, Field(**bounds)
    return create_model(kind.__name__, __config__=ConfigDict(allow_inf_nan=False), **types)


def _config_error(kind: "type[DataclassInstance]", name: str, values: Mapping[str, Any], message: str) -> ConfigError:
    known = declared_settings(kind)[name].choices
    reason = f"must be {one_of(known)}" if known else message.replace("Input should", "must")
    closest = closest_choice(str(values[name]), known)
    hint = f"Did you mean {closest}?" if closest else ""
    return ConfigError(reason[:1].lower() + reason[1:], hint, field=name, value=values[name], known=known)
