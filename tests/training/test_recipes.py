"""What nobody says: flag, then recipe, then the optimizer's own value."""

import itertools
import tomllib
from typing import Any

import pytest

from charcnn.errors import ConfigError
from charcnn.networks.catalogue import networks
from charcnn.specs.train_config import TrainConfig
from charcnn.training.recipes import OPTIMIZERS, RECIPES, get_recipe, network_options, settle, settle_for


def settling(**settings: Any) -> TrainConfig:
    return settle(TrainConfig.parse(settings))


def test_the_default_is_compact_with_its_own_recipe() -> None:
    default = settling()
    assert (default.net, default.size, default.precision) == ("compact", 28, "auto")
    assert default == settling(net="compact")
    assert get_recipe(TrainConfig()) is RECIPES["compact"]


def test_the_recipe_lab_is_the_lab_as_it_was() -> None:
    lab = settling(recipe="lab")
    assert (lab.net, lab.size, lab.opt, lab.lr, lab.schedule) == ("cnn", 28, "adam", 0.001, "constant")
    assert (lab.batch_size, lab.epochs, lab.augment, lab.precision) == (64, 9, "off", "fp32")
    assert (lab.label_smoothing, lab.weight_decay, lab.momentum, lab.loss) == (0.0, 0.0, None, "ce")
    for images in (10, 6000, 1_000_000):
        assert settle_for(TrainConfig(recipe="lab"), images) == lab


@pytest.mark.parametrize("net", ["cnn", "cnn-dropout", "lenet", "lenet-wide", "resnet18", "mobilenet_v3_small"])
def test_a_network_of_the_lab_trains_as_the_lab_did_in_the_precision_of_the_machine(net: str) -> None:
    own = settling(net=net)
    assert own.precision == "auto"
    different = {"net", "size", "recipe", "precision"}
    assert own.model_dump(exclude=different) == settling(recipe="lab").model_dump(exclude=different)


@pytest.mark.parametrize("net", networks())
def test_the_recipe_of_every_network_is_there_and_settles(net: str) -> None:
    config = settle_for(TrainConfig(net=net), 1000)
    names = "size opt lr weight_decay schedule label_smoothing augment batch_size epochs precision"
    assert [name for name in names.split() if getattr(config, name) is None] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_by_name_chooses_the_network_too(recipe: str) -> None:
    named = settling(recipe=recipe)
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
def test_what_is_asked_for_goes_before_the_recipe_and_changes_nothing_else(
    recipe: str | None, asked: dict[str, Any]
) -> None:
    base = {} if recipe is None else {"recipe": recipe}
    with_it, without = settling(**base, **asked).model_dump(), settling(**base).model_dump()
    assert asked.items() <= with_it.items()
    if "net" in asked:
        if recipe is None:
            assert with_it["opt"] == "adam"  # the network brings its own recipe
            return
        del with_it["size"], without["size"]
    assert {key: value for key, value in with_it.items() if key not in asked} == {
        key: value for key, value in without.items() if key not in asked
    }


@pytest.mark.parametrize("opt", OPTIMIZERS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_another_optimizer_takes_its_own_settings_not_the_recipes(recipe: str, opt: str) -> None:
    own, config = OPTIMIZERS[opt], settling(recipe=recipe, opt=opt)
    assert (config.lr, config.momentum, config.weight_decay) == (own.lr, own.momentum, own.weight_decay)
    assert settling(recipe=recipe, opt=opt, lr=0.25).lr == 0.25
    kept = RECIPES[recipe].settings.keys() - {"opt", "lr", "momentum", "weight_decay"}
    assert {name: getattr(config, name) for name in kept} == {name: RECIPES[recipe].settings[name] for name in kept}


@pytest.mark.parametrize("opt", ["sgd", "nesterov", "adam", "adamw", "rmsprop"])
def test_an_optimizer_that_was_asked_for_keeps_its_own_settings_whatever_the_data(opt: str) -> None:
    own, config = OPTIMIZERS[opt], settle_for(TrainConfig.parse({"opt": opt}), 100)
    assert (config.lr, config.momentum, config.weight_decay) == (own.lr, own.momentum, own.weight_decay)


def test_what_was_said_goes_before_what_the_optimizer_has() -> None:
    config = settling(opt="sgd", lr=0.5, momentum=0.0, weight_decay=0.25)
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
def test_what_is_settled_for_the_data_stays_as_it_is(chosen: dict[str, Any]) -> None:
    """A card's settings, asked for again, are the same settings, whatever the data."""
    once = settle_for(TrainConfig.parse(chosen), 500)
    assert settle(once) == once
    assert settle_for(once, 70_000) == once


@pytest.mark.parametrize("chosen", CONFIGS, ids=str)
def test_a_printed_config_is_read_again_and_settles_to_the_same(chosen: dict[str, Any]) -> None:
    config = TrainConfig.parse(chosen)
    printed = config.to_toml(settle(config))
    again = TrainConfig.parse(tomllib.loads(printed))
    assert again == config
    assert settle(again) == settle(config)
    if "lr" not in chosen:
        assert f"# lr = {settle(config).lr}\n" in printed


@pytest.mark.parametrize(("typed", "meant"), [("labb", "lab"), ("kompact", "compact"), ("Lab", "lab")])
def test_an_unknown_recipe_offers_the_closest(typed: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"Unknown recipe: {typed}") as fault:
        settling(recipe=typed)
    assert fault.value.hint == f"Did you mean {meant}?"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"momentum": 0.9}, ("momentum", "adamw")),
        ({"recipe": "lab", "momentum": 0.9}, ("momentum", "adam")),
        ({"lr_increment": 0.1}, ("lr_increment", "onecycle")),
        ({"recipe": "lab", "lr_increment": -0.001}, ("--lr-increment", "falls to 0")),
        ({"net": "cnn", "size": 32}, ("cnn", "32 × 32")),
        ({"size": 30}, ("compact", "30 × 30")),
        ({"activation": "tanh"}, ("compact", "--activation")),
        ({"net": "resnet18", "dropout": 0.5}, ("resnet18", "--dropout")),
        ({"net": "lennet"}, ("Unknown network: lennet",)),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(chosen: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as fault:
        settling(**chosen)
    assert all(word in fault.value.message for word in words)


def test_a_size_of_the_networks_is_taken() -> None:
    for network in networks().values():
        assert settling(net=network.name).size == network.sizes[0]
        for size in network.sizes:
            assert settling(net=network.name, size=size).size == size


def test_options_of_the_network_are_those_that_were_said() -> None:
    assert network_options(TrainConfig()) == {}
    assert network_options(TrainConfig(dropout=0.5, batch_norm=False)) == {"dropout": 0.5, "batch_norm": False}


COUNTS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 100_000_000]


def test_more_images_are_seen_more_often_in_all_but_each_less_often() -> None:
    epochs = [settle_for(TrainConfig(), count).epochs or 0 for count in COUNTS]
    assert all(fewer <= more for more, fewer in itertools.pairwise(epochs))
    assert epochs[0] > epochs[-2]
    assert min(epochs) >= 2
    assert max(epochs) <= 100
    assert all(less < more for less, more in itertools.pairwise(n * e for n, e in zip(COUNTS, epochs, strict=True)))


def test_many_steps_decay_less_each_and_a_decay_that_was_said_stays() -> None:
    decays = [settle_for(TrainConfig(), count).weight_decay or 0 for count in COUNTS]
    assert all(0 < less <= more for more, less in itertools.pairwise(decays))
    assert decays[0] > decays[-1]
    assert decays[0] <= 1
    assert {settle_for(TrainConfig(weight_decay=0.125), count).weight_decay for count in COUNTS} == {0.125}
    assert {settle_for(TrainConfig(weight_decay=0.0), count).weight_decay for count in COUNTS} == {0.0}


def test_images_that_are_seen_often_are_changed_more() -> None:
    kinds = [settle_for(TrainConfig(epochs=epochs), 1000).augment for epochs in (1, 2, 60, 100)]
    assert kinds == ["light", "light", "strong", "strong"]
    assert settle_for(TrainConfig(), 100).augment == "strong"
    assert settle_for(TrainConfig(), 10_000_000).augment == "light"
    for asked in ("off", "light", "strong"):
        assert settle_for(TrainConfig(epochs=100, augment=asked), 1000).augment == asked


def test_a_rate_that_would_fall_to_nothing_in_the_datas_epochs_is_refused() -> None:
    config = TrainConfig(schedule="constant", lr=0.001, lr_increment=-0.0002)
    assert settle_for(config, 100_000_000).epochs == 2
    with pytest.raises(ConfigError, match=r"falls to 0 within \d+ epochs"):
        settle_for(config, 10)


def test_the_recipe_leaves_the_epochs_to_the_data() -> None:
    assert settling().epochs is None
    assert settling(epochs=4).epochs == 4
    assert settling(net="cnn").epochs == 9
    assert settle_for(TrainConfig(net="cnn"), 10**6).epochs == 9
    assert settle_for(TrainConfig(epochs=4), 10**6).epochs == 4
