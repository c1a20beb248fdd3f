"""Configs, image specs and schemas: which values are valid, and how invalid ones are reported."""

import json
import math
import re
import tomllib
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from charcnn.errors import CardError, CharcnnError, ConfigError
from charcnn.specs.base import check_schema
from charcnn.specs.card import ModelCard
from charcnn.specs.image import ImageSpec
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.settings import declared_settings
from charcnn.specs.toml import to_toml
from charcnn.specs.train_config import TrainConfig
from charcnn.specs.version_kind import CARD_SCHEMA

# TrainConfig


def test_the_defaults_are_the_documented_ones() -> None:
    config = TrainConfig()
    assert config.data == ("train",)
    assert (config.loss, config.class_weights, config.val_split) == ("ce", "none", 0.1)
    assert (config.seed, config.device, config.fit, config.polarity) == (0, "auto", "auto", "auto")
    left_open = (
        "recipe net size opt lr momentum weight_decay schedule label_smoothing augment batch_size epochs precision"
    )
    assert {name: getattr(config, name) for name in left_open.split()} == dict.fromkeys(left_open.split())
    assert TrainConfig.parse({}) == config


def test_aliases_of_settings_are_accepted() -> None:
    config = TrainConfig.parse({"model": "lenet", "optimizer": "sgd"})
    assert (config.net, config.opt) == ("lenet", "sgd")


@pytest.mark.parametrize(
    "chosen", [{"net": "cnn", "model": "lenet"}, {"model": "lenet", "net": "cnn"}, {"opt": "gd", "optimizer": "sgd"}]
)
def test_a_setting_and_its_alias_together_are_refused(chosen: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as fault:
        TrainConfig.parse(chosen)
    assert all(name in f"{fault.value.message} {fault.value.hint}" for name in chosen)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("epoch", "epochs"),
        ("batchsize", "batch_size"),
        ("weight_deacy", "weight_decay"),
        ("optimiser", "optimizer"),
        ("Seed", "seed"),
    ],
)
def test_an_unknown_setting_suggests_the_closest(typed: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"Unknown setting: {typed}") as fault:
        TrainConfig.parse({"net": "cnn", typed: 3})
    assert fault.value.hint == f"Did you mean {meant}?"


def test_without_a_similar_setting_all_are_listed() -> None:
    with pytest.raises(ConfigError, match="Unknown setting: qqqq") as fault:
        TrainConfig.parse({"qqqq": 3})
    assert all(name in fault.value.hint for name in declared_settings(TrainConfig))


@pytest.mark.parametrize(
    ("key", "typed", "meant"),
    [
        ("opt", "adma", "adam"),
        ("optimizer", "nestrov", "nesterov"),
        ("loss", "msee", "mse"),
        ("schedule", "cosin", "cosine"),
        ("activation", "leaky_relu", "leaky-relu"),
        ("class_weights", "inverted", "inverse"),
        ("device", "cuda:0", "cuda"),
        ("fit", "strech", "stretch"),
        ("polarity", "dark-on-ligth", "dark-on-light"),
    ],
)
def test_an_unknown_choice_suggests_the_closest(key: str, typed: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"='{re.escape(typed)}': must be ") as fault:
        TrainConfig.parse({key: typed})
    assert fault.value.hint == f"Did you mean {meant}?"
    assert (fault.value.value, meant in fault.value.known) == (typed, True)


def test_the_constructor_raises_what_parse_raises() -> None:
    with pytest.raises(ConfigError, match="opt='adm': must be") as fault:
        TrainConfig(opt="adm")  # type: ignore[arg-type]
    assert (fault.value.field, fault.value.hint) == ("opt", "Did you mean adam?")
    assert fault.value.__notes__ == ["Did you mean adam?"]


@pytest.mark.parametrize(("key", "typed", "meant"), [("opt", "SGD", "sgd"), ("activation", "ReLU", "relu")])
def test_a_choice_is_accepted_in_any_case(key: str, typed: str, meant: str) -> None:
    assert getattr(TrainConfig.parse({key: typed}), key) == meant


def test_data_may_be_one_path_or_several() -> None:
    assert TrainConfig(data="digits").data == TrainConfig.parse({"data": ["digits"]}).data == ("digits",)
    assert TrainConfig.parse({"data": Path("a", "b")}).data == (str(Path("a", "b")),)


def test_without_a_similar_choice_all_are_listed() -> None:
    with pytest.raises(ConfigError) as fault:
        TrainConfig.parse({"opt": "zzz"})
    for name in ("sgd", "nesterov", "adam", "adamw", "rmsprop", "gd"):
        assert name in re.findall(r"\w+", fault.value.message)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lr", 0),
        ("lr", -1),
        ("lr", "fast"),
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("momentum", 1),
        ("momentum", -0.1),
        ("weight_decay", -1),
        ("val_split", 1),
        ("val_split", -0.1),
        ("label_smoothing", 1),
        ("dropout", 1),
        ("patience", 0),
        ("seed", -1),
        ("seed", 2**63),
        ("margin", 0.5),
        ("data", ()),
        ("batch_norm", "perhaps"),
    ],
)
def test_an_invalid_value_is_named(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"^{key}=") as fault:
        TrainConfig.parse({key: value})
    assert str(value) in fault.value.message
    assert "\n" not in fault.value.message


@pytest.mark.parametrize("key", ["lr", "lr_increment", "momentum", "weight_decay", "label_smoothing"])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_setting_is_a_finite_number(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=key):
        TrainConfig.parse({"opt": "sgd", key: value})


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"lr_increment": 0.1, "schedule": "cosine"}, ("lr_increment", "cosine")),
        ({"lr_increment": 0.1, "schedule": "onecycle"}, ("lr_increment", "onecycle")),
        ({"opt": "adam", "momentum": 0.9}, ("omentum", "adam")),
        ({"opt": "adamw", "momentum": 0.0}, ("omentum", "adamw")),
        ({"opt": "gd", "momentum": 0.5}, ("omentum", "gd")),
        ({"opt": "gd", "weight_decay": 0.1}, ("eight_decay", "gd")),
        ({"opt": "nesterov", "momentum": 0.0}, ("esterov", "momentum")),
        ({"patience": 3, "val_split": 0}, ("atience", "val")),
    ],
)
def test_conflicting_settings_are_refused(chosen: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as fault:
        TrainConfig.parse(chosen)
    assert all(word in fault.value.message for word in words)


@pytest.mark.parametrize(
    "chosen",
    [
        {"lr_increment": 0.1, "schedule": "constant"},
        {"opt": "sgd", "momentum": 0.0},
        {"opt": "rmsprop", "momentum": 0.5},
        {"opt": "gd", "weight_decay": 0.0},
        {"patience": 3, "val_split": 0, "val": "val"},
    ],
)
def test_compatible_settings_are_accepted(chosen: dict[str, Any]) -> None:
    config = TrainConfig.parse(chosen)
    assert all(getattr(config, key) == value for key, value in chosen.items())


def test_a_config_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        TrainConfig().seed = 3  # type: ignore[misc]


SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "data": st.lists(st.text(), min_size=1, max_size=3).map(tuple),
    "val": st.none() | st.text(),
    "val_split": st.floats(0, 1, exclude_max=True),
    "strict": st.booleans(),
    "net": st.text(),
    "activation": st.none() | st.sampled_from(["relu", "leaky-relu", "prelu"]),
    "batch_norm": st.none() | st.booleans(),
    "dropout": st.none() | st.floats(0, 1, exclude_max=True),
    "fit": st.sampled_from(["auto", "stretch", "pad", "ink"]),
    "margin": st.none() | st.floats(0, 0.4),
    "lr": st.none() | st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    "lr_increment": st.floats(allow_nan=False, allow_infinity=False),
    "weight_decay": st.none() | st.floats(0, 1e300),
    "batch_size": st.integers(1, 10**6),
    "epochs": st.none() | st.integers(1, 10**6),
    "seed": st.integers(0, 2**63 - 1),
    "name": st.none() | st.text(),
    "init_from": st.none() | st.text(),
}


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=SETTINGS))
def test_toml_gives_the_config_back(chosen: dict[str, Any]) -> None:
    config = TrainConfig.parse(chosen)
    assert TrainConfig.parse(tomllib.loads(to_toml(config, config))) == config


@pytest.mark.parametrize("name", ["a\x7fb", 'quote"', "back\\slash", "new\nline", "\x00", "博学 😀", "#", "'"])
def test_toml_gives_any_character_back(name: str) -> None:
    config = TrainConfig(name=name, data=(name,))
    assert TrainConfig.parse(tomllib.loads(to_toml(config, config))) == config


def test_toml_names_every_setting() -> None:
    config = TrainConfig(lr=0.5)
    lines = to_toml(config, config).splitlines()
    assert {line.removeprefix("# ").split(" =")[0] for line in lines} == set(declared_settings(TrainConfig))
    assert "lr = 0.5" in lines
    assert "# epochs =" in lines


# ImageSpec


@pytest.mark.parametrize("field", ["height", "width"])
def test_a_size_outside_8_to_512_is_refused(field: str) -> None:
    for value in (8, 28, 512):
        assert getattr(ImageSpec(**{field: value}), field) == value
    for value in (7, 0, -1, 513, 10**9):
        with pytest.raises(ValidationError, match=field):
            ImageSpec(**{field: value})


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("margin", [0, 0.08, 0.4], [-0.01, 0.41, 0.5, math.nan]),
        ("std", [0.5, 1e-6], [0, -1, math.nan, math.inf]),
        ("mean", [0, -1, 0.1307], [math.nan, math.inf]),
        ("fit", ["stretch", "pad", "ink"], ["auto", "crop", ""]),
        ("polarity", ["auto", "dark-on-light", "light-on-dark"], ["dark", None]),
    ],
)
def test_a_spec_value_outside_its_range_is_refused(field: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert getattr(ImageSpec(**{field: value}), field) == value
    for value in bad:
        with pytest.raises(ValidationError, match=field):
            ImageSpec(**{field: value})


def test_a_spec_rejects_unknown_fields() -> None:
    with pytest.raises(ValidationError, match="colour"):
        ImageSpec.model_validate({"colour": True})


def test_a_spec_goes_through_json_unchanged() -> None:
    spec = ImageSpec(height=32, width=64, fit="ink", margin=0.1, polarity="light-on-dark", mean=0.1307, std=0.3081)
    assert ImageSpec.model_validate_json(spec.model_dump_json()) == spec


def test_white_paper_is_zero_to_the_network() -> None:
    spec = ImageSpec()
    assert (255 / 255 - spec.mean) / spec.std == 0


# schemas


@pytest.mark.parametrize("text", ['{"schema_version": 1}', b'{"schema_version": 2, "any": [1, 2]}'])
def test_a_known_schema_passes(text: str | bytes) -> None:
    check_schema(text, "here", newest=2)


def test_a_newer_schema_is_refused_with_both_versions_and_a_hint() -> None:
    with pytest.raises(CardError, match=r"^here/x\.json has schema version 3; this charcnn reads up to 2\.") as fault:
        check_schema('{"schema_version": 3}', "here/x.json", newest=2)
    assert "pip install -U charcnn" in fault.value.hint


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", "{}", '{"schema_version": "1"}', '{"schema_version": 0}', b"\xff"]
)
def test_a_document_without_schema_version_is_named(text: str | bytes) -> None:
    with pytest.raises(CardError, match="here"):
        check_schema(text, "here", newest=1)


@pytest.mark.parametrize("text", ['{"schema_version": true}', '{"schema_version": 1.0}', '{"schema_version": -1}'])
def test_a_schema_version_is_a_whole_number_from_one(text: str) -> None:
    with pytest.raises(CardError, match="no schema_version"):
        check_schema(text, "here", newest=1)


def test_the_schema_of_the_card_can_be_published() -> None:
    schema = json.loads(json.dumps(ModelCard.model_json_schema(), allow_nan=False))
    assert schema["properties"]["schema_version"]["default"] == CARD_SCHEMA
    assert schema["additionalProperties"] is False


# errors


def test_an_error_has_a_message_and_a_hint() -> None:
    fault = ConfigError("what is wrong", "what to do")
    assert isinstance(fault, CharcnnError)
    assert (str(fault), fault.message, fault.hint) == ("what is wrong", "what is wrong", "what to do")
    assert ConfigError("alone").hint == ""


def test_a_narrowed_setting_keeps_its_bounds_and_help() -> None:
    requested, narrowed = declared_settings(TrainConfig), declared_settings(ResolvedConfig)
    assert {name: declared.setting for name, declared in narrowed.items()} == {
        name: declared.setting for name, declared in requested.items()
    }
    assert narrowed["lr"].type is float


def test_the_schema_of_the_card_states_the_bounds_of_settings() -> None:
    lr = ModelCard.model_json_schema()["$defs"]["TrainSettings"]["properties"]["lr"]
    assert lr["exclusiveMinimum"] == 0
    assert lr["description"] == "Learning rate."
