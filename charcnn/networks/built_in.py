"""The names of the networks, known without importing torch."""

from collections.abc import Sequence
from importlib.metadata import entry_points

from charcnn.errors import UnknownNetworkError

BUILT_IN = {
    "compact": "charcnn.networks.compact",
    "compact-l": "charcnn.networks.compact",
    "cnn": "charcnn.networks.cnn",
    "cnn-dropout": "charcnn.networks.cnn",
    "lenet": "charcnn.networks.lenet",
    "lenet-wide": "charcnn.networks.lenet",
    "resnet18": "charcnn.networks.from_torchvision",
    "mobilenet_v3_small": "charcnn.networks.from_torchvision",
}
"""Name → the module that registers it."""

PLUGIN_GROUP = "charcnn.networks"
"""The group of entry points whose modules register networks. An entry point has the name of its network."""


def network_names() -> Sequence[str]:
    """Return the names of the built-in networks and of the plugins."""
    return (*BUILT_IN, *sorted(entry_points(group=PLUGIN_GROUP).names))


def check_network_name(name: str) -> None:
    """Check that there may be a network of a name, as far as can be told without importing torch.

    Raises:
        UnknownNetworkError: it is no built-in one, and no plugin is installed.
    """
    if name.casefold() not in BUILT_IN and not entry_points(group=PLUGIN_GROUP):
        raise UnknownNetworkError(name.casefold(), list(BUILT_IN))
