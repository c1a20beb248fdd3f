"""The description of a network: name, input sizes, options and the function that builds it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, SimpleNamespace
from typing import Any, get_args, get_type_hints

import torch
from torch import nn

from charcnn.errors import ConfigError
from charcnn.specs.settings import declared_settings
from charcnn.specs.train_config import OptionValue, TrainSettings
from charcnn.text import did_you_mean

Builder = Callable[..., nn.Module]
"""`builder(classes, *, option=default, ...)` → module: float32 `[N,1,H,W]` → logits `[N,classes]`."""

_OPTION_TYPES = (str, int, float, bool)
"""Types that an option may have."""


@dataclass(frozen=True)
class Network:
    """A registered network.

    Attributes:
        name: Name in settings and cards.
        sizes: Supported heights and widths of the input, in pixels. The first one is the default.
        recipe: Name of the default training recipe.
        summary: One-line description.
        builder: The function that builds it.
    """

    name: str
    sizes: tuple[int, ...]
    recipe: str
    summary: str
    builder: Builder

    @property
    def options(self) -> dict[str, OptionValue | None]:
        """All options and their defaults. None is a default that the builder decides."""
        return {option.name: option.default for option in _options(self.builder)}

    @property
    def default_options(self) -> dict[str, OptionValue]:
        """The options whose default is not None."""
        return {name: value for name, value in self.options.items() if value is not None}

    def build(self, classes: int, options: Mapping[str, OptionValue | None] | None = None) -> nn.Module:
        """Build the network with random weights from torch's global generator.

        Args:
            classes: Number of logits.
            options: Options to set. None selects the default.

        Returns:
            A module: float32 `[N,1,H,W]`, with `H = W` in `sizes`, → logits `[N,classes]`.

        Raises:
            ConfigError: the network does not have an option, or its value has the wrong type.
        """
        return self.builder(classes, **self.check_options(options or {}))

    def check_options(self, options: Mapping[str, OptionValue | None]) -> dict[str, OptionValue]:
        """Return the options that are not None, converted to the types of the builder's parameters.

        Strings are converted to int, float and bool.

        Raises:
            ConfigError: the network does not have an option, or a value cannot be converted.
        """
        known = {option.name: option.type for option in _options(self.builder)}
        checked: dict[str, OptionValue] = {}
        for name, value in options.items():
            if value is None:
                continue
            if name not in known:
                hint = did_you_mean(name, known) if known else "This network has no options."
                raise _option_error(name, value, f"the network {self.name} has no option {name}", hint)
            try:
                checked[name] = _as_type(known[name], value)
            except ValueError:
                reason = f"the option {name} of the network {self.name} must be {_TYPE_NAMES[known[name]]}"
                raise _option_error(name, value, reason, "") from None
        return checked

    @property
    def size(self) -> int:
        """Default height and width of the input, in pixels."""
        return self.sizes[0]

    def check_size(self, size: int | None) -> int:
        """Return a size if the network supports it, and the default size for None.

        Raises:
            ConfigError: the network does not support the size.
        """
        if size is not None and size not in self.sizes:
            raise ConfigError(
                f"The network {self.name} does not support images of {size} × {size} pixels.",
                f"Supported sizes: {', '.join(map(str, self.sizes))}",
            )
        return size or self.size

    def parameters(self, classes: int) -> int:
        """Return the number of trainable parameters, without allocating them."""
        with torch.device("meta"):
            return sum(weight.numel() for weight in self.build(classes).parameters())


@dataclass(frozen=True)
class _Option:
    """A keyword-only parameter of a builder."""

    name: str
    type: type[OptionValue]
    default: OptionValue | None


def check_builder(name: str, builder: Builder) -> None:
    """Check the options of a builder function.

    Raises:
        ConfigError: an option has no default, or is not annotated as str, int, float or bool (optionally with None).
    """
    for parameter in _keyword_parameters(builder):
        if parameter.default is inspect.Parameter.empty:
            raise ConfigError(f"The option {parameter.name} of the network {name} needs a default.")
    for option in _options(builder):
        if option.type not in _OPTION_TYPES:
            raise ConfigError(f"The option {option.name} of the network {name} must be a str, int, float or bool.")


def _options(builder: Builder) -> list[_Option]:
    """Return the options of a builder. Other annotations are not resolved, as their names may not be imported."""
    keywords = _keyword_parameters(builder)
    annotated = SimpleNamespace(__annotations__={parameter.name: parameter.annotation for parameter in keywords})
    hints = get_type_hints(annotated, globalns=getattr(inspect.unwrap(builder), "__globals__", {}))
    return [_Option(parameter.name, _without_none(hints[parameter.name]), parameter.default) for parameter in keywords]


def _keyword_parameters(builder: Builder) -> list[inspect.Parameter]:
    parameters = inspect.signature(builder).parameters.values()
    return [parameter for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]


def _without_none(hint: Any) -> Any:
    """Return `int` for `int | None`, and any other type as it is."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else hint


_TYPE_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
"""How messages name the types of options."""


def _as_type(kind: type[OptionValue], value: OptionValue) -> OptionValue:
    """Convert the value of an option to a type.

    Raises:
        ValueError: the value cannot be converted.
    """
    if kind is bool and isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    if kind in (int, float) and isinstance(value, str):
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(value)
    return value


def _option_error(option: str, value: OptionValue, reason: str, hint: str) -> ConfigError:
    if option in declared_settings(TrainSettings):
        return ConfigError(reason, hint, field=option, value=value)
    return ConfigError(reason, hint, field="net_options", value=f"{option}={value}")
