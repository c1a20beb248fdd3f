"""Activation functions by name."""

from collections.abc import Callable

from torch import nn

from charcnn.errors import ConfigError
from charcnn.text import did_you_mean

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "leaky-relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
}
"""Name → the class of the module."""


def activation_module(name: str) -> nn.Module:
    """Return a new activation module.

    Raises:
        ConfigError: the name is unknown.
    """
    if name not in ACTIVATIONS:
        raise ConfigError(f"Unknown activation: {name}", did_you_mean(name, ACTIVATIONS))
    return ACTIVATIONS[name]()
