"""The names of all networks, without importing torch."""

from collections.abc import Sequence
from importlib.metadata import entry_points

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
