"""The headline of a training names every setting that differs from the recipe, and a card lists them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from charcnn.specs.settings import declared_settings
from charcnn.specs.train_config import TrainConfig, TrainSettings
from charcnn.training.resolve import resolve_config
from charcnn.training.train import Trained
from charcnn.training.varied import describe_training, varied_settings
from tests.support.configs import MACHINE, images, resolved

CHANGED: dict[str, dict[str, Any]] = {
    "data": {"data": ("other",)},
    "val": {"val": "other"},
    "val_split": {"val_split": 0.2},
    "fit": {"fit": "pad"},
    "margin": {"margin": 0.2},
    "polarity": {"polarity": "light-on-dark"},
    "net": {"net": "lenet"},
    "size": {"net": "compact", "size": 64},
    "activation": {"activation": "tanh"},
    "batch_norm": {"batch_norm": False},
    "dropout": {"dropout": 0.5},
    "net_options": {"net_options": {"dropout": 0.25}},
    "init_from": {"init_from": "small@1"},
    "recipe": {"recipe": "compact"},
    "opt": {"opt": "rmsprop"},
    "lr": {"lr": 0.003},
    "lr_increment": {"lr_increment": 0.001},
    "schedule": {"schedule": "cosine"},
    "momentum": {"opt": "sgd", "momentum": 0.0},
    "weight_decay": {"weight_decay": 0.5},
    "loss": {"loss": "mse"},
    "label_smoothing": {"label_smoothing": 0.2},
    "class_weights": {"class_weights": "sqrt"},
    "augment": {"augment": "light"},
    "batch_size": {"batch_size": 7},
    "epochs": {"epochs": 5},
    "patience": {"patience": 3},
    "seed": {"seed": 1},
    "device": {"device": "cuda"},
    "precision": {"precision": "bf16"},
    "threads": {"threads": 5},
    "compile": {"compile": True},
}
"""Each setting that affects training → settings of which it alone differs from those of a plain training."""
NO_EFFECT = {"strict", "name", "share_cores"}
PLAIN = {"momentum": {"opt": "sgd"}, "size": {"net": "compact"}}
"""What the plain training of a changed setting is, where it is not that of cnn."""


def headline(**settings: Any) -> str:
    """The headline of what some settings come to; what images and machine decide is taken from the settings, too."""
    config = resolved(**settings)
    told = {name: settings[name] for name in ("fit", "margin", "device") if name in settings}
    for name, value in told.items():
        object.__setattr__(config, name, value)
    return describe_training(config, 1000)


def test_every_setting_is_looked_at() -> None:
    assert set(CHANGED) | NO_EFFECT == set(declared_settings(TrainSettings))


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_setting_changes_the_headline(name: str) -> None:
    assert headline(**CHANGED[name]) != headline(**PLAIN.get(name, {}))


@pytest.mark.parametrize("net", ["compact", "cnn", "cnn-dropout", "lenet", "resnet18"])
@pytest.mark.parametrize("count", [50, 1000, 100_000])
def test_a_plain_training_varies_nothing(net: str, count: int) -> None:
    assert varied_settings(resolved(count, net=net), count) == {}


@pytest.mark.parametrize(
    ("settings", "varied"),
    [
        ({"net": "compact", "opt": "sgd"}, {"opt": "sgd"}),  # its rate, momentum and weight decay come with it
        ({"net": "compact", "opt": "adamw"}, {"lr": 0.001, "weight_decay": 0.01}),  # not the recipe's
        ({"net": "compact", "epochs": 3}, {"epochs": 3}),  # light augmentation follows, and the weight decay
        ({"net": "compact", "epochs": 30, "augment": "light"}, {"epochs": 30, "augment": "light"}),
        ({"net": "compact", "recipe": "lab"}, {"recipe": "lab"}),
        ({"net": "cnn", "batch_norm": True, "lr": 0.001}, {}),  # the same as the recipe's
        ({"net": "cnn", "batch_norm": False}, {"batch_norm": False}),
    ],
)
def test_what_follows_from_another_setting_is_not_varied(settings: dict[str, Any], varied: dict[str, Any]) -> None:
    assert varied_settings(resolved(**settings), 1000) == varied


def test_the_words_of_the_headline() -> None:
    head, machine = headline(lr_increment=0.001, loss="mse", batch_norm=False, opt="sgd", val="real").splitlines()
    assert head == (
        "cnn 28 × 28 on train: sgd, lr 0.01 + 0.001 per epoch, momentum 0.9, batch 64, no augmentation, 9 epochs, "
        "val real, no batch norm, loss mse"
    )
    assert machine == "cpu in fp32, threads: 1"
    assert "constant" in headline()
    assert "constant" not in head


def test_a_resolved_config_names_the_same_settings_as_when_it_was_asked() -> None:
    """A run that is resumed has only what the settings came to."""
    config = resolve_config(TrainConfig(net="compact", dropout=0.3, seed=4), images(), MACHINE)
    assert set(varied_settings(config, 1000)) == {"dropout", "seed"}


def test_a_card_lists_the_varied_settings(draw: Callable[..., Path], run: Callable[..., Trained]) -> None:
    trained = run(draw("set"), recipe="lab", seed=3, activation="tanh")
    assert trained.version.card.training.varied == ("activation", "batch_size", "epochs", "seed")


def test_flag_and_config_file_are_named_alike(cli: Callable[..., Result], starter: Path, tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text('loss = "mse"\n')
    line = ("train", "--data", starter / "test", "--net", "lenet", "--epochs", 1)
    for more in (("--loss", "mse"), ("--config", "train.toml")):
        said = cli(*line, *more).stderr
        (head,) = (text for text in said.splitlines() if text.startswith("lenet 32 × 32"))
        assert head.endswith("1 epoch, fit ink, loss mse")
