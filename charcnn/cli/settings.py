"""The settings of a training as options of a command: one per field of `TrainSettings`."""

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Annotated, Any, cast

import typer

from charcnn.cli.flags import in_flags
from charcnn.cli.options import choices_metavar
from charcnn.errors import ConfigError
from charcnn.specs.settings import Declared, declared_settings
from charcnn.specs.train_config import TrainSettings

SETTINGS = declared_settings(TrainSettings)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting.

    Args:
        command: Its first parameter takes the given settings by name; the others are its own options.
    """
    _, *own = inspect.signature(command).parameters.values()
    shown = [_option(declared, declared.name, declared.flags) for declared in SETTINGS.values()]
    hidden = [_option(SETTINGS[name], f"hidden_{name}", flags, hidden=True) for name, flags in _HIDDEN.items()]

    def with_options(**values: Any) -> None:
        typed = {name: values.pop(name) for name in SETTINGS}
        for name in _HIDDEN:
            old = values.pop(f"hidden_{name}")
            if old is not None and typed[name] is not None:
                raise ConfigError(f"`{name}` and {_HIDDEN[name][0]} are one setting.", "Leave one of them out.")
            typed[name] = typed[name] if old is None else old
        command(
            {name: parse_setting(name, value) for name, value in typed.items() if value not in (None, [])}, **values
        )

    of_its_own = (parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own)
    parameters = [*shown, *hidden, *of_its_own]
    update_wrapper(with_options, command)
    cast("Any", with_options).__signature__ = inspect.Signature(parameters)
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


_HIDDEN = {name: declared.setting.hidden_flags for name, declared in SETTINGS.items() if declared.setting.hidden_flags}


def _option(declared: Declared, name: str, flags: Sequence[str], hidden: bool = False) -> inspect.Parameter:
    """Return the option of a setting. It defaults to None, so that only typed values override the config file."""
    annotation: Any = Annotated[_typed_as(declared) | None, setting_option(declared, flags, hidden)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def setting_option(declared: Declared, flags: Sequence[str], hidden: bool = False) -> Any:
    """Return what Typer needs to know of the option of a setting."""
    setting = declared.setting
    if setting.is_negatable:
        flags = (f"{flags[0]}/--no-{flags[0].removeprefix('--')}",)
    return typer.Option(
        *flags,
        help=in_flags(setting.help),
        show_default=in_flags(setting.default) or _default_in_words(declared),
        rich_help_panel=setting.panel,
        case_sensitive=False,
        autocompletion=_COMPLETIONS.get(declared.name),
        hidden=hidden,
        metavar=_metavar(declared),
    )


def _metavar(declared: Declared) -> str | None:
    """Return what the help shows as the value of the option; None for the name of its type."""
    if declared.is_sequence:
        return "TEXT"
    if declared.is_mapping:
        return "NAME=VALUE"
    return choices_metavar(declared.choices) if declared.choices else None


def _typed_as(declared: Declared) -> Any:
    """Return the type of a setting's option, a list if the flag may be repeated."""
    return list[str] if declared.is_sequence or declared.is_mapping else declared.given_type


def _default_in_words(declared: Declared) -> str | bool:
    default = declared.default
    if declared.is_sequence:
        return " ".join(default)
    return str(default) if isinstance(default, (str, int, float)) and not isinstance(default, bool) else False


def _complete_network(incomplete: str) -> list[str]:
    from charcnn.networks.built_in import network_names

    return [name for name in network_names() if name.startswith(incomplete.casefold())]


_COMPLETIONS: dict[str, Callable[[str], list[str]]] = {"net": _complete_network}


def parse_setting(name: str, value: Any) -> Any:
    """Return values given as NAME=VALUE as a dict of texts, others unchanged."""
    if not SETTINGS[name].is_mapping:
        return value
    pairs = [text.partition("=") for text in value]
    for key, equals, _ in pairs:
        if not equals or not key:
            raise ConfigError("must be NAME=VALUE", field=name, value=key)
    return {key.replace("-", "_"): text for key, _, text in pairs}
