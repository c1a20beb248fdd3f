"""How a setting of a training is declared: once, on the field that holds it.

Flags, config files, `TrainConfig`'s checks, the card's JSON schema and the reference page all follow from the field's
name, type, default and `Setting`. No pydantic: `train --help` does not wait for it.
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
    """What the command line and the checks need to know of a setting besides its name, type and default.

    Attributes:
        help: One sentence for `train --help` and the reference page.
        panel: The heading it stands under in the help.
        default: The default in words, where the field's own default does not say it.
        flags: Spellings of the flag, the first one shown first; `--name` where not given.
        hidden_flags: Spellings that are accepted and not shown.
        is_negatable: Whether its flag has a `--no-` form.
        aliases: Other names that config files and `TrainConfig.parse` accept.
        ge, gt, le, lt: Bounds of a number, inclusive or exclusive.
        min_length: Least number of items of a sequence.
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
        """The constraints that are set, under pydantic's names."""
        found = {name: getattr(self, name) for name in ("ge", "gt", "le", "lt", "min_length")}
        return {name: value for name, value in found.items() if value is not None}

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Add the help as description, and the bounds, to a JSON schema."""
        bounds = {_SCHEMA_BOUNDS[name]: value for name, value in self.bounds.items()}
        return {**handler(schema), "description": self.help, **bounds}


_SCHEMA_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "min_length": "minItems",
}
"""What JSON schema calls the bounds."""


class Declared(NamedTuple):
    """A setting as its field declares it.

    Attributes:
        name: As Python spells it.
        type: Its type, None among it where it may be left open.
        default: The field's default.
        setting: The rest.
    """

    name: str
    type: Any
    default: Any
    setting: Setting

    @property
    def flags(self) -> tuple[str, ...]:
        """The spellings of its flag, the first one shown first."""
        return self.setting.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def given_type(self) -> Any:
        """Its type when it is given: without None."""
        if get_origin(self.type) in (UnionType, Union):
            (kind,) = (part for part in get_args(self.type) if part is not NoneType)
            return kind
        return self.type

    @property
    def is_sequence(self) -> bool:
        """Whether it holds several values in order."""
        return get_origin(self.given_type) is Sequence

    @property
    def is_mapping(self) -> bool:
        """Whether it holds several values by name."""
        return get_origin(self.given_type) is Mapping

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a closed choice; none of another type."""
        return get_args(self.given_type) if get_origin(self.given_type) is Literal else ()


def declared_settings(kind: "type[DataclassInstance]") -> Mapping[str, Declared]:
    """Return the settings that a dataclass declares, by name, in order."""
    return _declared_settings(kind)


@cache
def _declared_settings(kind: Any) -> Mapping[str, Declared]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: _declared(kind, field, hints[field.name]) for field in fields(kind)}


def _declared(kind: type[Any], field: "Field[Any]", hint: Any) -> Declared:
    """A subclass may narrow a setting's type; the rest is then what the base class says of it."""
    if get_origin(hint) is Annotated:
        narrowed, setting = get_args(hint)
        return Declared(field.name, narrowed, field.default, setting)
    inherited = next(base for base in kind.__mro__[1:] if field.name in getattr(base, "__dataclass_fields__", {}))
    return Declared(field.name, hint, field.default, _declared_settings(inherited)[field.name].setting)
