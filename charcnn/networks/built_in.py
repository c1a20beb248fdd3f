"""The names of all networks, without importing torch."""

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
"""Name of each built-in network → the module that registers it."""

PLUGIN_GROUP = "charcnn.networks"
"""Entry point group for plugins. An entry point has the name of its network and loads the module that registers it."""


def network_names() -> Sequence[str]:
    """Return the names of the built-in networks and of the installed plugins."""
    return (*BUILT_IN, *sorted(entry_points(group=PLUGIN_GROUP).names))


def check_network_name(name: str) -> None:
    """Check that a network can exist under a name, as far as possible without importing torch.

    Raises:
        UnknownNetworkError: the name is not that of a built-in network, and no plugin is installed.
    """
    if name.casefold() not in BUILT_IN and not entry_points(group=PLUGIN_GROUP):
        raise UnknownNetworkError(name.casefold(), list(BUILT_IN))
