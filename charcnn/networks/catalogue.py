"""Register networks with `register_network`, and look them up by name with `get_network`.

A builder is a function `(classes, *, option=default, ...) -> nn.Module`. Its keyword-only parameters are the network's
options.
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
    """Register a builder function as a network, as a decorator.

    Installed packages can register networks too, through the entry point group `charcnn.networks`. A function may be
    registered again by the same module, for example if a notebook cell runs twice.

    Args:
        name: Name of the network: lower-case letters, digits, `-`, `_` and `.`.
        sizes: Supported heights and widths of the input, in pixels. The first one is the default.
        recipe: Name of the default training recipe.
        summary: One-line description.

    Raises:
        ConfigError: the name is taken or invalid, `sizes` is empty, the recipe is unknown, or an option of the builder
            has no default or is not annotated as str, int, float or bool.

    Examples:
        >>> import charcnn
        >>> from torch import nn
        >>> @charcnn.register_network("tiny", sizes=[28], summary="one convolution")
        ... def tiny(classes: int, *, channels: int = 8) -> nn.Module:
        ...     convolution = [nn.Conv2d(1, channels, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1)]
        ...     return nn.Sequential(*convolution, nn.Flatten(), nn.Linear(channels, classes))
        >>> config = charcnn.TrainConfig(data=("abc/train",), net="tiny", net_options={"channels": 16}, epochs=1)
        >>> charcnn.train(config).version.card.network.parameters
        211
    """
    recipes = declared_settings(TrainSettings)["recipe"].choices
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
        raise ConfigError("must be lower-case letters, digits, -, _ and .", field="name", value=name)
    if not sizes:
        raise ConfigError("must not be empty", field="sizes", value=sizes)
    if recipe not in recipes:
        raise ConfigError("unknown recipe", field="recipe", value=recipe, known=recipes)

    def register(builder: Builder) -> Builder:
        owner = _networks[name].builder.__module__ if name in _networks else BUILT_IN.get(name, builder.__module__)
        if owner != builder.__module__:
            raise ConfigError(f"{owner} already registered a network with this name", field="name", value=name)
        check_builder(name, builder)
        _networks[name] = Network(name, tuple(sizes), recipe, summary, builder)
        return builder

    return register


def networks() -> Mapping[str, Network]:
    """Return all networks by name, built-in ones first."""
    for module in BUILT_IN.values():
        import_module(module)
    _load_plugins()
    return MappingProxyType(_networks)


def get_network(name: str) -> Network:
    """Return a network by its name, which is not case-sensitive. Imports only the module that registers it.

    Raises:
        UnknownNetworkError: the name is unknown.
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
    """Load the networks of installed plugins. A plugin that fails to load is skipped with a warning."""
    for plugin in entry_points(group=PLUGIN_GROUP):
        try:
            plugin.load()
        except Exception as fault:  # third-party code may raise anything
            log.warning("Cannot load the network %s from %s: %s", plugin.name, plugin.value, fault)
