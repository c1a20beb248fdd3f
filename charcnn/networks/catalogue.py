"""The networks by name: `@network` puts a builder in, `build` takes a network out.

A builder is a function `(classes, **options) -> nn.Module`. Its keyword-only parameters are the options that the
network has a place for; their defaults are the network's own.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import nn

from charcnn.errors import ConfigError
from charcnn.text import did_you_mean

_FAMILIES = (
    "charcnn.networks.compact",
    "charcnn.networks.cnn",
    "charcnn.networks.lenet",
    "charcnn.networks.from_torchvision",
)

Option = str | float | bool


@dataclass(frozen=True)
class Network:
    """A network that can be trained.

    Attributes:
        name: What `--net` takes.
        sizes: Height and width that its input may have, in pixels; the first one where nobody says.
        recipe: The name of the settings that it trains with where nobody says.
        summary: One line for people.
        builder: Makes it.
    """

    name: str
    sizes: tuple[int, ...]
    recipe: str
    summary: str
    builder: Callable[..., nn.Module]

    @property
    def options(self) -> dict[str, Option | None]:
        """The options that the network has a place for, with its own values; None where one value does not say it."""
        parameters = inspect.signature(self.builder).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}

    @property
    def own_options(self) -> dict[str, Option]:
        """The options that have one value of the network's own."""
        return {name: value for name, value in self.options.items() if value is not None}

    def build(self, classes: int, options: Mapping[str, Option] | None = None) -> nn.Module:
        """Builds the network with fresh weights, drawn from torch's global generator.

        Args:
            classes: Number of logits.
            options: The options to set; None values count as not given.

        Returns:
            A module `[N,1,H,W]` float32, with `H = W` one of `sizes`, → logits `[N,classes]`.

        Raises:
            ConfigError: the network has no place for an option.
        """
        given = {key: value for key, value in (options or {}).items() if value is not None}
        self.check_options(given)
        return self.builder(classes, **given)

    def check_options(self, options: Iterable[str]) -> None:
        """Checks that the network has a place for each option.

        Raises:
            ConfigError: it has not.
        """
        flags = ["--" + name.replace("_", "-") for name in options if name not in self.options]
        if flags:
            takes = ", ".join("--" + name.replace("_", "-") for name in self.options) or "no such options"
            raise ConfigError(f"The network {self.name} has no place for {flags[0]}.", f"It takes {takes}.")

    @property
    def size(self) -> int:
        """Height and width of its input where nobody says, in pixels."""
        return self.sizes[0]

    def check_size(self, size: int | None) -> int:
        """Gives the input's side for what was asked; its own for None.

        Raises:
            ConfigError: the network does not take images of that size.
        """
        if size is not None and size not in self.sizes:
            raise ConfigError(
                f"The network {self.name} does not take images of {size} × {size}.",
                f"It takes {', '.join(map(str, self.sizes))}.",
            )
        return size or self.size

    def parameters(self, classes: int) -> int:
        """Counts the trainable numbers, without making them."""
        with torch.device("meta"):
            return sum(weight.numel() for weight in self.build(classes).parameters())


_networks: dict[str, Network] = {}


def network(
    name: str, *, sizes: tuple[int, ...], recipe: str, summary: str
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Puts a builder into the catalogue under a name."""

    def put(builder: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        if name in _networks:
            raise ValueError(f"two networks are named {name}")
        _networks[name] = Network(name, sizes, recipe, summary, builder)
        return builder

    return put


@cache
def networks() -> Mapping[str, Network]:
    """Gives all networks by name."""
    for family in _FAMILIES:
        import_module(family)
    return _networks


def get_network(name: str) -> Network:
    """Finds a network by name.

    Raises:
        ConfigError: there is none; the closest name is offered.
    """
    if name not in networks():
        raise ConfigError(f"Unknown network: {name}", did_you_mean(name, networks()) + " charcnn networks lists them.")
    return networks()[name]


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "leaky-relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
}


def activation_module(name: str) -> nn.Module:
    """Makes an activation function by name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in ACTIVATIONS:
        raise ConfigError(f"Unknown activation: {name}", did_you_mean(name, ACTIVATIONS))
    return ACTIVATIONS[name]()


def classifier_name(module: nn.Module) -> str:
    """Gives the name of the last linear layer of a network: the one whose rows are the classes."""
    names: list[Any] = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    return str(names[-1])
