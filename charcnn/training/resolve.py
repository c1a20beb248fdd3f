"""What was asked → what it comes to: flag, config file, recipe, the optimizer's own default, in this order."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, overload

from charcnn.errors import ConfigError
from charcnn.networks.catalogue import get_network
from charcnn.specs.choices import Device, Fit
from charcnn.specs.optimizers import OPTIMIZERS
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import OptionValue, TrainConfig, TrainSettings
from charcnn.text import known_names
from charcnn.training.recipes import RECIPES, Recipe

DEFAULT_NETWORK = "compact"
_COMMON_OPTIONS = ("activation", "batch_norm", "dropout")
"""Options of networks that are settings of their own; others are `net_options`."""
_OPTIMIZER_SETTINGS = ("lr", "momentum", "weight_decay")


@dataclass(frozen=True)
class ImageFacts:
    """What the images tell.

    Attributes:
        count: Images to learn from.
        fit: How they become square.
        margin: Paper around the ink, as a share of the side.
        name: The model's name that the data's suggests.
    """

    count: int
    fit: Fit
    margin: float
    name: str


@dataclass(frozen=True)
class MachineFacts:
    """What the machine tells.

    Attributes:
        device: The device that `auto` takes.
        threads: Threads to compute with, where the config leaves them open.
        precision: The precision that `auto` takes.
    """

    device: Device
    threads: int
    precision: Literal["fp32", "bf16"]


@overload
def resolve_config(config: TrainConfig) -> TrainSettings: ...
@overload
def resolve_config(config: TrainConfig, images: ImageFacts, machine: MachineFacts) -> ResolvedConfig: ...
def resolve_config(
    config: TrainConfig, images: ImageFacts | None = None, machine: MachineFacts | None = None
) -> TrainSettings:
    """Return what a config comes to.

    An optimizer that is asked for takes its own learning rate, momentum and weight decay, not the recipe's.

    Args:
        config: What was asked.
        images: What the images tell. Without them, what depends on them (epochs, and a recipe's weight decay and
            augmentation) stays open: enough to check a config, and to print it.
        machine: What the machine tells, given with `images`.

    Raises:
        ConfigError: an unknown network, an option that the network lacks, settings that contradict each other, a
            learning rate that falls to 0.
    """
    network = get_network(config.net or DEFAULT_NETWORK)
    recipe_name = config.recipe or network.recipe
    if recipe_name not in RECIPES:
        raise ConfigError(f"The network {network.name} names an unknown recipe: {recipe_name}", known_names(RECIPES))
    recipe = RECIPES[recipe_name]
    filled = _filled(config, recipe)
    network = get_network(filled["net"])
    options = network.own_options | network.check_options(network_options(config))
    filled |= {name: options.pop(name) for name in _COMMON_OPTIONS if name in options}
    filled["net_options"] = options
    filled |= {"net": network.name, "size": network.check_size(config.size), "recipe": recipe_name}
    if images is None or machine is None:
        draft = TrainSettings(**filled)
        _check_rate(draft)
        return draft
    filled |= _told_by_images(filled, recipe, _decays_by_steps(config, recipe), images)
    filled |= {"device": machine.device, "threads": config.threads or machine.threads}
    if filled["precision"] == "auto":
        filled["precision"] = machine.precision
    resolved = ResolvedConfig(**filled)
    _check_rate(resolved)
    return resolved


def network_options(config: TrainSettings) -> dict[str, OptionValue]:
    """Return the options of the network that a config sets."""
    common = {name: getattr(config, name) for name in _COMMON_OPTIONS}
    return {**{name: value for name, value in common.items() if value is not None}, **config.net_options}


def _filled(config: TrainConfig, recipe: Recipe) -> dict[str, Any]:
    """The settings that are known without images: asked, of the recipe, or the optimizer's own."""
    asked = config.given()
    chosen = {**recipe.settings, **(recipe.by_name if config.recipe else {})}
    if config.opt:
        chosen = {name: value for name, value in chosen.items() if name not in _OPTIMIZER_SETTINGS}
    filled = {"net": DEFAULT_NETWORK, "precision": "auto", **chosen, **asked}
    optimizer = OPTIMIZERS[filled["opt"]]
    for name in _OPTIMIZER_SETTINGS:
        value = getattr(optimizer, name)
        if value is not None and not (name == "weight_decay" and _decays_by_steps(config, recipe)):
            filled.setdefault(name, value)
    return filled


def _decays_by_steps(config: TrainConfig, recipe: Recipe) -> bool:
    """Whether the recipe makes the weight decay from the number of steps: not where an optimizer was asked for."""
    return bool(recipe.decay) and config.opt is None and config.weight_decay is None


def _told_by_images(
    filled: Mapping[str, Any], recipe: Recipe, decays_by_steps: bool, images: ImageFacts
) -> dict[str, Any]:
    epochs = filled.get("epochs") or recipe.epochs(images.count)
    told = {"epochs": epochs, "fit": images.fit, "margin": images.margin, "name": filled.get("name") or images.name}
    if decays_by_steps:
        steps = epochs * math.ceil(images.count / filled["batch_size"])
        told["weight_decay"] = recipe.weight_decay(filled["lr"], steps)
    if "augment" not in filled:
        told["augment"] = "strong" if epochs >= recipe.strong_from else "light"
    return told


def _check_rate(config: TrainSettings) -> None:
    epochs, lr = config.epochs or 1, config.lr or 0.0
    if lr + config.lr_increment * (epochs - 1) <= 0:
        raise ConfigError(
            f"`lr={lr:g}` with `lr_increment={config.lr_increment:g}` falls to 0 within {epochs} epochs.",
            "Use a smaller increment, or fewer epochs.",
        )
