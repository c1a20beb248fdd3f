"""Networks, one file per family; `charcnn.networks.catalogue` finds them by name."""

from charcnn.networks.blocks import plain_layers

__all__ = ["plain_layers"]
