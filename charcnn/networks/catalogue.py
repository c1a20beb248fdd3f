"""The networks by name: `register_network` puts a builder in, `get_network` takes a network out.

A builder is a function `(classes, **options) -> nn.Module`. Its keyword-only parameters are the network's options.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType

from charcnn.errors import ConfigError, UnknownNetworkError
from charcnn.networks.built_in import BUILT_IN, PLUGIN_GROUP
from charcnn.networks.network import Builder, Network, check_builder
from charcnn.specs.settings import declared_settings
from charcnn.specs.train_config import TrainSettings

log = logging.getLogger(__name__)

_networks: dict[str, Network] = {}


def register_network(
    name: str, *, sizes: Sequence[int], recipe: str = "lab", summary: str = ""
) -> Callable[[Builder], Builder]:
    """Register a builder as a network that can be trained, by decorating it.

        @charcnn.register_network("tiny", sizes=[28], summary="one convolution")
        def tiny(classes: int, *, channels: int = 8) -> nn.Module: ...

    An installed package registers its networks when they are needed, if its module is an entry point in the group
    `charcnn.networks`. The function may be registered again, as a notebook does that runs a cell twice.

    Args:
        name: Lower-case letters, digits, `-`, `_` and `.`.
        sizes: Height and width that its input may have, in pixels; the first one by default.
        recipe: The recipe that it trains with by default.
        summary: One line for people.

    Raises:
        ConfigError: the name is taken or impossible, there is no size, there is no such recipe, or an option of the
            builder has no default or is not annotated as str, int, float or bool.
    """
    recipes = declared_settings(TrainSettings)["recipe"].choices
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
        raise ConfigError("must be lower-case letters, digits, -, _ and .", field="name", value=name)
    if not sizes:
        raise ConfigError("must not be empty", field="sizes", value=sizes)
    if recipe not in recipes:
        raise ConfigError("there is no such recipe", field="recipe", value=recipe, known=recipes)

    def register(builder: Builder) -> Builder:
        taken = _networks[name].builder.__module__ if name in _networks else BUILT_IN.get(name, builder.__module__)
        if taken != builder.__module__:
            raise ConfigError(f"{taken} has a network of this name", field="name", value=name)
        check_builder(name, builder)
        _networks[name] = Network(name, tuple(sizes), recipe, summary, builder)
        return builder

    return register


def networks() -> Mapping[str, Network]:
    """Return all networks by name, the built-in ones first."""
    for module in BUILT_IN.values():
        import_module(module)
    _load_plugins()
    return MappingProxyType(_networks)


def get_network(name: str) -> Network:
    """Find a network by name, in upper or lower case. Only what registers it is imported.

    Raises:
        UnknownNetworkError: there is none.
    """
    name = name.casefold()
    if name not in _networks:
        if name in BUILT_IN:
            import_module(BUILT_IN[name])
        else:
            _load_plugins()
    if name not in _networks:
        raise UnknownNetworkError(name, list(networks()))
    return _networks[name]


@cache
def _load_plugins() -> None:
    """Import what entry points name. One that cannot be imported costs a warning, and no more."""
    for plugin in entry_points(group=PLUGIN_GROUP):
        try:
            plugin.load()
        except Exception as fault:  # whatever a stranger's module raises
            log.warning("The network %s of %s cannot be loaded: %s", plugin.name, plugin.value, fault)
