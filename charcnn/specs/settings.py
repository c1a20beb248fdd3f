"""How training settings are declared: each once, on the field that stores it.

Flags, config files, the checks of `TrainConfig`, the card's JSON schema and the reference page are all derived from the
field's name, type, default and `Setting`. No pydantic, so that `train --help` does not wait for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Panel = Literal["Data", "Network", "Training", "Machine", "Model"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Description of a setting, besides the name, type and default of its field.

    Attributes:
        help: One sentence for `train --help` and the reference page.
        panel: Heading of its group in the help.
        default: The default in words, if the field's own default does not show it.
        flags: Spellings of the flag, the preferred one first; `--name` if empty.
        hidden_flags: Accepted spellings that the help does not show.
        is_negatable: Whether its flag has a `--no-` form.
        aliases: Other names that config files and `TrainConfig.parse` accept.
        ge, gt, le, lt: Bounds of a number, inclusive or exclusive.
        min_length: Minimum number of items in a sequence.
    """

    help: str
    panel: Panel
    default: str = ""
    flags: tuple[str, ...] = ()
    hidden_flags: tuple[str, ...] = ()
    is_negatable: bool = False
    aliases: tuple[str, ...] = ()
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    min_length: int | None = None

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds that are set, by their pydantic names."""
        found = {name: getattr(self, name) for name in ("ge", "gt", "le", "lt", "min_length")}
        return {name: value for name, value in found.items() if value is not None}

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Add the help, as the description, and the bounds to a JSON schema."""
        bounds = {_SCHEMA_BOUNDS[name]: value for name, value in self.bounds.items()}
        return {**handler(schema), "description": self.help, **bounds}


_SCHEMA_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "min_length": "minItems",
}
"""Pydantic name of a bound → its name in a JSON schema."""


class Declared(NamedTuple):
    """A setting as declared by its field.

    Attributes:
        name: Name of the field.
        type: Type of the field; includes None if the setting may be left open.
        default: Default of the field.
        setting: Everything else.
    """

    name: str
    type: Any
    default: Any
    setting: Setting

    @property
    def flags(self) -> tuple[str, ...]:
        """The spellings of its flag, the preferred one first."""
        return self.setting.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def given_type(self) -> Any:
        """The type without None."""
        if get_origin(self.type) in (UnionType, Union):
            (kind,) = (part for part in get_args(self.type) if part is not NoneType)
            return kind
        return self.type

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a sequence."""
        return get_origin(self.given_type) is Sequence

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return get_origin(self.given_type) is Mapping

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a `Literal` type; empty for other types."""
        return get_args(self.given_type) if get_origin(self.given_type) is Literal else ()


def declared_settings(kind: "type[DataclassInstance]") -> Mapping[str, Declared]:
    """Return the settings that a dataclass declares, by name, in order."""
    return _declared_settings(kind)


@cache
def _declared_settings(kind: Any) -> Mapping[str, Declared]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: _declared(kind, field, hints[field.name]) for field in fields(kind)}


def _declared(kind: type[Any], field: "Field[Any]", hint: Any) -> Declared:
    """Return the declaration of a field. If a subclass narrows the type, its `Setting` is that of the base class."""
    if get_origin(hint) is Annotated:
        narrowed, setting = get_args(hint)
        return Declared(field.name, narrowed, field.default, setting)
    inherited = next(base for base in kind.__mro__[1:] if field.name in getattr(base, "__dataclass_fields__", {}))
    return Declared(field.name, hint, field.default, _declared_settings(inherited)[field.name].setting)
