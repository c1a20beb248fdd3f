"""Which settings of a training differ from the recipe of its network, and the line that names them."""

from dataclasses import asdict
from typing import Any

from charcnn.networks.catalogue import get_network
from charcnn.specs.image import ImageSpec
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig
from charcnn.text import pluralize
from charcnn.training.input_size import DENSE_SIZE, has_choice
from charcnn.training.recipes import RECIPES
from charcnn.training.resolve import ImageFacts, MachineFacts, resolve_config

_NEVER_VARIED = ("data", "strict", "net", "name", "device", "precision", "threads", "share_cores")
"""What is trained, on what, and where: settings without a value that would be the recipe's."""

_CHOSEN_BY_AUTO = ("stretch", "ink")


def varied_settings(config: ResolvedConfig, images: int) -> dict[str, Any]:
    """Return the settings that differ from what the network and its recipe alone come to, by name.

    What follows from another setting does not count as varied: the learning rate and momentum that another optimizer
    brings with it, the weight decay and augmentation that follow from the number of epochs, or what training may choose
    for the images (`fit` and `size`). Of `net_options` only those are returned that differ.

    Args:
        config: The settings of a training.
        images: The number of images it learns from.
    """
    plain = _plain_settings(config, images)
    varied = {name: value for name, value in asdict(config).items() if value != plain.get(name)}
    if "net_options" in varied:
        own = plain["net_options"]
        varied["net_options"] = {name: value for name, value in config.net_options.items() if value != own.get(name)}
    return {name: value for name, value in varied.items() if name not in _NEVER_VARIED}


def _plain_settings(config: ResolvedConfig, images: int) -> dict[str, Any]:
    """Return the settings of the network and its recipe, on the same images and machine."""
    recipe = RECIPES[config.recipe]
    opt = None if config.opt == recipe.settings["opt"] else config.opt
    facts = ImageFacts(images, ImageSpec().fit, ImageSpec().margin, config.name)
    machine = MachineFacts(config.device, config.threads, config.precision)
    asked: dict[str, Any] = {"net": config.net, "recipe": config.recipe, "opt": opt}
    plain = resolve_config(TrainConfig(**asked), facts, machine)
    given: dict[str, Any] = {"lr": config.lr, "epochs": config.epochs, "batch_size": config.batch_size}
    following = resolve_config(TrainConfig(**asked, **given), facts, machine)
    network = get_network(config.net)
    is_dense = has_choice(network.sizes) and config.size == DENSE_SIZE
    return {
        **asdict(plain),
        "size": config.size if is_dense else plain.size,
        "recipe": network.recipe,
        "opt": recipe.settings["opt"],
        "weight_decay": following.weight_decay,
        "augment": following.augment,
        "fit": config.fit if config.fit in _CHOSEN_BY_AUTO else None,
    }


def describe_training(config: ResolvedConfig, images: int) -> str:
    """Return two lines: network, data and settings, every varied one among them; and where it is trained."""
    varied = varied_settings(config, images)
    parts = [config.opt, _rate(config)]
    if config.momentum or "momentum" in varied:
        parts.append(f"momentum {config.momentum:g}")
    if config.fit != "stretch":
        varied = {"fit": config.fit, **varied}
    augmentation = "no augmentation" if config.augment == "off" else f"{config.augment} augmentation"
    parts += [f"batch {config.batch_size}", augmentation, pluralize(config.epochs, "epoch")]
    named = ("size", "opt", "lr", "lr_increment", "schedule", "momentum", "batch_size", "augment", "epochs", "compile")
    parts += [text for name, value in varied.items() if name not in named for text in _in_words(name, value)]
    return (
        f"{config.net} {config.size} × {config.size} on {' + '.join(config.data)}: {', '.join(parts)}\n"
        f"{config.device} in {config.precision}, threads: {config.threads}{', compiled' if config.compile else ''}"
    )


def _rate(config: ResolvedConfig) -> str:
    if config.lr_increment:
        return f"lr {config.lr:g} {'+' if config.lr_increment > 0 else '-'} {abs(config.lr_increment):g} per epoch"
    return f"lr {config.lr:g} {config.schedule}"


def _in_words(name: str, value: Any) -> list[str]:
    """Return a setting as words: `no batch norm`, `dropout 0.5`; of a network's own options, each."""
    if name == "net_options":
        return [f"{option.replace('_', ' ')} {inner}" for option, inner in value.items()]
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return [words if value else f"no {words}"]
    return [f"{words} {value:g}" if isinstance(value, float) else f"{words} {value}"]
