"""`resolve_config`: requested settings, then the recipe, then the optimizer's defaults."""

import itertools
import tomllib
from dataclasses import asdict
from typing import Any

import pytest

from charcnn.errors import ConfigError
from charcnn.networks.built_in import BUILT_IN
from charcnn.networks.catalogue import get_network
from charcnn.specs.optimizers import OPTIMIZERS, Optimizer
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.settings import declared_settings
from charcnn.specs.toml import to_toml
from charcnn.specs.train_config import TrainConfig, TrainSettings
from charcnn.training.recipes import RECIPES
from charcnn.training.resolve import network_options, resolve_config
from tests.support.configs import MACHINE, images


def draft(**settings: Any) -> TrainSettings:
    """Resolve settings without images."""
    return resolve_config(TrainConfig.parse(settings))


def resolve(config: TrainConfig, count: int) -> ResolvedConfig:
    """Resolve a config for `count` images."""
    return resolve_config(config, images(count), MACHINE)


def test_the_default_is_compact_with_its_own_recipe() -> None:
    default = draft()
    assert (default.net, default.size, default.precision) == ("compact", None, "auto")  # size follows from the images
    assert resolve(TrainConfig(), 1000).size == 28
    assert default == draft(net="compact")
    assert default.recipe == "compact"


def test_the_recipe_lab_reproduces_the_original_course() -> None:
    lab = draft(recipe="lab")
    assert (lab.net, lab.size, lab.opt, lab.lr, lab.schedule) == ("cnn", 28, "adam", 0.001, "constant")
    assert (lab.batch_size, lab.epochs, lab.augment, lab.precision) == (64, 9, "off", "fp32")
    assert (lab.label_smoothing, lab.weight_decay, lab.momentum, lab.loss) == (0.0, 0.0, None, "ce")
    for count in (10, 6000, 1_000_000):
        on_images = asdict(resolve(TrainConfig(recipe="lab"), count))
        assert {
            name: value for name, value in asdict(lab).items() if value is not None and value != on_images[name]
        } == {
            "fit": "auto",
            "device": "auto",
        }


@pytest.mark.parametrize("net", ["cnn", "cnn-dropout", "lenet", "lenet-wide", "resnet18", "mobilenet_v3_small"])
def test_the_networks_of_the_course_train_by_its_recipe_but_for_precision(net: str) -> None:
    own = draft(net=net)
    assert own.precision == "auto"
    different = {"net", "size", "recipe", "precision", "activation", "batch_norm", "dropout"}
    own_values, lab_values = asdict(own), asdict(draft(recipe="lab"))
    assert {n: own_values[n] for n in own_values.keys() - different} == {
        n: lab_values[n] for n in lab_values.keys() - different
    }


@pytest.mark.parametrize("net", BUILT_IN)
def test_the_recipe_of_every_network_exists_and_resolves(net: str) -> None:
    config = resolve(TrainConfig(net=net), 1000)
    names = "size opt lr weight_decay schedule label_smoothing augment batch_size epochs precision"
    assert [name for name in names.split() if getattr(config, name) is None] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_by_name_chooses_the_network_too(recipe: str) -> None:
    named = draft(recipe=recipe)
    assert named.net == RECIPES[recipe].by_name["net"]
    for name, value in {**RECIPES[recipe].settings, **RECIPES[recipe].by_name}.items():
        assert getattr(named, name) == value, name


@pytest.mark.parametrize(
    "asked",
    [
        {"net": "lenet"},
        {"lr": 0.5},
        {"batch_size": 7},
        {"epochs": 3},
        {"augment": "strong"},
        {"precision": "bf16"},
        {"label_smoothing": 0.25},
        {"schedule": "cosine"},
        {"weight_decay": 0.125},
    ],
    ids=str,
)
@pytest.mark.parametrize("recipe", [None, *RECIPES])
def test_requested_settings_override_only_themselves(recipe: str | None, asked: dict[str, Any]) -> None:
    base = {} if recipe is None else {"recipe": recipe}
    with_it, without = asdict(draft(**base, **asked)), asdict(draft(**base))
    assert asked.items() <= with_it.items()
    if "net" in asked:
        if recipe is None:
            assert with_it["opt"] == "adam"  # from the default recipe of the network
            return
        for name in ("size", "activation", "batch_norm", "dropout"):
            del with_it[name], without[name]
    assert {key: value for key, value in with_it.items() if key not in asked} == {
        key: value for key, value in without.items() if key not in asked
    }


@pytest.mark.parametrize("opt", OPTIMIZERS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_another_optimizer_takes_its_own_settings_not_the_recipes(recipe: str, opt: Optimizer) -> None:
    own, config = OPTIMIZERS[opt], draft(recipe=recipe, opt=opt)
    assert (config.lr, config.momentum, config.weight_decay) == (own.lr, own.momentum, own.weight_decay)
    assert draft(recipe=recipe, opt=opt, lr=0.25).lr == 0.25
    kept = RECIPES[recipe].settings.keys() - {"opt", "lr", "momentum", "weight_decay"}
    assert {name: getattr(config, name) for name in kept} == {name: RECIPES[recipe].settings[name] for name in kept}


@pytest.mark.parametrize("opt", ["sgd", "nesterov", "adam", "adamw", "rmsprop"])
def test_an_optimizer_that_was_asked_for_keeps_its_settings_on_any_data(opt: Optimizer) -> None:
    own, config = OPTIMIZERS[opt], resolve(TrainConfig.parse({"opt": opt}), 100)
    assert (config.lr, config.momentum, config.weight_decay) == (own.lr, own.momentum, own.weight_decay)


def test_requested_settings_override_optimizer_defaults() -> None:
    config = draft(opt="sgd", lr=0.5, momentum=0.0, weight_decay=0.25)
    assert (config.lr, config.momentum, config.weight_decay) == (0.5, 0.0, 0.25)


CONFIGS: list[dict[str, Any]] = [
    {},
    {"recipe": "lab"},
    {"recipe": "compact", "net": "lenet"},
    {"net": "cnn", "opt": "gd"},
    {"opt": "sgd", "size": 48},
    {"opt": "nesterov", "schedule": "constant", "lr_increment": 0.001, "epochs": 3},
    {"net": "resnet18", "precision": "bf16", "threads": 3},
]


@pytest.mark.parametrize("chosen", CONFIGS, ids=str)
def test_resolved_settings_asked_for_again_resolve_to_the_same(chosen: dict[str, Any]) -> None:
    """The settings in a card, used as a config, resolve to themselves for any images."""
    once = resolve(TrainConfig.parse(chosen), 500)
    assert resolve(TrainConfig.parse(asdict(once)), 70_000) == once


@pytest.mark.parametrize("chosen", CONFIGS, ids=str)
def test_a_printed_config_is_read_again_and_resolves_to_the_same(chosen: dict[str, Any]) -> None:
    config = TrainConfig.parse(chosen)
    printed = to_toml(config, resolve_config(config))
    again = TrainConfig.parse(tomllib.loads(printed))
    assert again == config
    if "lr" not in chosen:
        assert f"# lr = {resolve_config(config).lr}\n" in printed


def test_each_setting_resolves_once_by_its_type() -> None:
    """`ResolvedConfig` and `TrainConfig` are different types, so resolved settings cannot be resolved again."""
    resolved = resolve(TrainConfig(), 100)
    assert not isinstance(resolved, TrainConfig)
    assert not isinstance(draft(), TrainConfig)


def test_the_recipes_are_those_that_a_config_may_name() -> None:
    assert set(RECIPES) == set(declared_settings(TrainConfig)["recipe"].choices)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"momentum": 0.9}, ("momentum", "adamw")),
        ({"recipe": "lab", "momentum": 0.9}, ("momentum", "adam")),
        ({"lr_increment": 0.1}, ("lr_increment", "onecycle")),
        ({"recipe": "lab", "lr_increment": -0.001}, ("lr_increment", "falls to 0")),
        ({"net": "cnn", "size": 32}, ("cnn", "32 × 32")),
        ({"size": 30}, ("compact", "30 × 30")),
        ({"activation": "tanh"}, ("activation", "compact")),
        ({"net": "resnet18", "dropout": 0.5}, ("dropout", "resnet18")),
        ({"net": "lennet"}, ("Unknown network: lennet",)),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(chosen: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as fault:
        draft(**chosen)
    assert all(word in fault.value.message for word in words)


def test_a_size_of_the_networks_is_taken() -> None:
    for network in map(get_network, BUILT_IN):
        assert resolve(TrainConfig(net=network.name), 1000).size == network.sizes[0]
        for size in network.sizes:
            assert draft(net=network.name, size=size).size == size


def test_options_of_the_network_are_those_that_were_said() -> None:
    assert network_options(TrainConfig()) == {}
    assert network_options(TrainConfig(dropout=0.5, batch_norm=False)) == {"dropout": 0.5, "batch_norm": False}


COUNTS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 100_000_000]


def test_more_images_mean_more_steps_but_fewer_epochs() -> None:
    epochs = [resolve(TrainConfig(), count).epochs or 0 for count in COUNTS]
    assert all(fewer <= more for more, fewer in itertools.pairwise(epochs))
    assert epochs[0] > epochs[-2]
    assert min(epochs) >= 2
    assert max(epochs) <= 100
    assert all(less < more for less, more in itertools.pairwise(n * e for n, e in zip(COUNTS, epochs, strict=True)))


def test_weight_decay_falls_with_the_steps_unless_it_is_set() -> None:
    decays = [resolve(TrainConfig(), count).weight_decay or 0 for count in COUNTS]
    assert all(0 < less <= more for more, less in itertools.pairwise(decays))
    assert decays[0] > decays[-1]
    assert decays[0] <= 1
    assert {resolve(TrainConfig(weight_decay=0.125), count).weight_decay for count in COUNTS} == {0.125}
    assert {resolve(TrainConfig(weight_decay=0.0), count).weight_decay for count in COUNTS} == {0.0}


def test_more_epochs_mean_stronger_augmentation() -> None:
    kinds = [resolve(TrainConfig(epochs=epochs), 1000).augment for epochs in (1, 2, 60, 100)]
    assert kinds == ["light", "light", "strong", "strong"]
    assert resolve(TrainConfig(), 100).augment == "strong"
    assert resolve(TrainConfig(), 10_000_000).augment == "light"
    for asked in ("off", "light", "strong"):
        assert resolve(TrainConfig(epochs=100, augment=asked), 1000).augment == asked


def test_a_learning_rate_that_falls_to_zero_is_refused() -> None:
    config = TrainConfig(schedule="constant", lr=0.001, lr_increment=-0.0002)
    assert resolve(config, 100_000_000).epochs == 2
    with pytest.raises(ConfigError, match=r"falls to 0 within \d+ epochs"):
        resolve(config, 10)


def test_the_recipe_leaves_the_epochs_to_the_data() -> None:
    assert draft().epochs is None
    assert draft(epochs=4).epochs == 4
    assert draft(net="cnn").epochs == 9
    assert resolve(TrainConfig(net="cnn"), 10**6).epochs == 9
    assert resolve(TrainConfig(epochs=4), 10**6).epochs == 4
