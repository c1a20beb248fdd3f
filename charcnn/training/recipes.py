"""What nobody says is settled here. Flag, then config file, then recipe, then the optimizer's own value."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from charcnn.errors import ConfigError
from charcnn.networks.catalogue import get_network
from charcnn.specs.choices import Augmentation, Optimizer, Schedule
from charcnn.specs.train_config import TrainConfig
from charcnn.text import did_you_mean

DEFAULT_NETWORK = "compact"


class Settled(TrainConfig):
    """A config in which nothing is left open that training needs."""

    net: str
    size: int
    opt: Optimizer
    lr: float
    schedule: Schedule
    label_smoothing: float
    augment: Augmentation
    batch_size: int
    epochs: int
    precision: Literal["fp32", "bf16"]
    threads: int


@dataclass(frozen=True)
class OptimizerInfo:
    """An optimizer's own settings, for what nobody says.

    Attributes:
        lr: Learning rate.
        momentum: None where it has none.
        weight_decay: None where it has none.
    """

    lr: float
    momentum: float | None = None
    weight_decay: float | None = 0.0


OPTIMIZERS = {
    "sgd": OptimizerInfo(lr=0.01, momentum=0.9),
    "nesterov": OptimizerInfo(lr=0.01, momentum=0.9),
    "adam": OptimizerInfo(lr=0.001),
    "adamw": OptimizerInfo(lr=0.001, weight_decay=0.01),
    "rmsprop": OptimizerInfo(lr=0.001, momentum=0.0),
    "gd": OptimizerInfo(lr=0.01, weight_decay=None),
}


@dataclass(frozen=True)
class Recipe:
    """Settings that go well together, under one name.

    Attributes:
        settings: Of a `TrainConfig`, by name.
        views: Where `settings` name no epochs: `views * sqrt(images)` images are seen in all, so that few images are
            seen often and many a few times.
        decay: Where `settings` name no weight decay: learning rate × weight decay × steps. A weight then forgets over
            the same share of the training, however long that is (Wang and Aitchison, arXiv:2405.13698).
        often: Where `settings` name no augmentation: it is strong from so many epochs on, and light below.
        by_name: Settings that count only where the recipe is asked for by name, and not as a network's own.
    """

    settings: Mapping[str, Any]
    views: float = 0.0
    decay: float = 0.0
    often: int = 0
    by_name: Mapping[str, Any] = field(default_factory=dict)

    def epochs(self, images: int) -> int:
        """Gives the epochs for a number of images to learn from."""
        fixed: int = self.settings.get("epochs", 0)
        return fixed or max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, round(self.views / math.sqrt(images))))


_FEWEST_EPOCHS, _MOST_EPOCHS = 2, 60
_MOST_DECAY = 0.3

RECIPES = {
    "lab": Recipe(
        settings={
            "opt": "adam",
            "schedule": "constant",
            "label_smoothing": 0.0,
            "augment": "off",
            "batch_size": 64,
            "epochs": 9,
        },
        by_name={"net": "cnn", "precision": "fp32"},
    ),
    "compact": Recipe(
        settings={
            "opt": "adamw",
            "lr": 0.01,
            "schedule": "onecycle",
            "label_smoothing": 0.1,
            "batch_size": 128,
        },
        views=2500.0,
        decay=1.6,
        often=20,
        by_name={"net": "compact"},
    ),
}


def get_recipe(config: TrainConfig) -> Recipe:
    """Gives the recipe of a config: the one it names, or its network's own.

    Raises:
        ConfigError: there is no such recipe, or no such network.
    """
    name = recipe_name(config)
    if name not in RECIPES:
        raise ConfigError(f"Unknown recipe: {name}", did_you_mean(name, RECIPES))
    return RECIPES[name]


def recipe_name(config: TrainConfig) -> str:
    """Gives the name of a config's recipe: the one it names, or its network's own.

    Raises:
        ConfigError: there is no such network.
    """
    return config.recipe or get_network(config.net or DEFAULT_NETWORK).recipe


def settle(config: TrainConfig) -> TrainConfig:
    """Fills in what a config leaves open and what can be known without the data.

    `--opt X` without a learning rate takes X's own, not the recipe's; so do momentum and weight decay.

    Args:
        config: What was asked, not yet settled: an optimizer in it counts as asked for.

    Returns:
        The config, checked anew. Epochs, weight decay and augmentation stay None where the recipe makes them from the
        data.

    Raises:
        ConfigError: an unknown network or recipe, an option that the network has no place for, settings that
            contradict each other, a learning rate that falls to 0.
    """
    recipe = get_recipe(config)
    asked = {name: value for name, value in config.model_dump().items() if value is not None}
    chosen = {**recipe.settings, **(recipe.by_name if config.recipe else {})}
    if "opt" in asked:
        chosen = {name: value for name, value in chosen.items() if name not in _OWN}
    filled = {"net": DEFAULT_NETWORK, "precision": "auto", **chosen, **asked}
    for name, value in asdict(OPTIMIZERS[filled["opt"]]).items():
        if value is not None and not (name == "weight_decay" and _decays_by_steps(recipe, config)):
            filled.setdefault(name, value)
    network = get_network(filled["net"])
    network.check_options(network_options(config))
    filled["size"] = network.check_size(config.size)
    filled["recipe"] = recipe_name(config)
    return _checked(TrainConfig.parse(filled))


def settle_for(config: TrainConfig, images: int) -> TrainConfig:
    """Fills in what the number of images to learn from tells: epochs, and a recipe's weight decay and augmentation.

    Args:
        config: What was asked, not yet settled.
        images: The images to learn from.

    Raises:
        ConfigError: as `settle`.
    """
    recipe, settled = get_recipe(config), settle(config)
    epochs = settled.epochs or recipe.epochs(images)
    filled: dict[str, object] = {"epochs": epochs}
    if settled.weight_decay is None and _decays_by_steps(recipe, config) and settled.lr and settled.batch_size:
        steps = epochs * math.ceil(images / settled.batch_size)
        filled["weight_decay"] = min(_MOST_DECAY, recipe.decay / (settled.lr * steps))
    if settled.augment is None:
        filled["augment"] = "strong" if epochs >= recipe.often else "light"
    return _checked(settled.model_copy(update=filled))


_OWN = tuple(setting.name for setting in fields(OptimizerInfo))


def _decays_by_steps(recipe: Recipe, config: TrainConfig) -> bool:
    return bool(recipe.decay) and config.opt is None


def _checked(config: TrainConfig) -> TrainConfig:
    """Checks that the learning rate stays above 0."""
    epochs, lr = config.epochs or 1, config.lr or 0.0
    if lr + config.lr_increment * (epochs - 1) <= 0:
        raise ConfigError(
            f"--lr {lr:g} with --lr-increment {config.lr_increment:g} falls to 0 within {epochs} epochs.",
            "Give a smaller step, or fewer epochs.",
        )
    return config


def network_options(config: TrainConfig) -> dict[str, str | float | bool]:
    """Gives the network's options that the config sets."""
    asked = {"activation": config.activation, "batch_norm": config.batch_norm, "dropout": config.dropout}
    return {key: value for key, value in asked.items() if value is not None}
