"""Resolve a config. Unset options come from the recipe, then from the optimizer's defaults."""

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
from charcnn.training.input_size import has_choice
from charcnn.training.recipes import RECIPES, Recipe

DEFAULT_NETWORK = "compact"
"""The network that is trained if the config names none."""
_COMMON_OPTIONS = ("activation", "batch_norm", "dropout")
"""Network options with their own setting in `TrainConfig`. Other options are in `net_options`."""
_OPTIMIZER_SETTINGS = ("lr", "momentum", "weight_decay")
"""Settings for which optimizers have defaults."""


@dataclass(frozen=True)
class ImageFacts:
    """Facts about the training images that a config is resolved with.

    Attributes:
        count: Number of training images.
        fit: How images are fitted to the network's input.
        margin: Width of the paper around the ink, as a fraction of the side.
        name: Default name of the model, from the name of the data.
        size: Height and width of the network's input chosen for the images, in pixels. None is the network's own.
    """

    count: int
    fit: Fit
    margin: float
    name: str
    size: int | None = None


@dataclass(frozen=True)
class MachineFacts:
    """Facts about the machine that a config is resolved with.

    Attributes:
        device: The device to train on.
        threads: Number of CPU threads, if the config does not set it.
        share_cores: Whether the number of threads may follow the load of the machine, if the config sets neither.
        precision: The precision that replaces `auto`.
    """

    device: Device
    threads: int
    precision: Literal["fp32", "bf16"]
    share_cores: bool = False


@overload
def resolve_config(config: TrainConfig) -> TrainSettings: ...
@overload
def resolve_config(config: TrainConfig, images: ImageFacts, machine: MachineFacts) -> ResolvedConfig: ...
def resolve_config(
    config: TrainConfig, images: ImageFacts | None = None, machine: MachineFacts | None = None
) -> TrainSettings:
    """Resolve a config: fill in the settings that are not set.

    Values come from the recipe, then from the optimizer's defaults. If the config sets an optimizer, the recipe's
    learning rate, momentum and weight decay are ignored.

    Args:
        config: The requested settings.
        images: Facts about the images. Without them, settings that depend on the images may stay None (size, epochs,
            and a recipe's weight decay and augmentation). This is enough to check or print a config.
        machine: Facts about the machine. Required with `images`.

    Raises:
        ConfigError: the network is unknown or does not have an option, settings contradict each other, or the learning
            rate falls to 0.

    Examples:
        >>> import charcnn
        >>> config = charcnn.TrainConfig(net="cnn", batch_size=32)
        >>> settings = charcnn.resolve_config(config)
        >>> settings.recipe, settings.opt, settings.epochs, settings.batch_size
        ('lab', 'adam', 9, 32)
        >>> images = charcnn.ImageFacts(count=6000, fit="ink", margin=0.08, name="letters")
        >>> machine = charcnn.MachineFacts(device="cpu", threads=2, precision="fp32")
        >>> charcnn.resolve_config(charcnn.TrainConfig(), images, machine).epochs
        32
    """
    network = get_network(config.net or DEFAULT_NETWORK)
    recipe_name = config.recipe or network.recipe
    if recipe_name not in RECIPES:
        raise ConfigError(f"The network {network.name} has an unknown recipe: {recipe_name}", known_names(RECIPES))
    recipe = RECIPES[recipe_name]
    filled = _fill_from_recipe(config, recipe)
    network = get_network(filled["net"])
    options = network.default_options | network.check_options(network_options(config))
    filled |= {name: options.pop(name) for name in _COMMON_OPTIONS if name in options}
    filled["net_options"] = options
    filled |= {"net": network.name, "recipe": recipe_name}
    size = config.size or (images.size if images else None)
    if size is not None or not has_choice(network.sizes):
        filled["size"] = network.check_size(size)
    if images is None or machine is None:
        draft = TrainSettings(**filled)
        _check_learning_rate(draft)
        return draft
    filled.setdefault("size", network.size)
    filled |= _fill_from_images(filled, recipe, _uses_recipe_decay(config, recipe), images)
    filled |= {"device": machine.device, "threads": config.threads or machine.threads}
    filled.setdefault("share_cores", machine.share_cores and not config.threads)
    if filled["precision"] == "auto":
        filled["precision"] = machine.precision
    resolved = ResolvedConfig(**filled)
    _check_learning_rate(resolved)
    return resolved


def network_options(config: TrainSettings) -> dict[str, OptionValue]:
    """Return the network options that a config sets."""
    common = {name: getattr(config, name) for name in _COMMON_OPTIONS}
    return {**{name: value for name, value in common.items() if value is not None}, **config.net_options}


def _fill_from_recipe(config: TrainConfig, recipe: Recipe) -> dict[str, Any]:
    """Return the settings that do not depend on the images: requested, from the recipe, or optimizer defaults."""
    requested = config.given()
    recommended = {**recipe.settings, **(recipe.by_name if config.recipe else {})}
    if config.opt:
        recommended = {name: value for name, value in recommended.items() if name not in _OPTIMIZER_SETTINGS}
    filled = {"net": DEFAULT_NETWORK, "precision": "auto", **recommended, **requested}
    optimizer = OPTIMIZERS[filled["opt"]]
    for name in _OPTIMIZER_SETTINGS:
        value = getattr(optimizer, name)
        if value is not None and not (name == "weight_decay" and _uses_recipe_decay(config, recipe)):
            filled.setdefault(name, value)
    return filled


def _uses_recipe_decay(config: TrainConfig, recipe: Recipe) -> bool:
    """Return whether the weight decay follows from the recipe and the number of steps.

    It does not if the config sets an optimizer or a weight decay.
    """
    return bool(recipe.decay) and config.opt is None and config.weight_decay is None


def _fill_from_images(
    filled: Mapping[str, Any], recipe: Recipe, uses_recipe_decay: bool, images: ImageFacts
) -> dict[str, Any]:
    """Return the settings that depend on the images."""
    epochs = filled.get("epochs") or recipe.epochs(images.count)
    settings = {"epochs": epochs, "fit": images.fit, "margin": images.margin, "name": filled.get("name") or images.name}
    if uses_recipe_decay:
        steps = epochs * math.ceil(images.count / filled["batch_size"])
        settings["weight_decay"] = recipe.weight_decay(filled["lr"], steps)
    if "augment" not in filled:
        settings["augment"] = "strong" if epochs >= recipe.strong_from else "light"
    return settings


def _check_learning_rate(config: TrainSettings) -> None:
    """Check that the learning rate stays above 0.

    Raises:
        ConfigError: `lr_increment` makes it fall to 0.
    """
    epochs, lr = config.epochs or 1, config.lr or 0.0
    if lr + config.lr_increment * (epochs - 1) <= 0:
        raise ConfigError(
            f"`lr={lr:g}` with `lr_increment={config.lr_increment:g}` falls to 0 within {epochs} epochs.",
            "Use a smaller increment or fewer epochs.",
        )
