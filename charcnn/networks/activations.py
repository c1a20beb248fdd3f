"""The activation functions by name."""

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


def activation_module(name: str) -> nn.Module:
    """Return a new activation function.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in ACTIVATIONS:
        raise ConfigError(f"Unknown activation: {name}", did_you_mean(name, ACTIVATIONS))
    return ACTIVATIONS[name]()
