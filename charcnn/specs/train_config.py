"""What `train` is asked."""

import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from charcnn.errors import ConfigError
from charcnn.specs.base import StrictModel
from charcnn.specs.choices import (
    Activation,
    Augmentation,
    ClassWeights,
    Device,
    Loss,
    Optimizer,
    Polarity,
    Precision,
    Schedule,
)
from charcnn.text import did_you_mean

_OTHER_WORDS = {"optimizer": "opt", "model": "net"}
"""Words that people type for settings."""


class TrainConfig(StrictModel):
    """What `charcnn train` is asked, under its flags' names; recipe, network, data or machine settle what is None."""

    data: tuple[str, ...] = Field(("train",), min_length=1, description="datasets; several make a union")
    val: str | None = Field(None, description="a dataset that chooses the best epoch, instead of a part of `data`")
    val_split: float = Field(0.1, ge=0, lt=1, description="share of `data` put aside to choose the best epoch")
    strict: bool = Field(False, description="an unreadable image is an error")

    recipe: str | None = Field(None, description="settings under one name; the network's own where not given")
    net: str | None = Field(None, description="the network; `model` is accepted for it")
    size: int | None = Field(None, ge=8, le=512, description="side of the network's input, in pixels")
    activation: Activation | None = None
    batch_norm: bool | None = None
    dropout: float | None = Field(None, ge=0, lt=1)

    fit: Literal["auto", "stretch", "pad", "ink"] = Field(
        "auto", description="auto: stretch where all images have one square size, else ink"
    )
    margin: float | None = Field(None, ge=0, le=0.4)
    polarity: Polarity = "auto"

    opt: Optimizer | None = Field(None, description="`optimizer` is accepted for it")
    lr: float | None = Field(
        None, gt=0, description="learning rate; the recipe's where not given, with `opt` that one's own"
    )
    lr_increment: float = Field(0.0, description="added to the learning rate after each epoch")
    momentum: float | None = Field(None, ge=0, lt=1)
    weight_decay: float | None = Field(None, ge=0)
    schedule: Schedule | None = None
    loss: Loss = "ce"
    label_smoothing: float | None = Field(None, ge=0, lt=1)
    class_weights: ClassWeights = "none"
    augment: Augmentation | None = Field(None, description="how far images are changed, anew in every epoch")
    batch_size: int | None = Field(None, ge=1, description="images per step, of all processes together")
    epochs: int | None = Field(None, ge=1, description="the recipe's where not given; it may depend on the images")
    patience: int | None = Field(None, ge=1, description="stop after so many epochs without a better one")

    seed: int = Field(0, ge=0, lt=2**63)
    device: Device = "auto"
    precision: Precision | None = Field(None, description="auto: bf16 where a probe shows that it is faster")
    threads: int | None = Field(None, ge=1, description="the machine's cores where not given")
    compile: bool = Field(False, description="torch.compile the network")
    name: str | None = Field(None, description="the model's name; made from the data's where not given")
    init_from: str | None = Field(None, description="a model whose weights to start from")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.lr_increment and self.schedule not in (None, "constant"):
            raise ValueError(f"lr_increment needs the constant schedule, not {self.schedule}: --schedule constant")
        if self.momentum is not None and self.opt in ("adam", "adamw", "gd"):
            raise ValueError(f"momentum is no setting of the optimizer {self.opt}; --opt sgd has it")
        if self.momentum == 0 and self.opt == "nesterov":
            raise ValueError("nesterov needs a momentum above 0; --opt sgd --momentum 0 goes without")
        if self.weight_decay and self.opt == "gd":
            raise ValueError("weight_decay is no setting of the optimizer gd")
        if self.patience is not None and self.val is None and self.val_split == 0:
            raise ValueError("patience needs validation images (val, or val_split above 0)")
        return self

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> Self:
        """Checks settings by name.

        Raises:
            ConfigError: a key is unknown (the closest is offered), a value impossible, or two contradict each other.
        """
        try:
            return cls.model_validate(cls.with_own_names(settings))
        except ValidationError as fault:
            raise _config_error(fault) from None

    @staticmethod
    def with_own_names(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Gives the settings with `optimizer` and `model` renamed to `opt` and `net`, and `-` in names to `_`.

        Raises:
            ConfigError: a setting is there under two names.
        """
        named: dict[str, Any] = {}
        for word, value in settings.items():
            key = word.replace("-", "_")
            key = _OTHER_WORDS.get(key, key)
            if key in named:
                words = [other for other in settings if other.replace("-", "_") in (key, *_words_for(key))]
                raise ConfigError(f"{' and '.join(words)} are one setting.", "Leave one of them out.")
            named[key] = value
        return named

    def to_toml(self, settled: "TrainConfig | None" = None) -> str:
        """Gives the settings as TOML that `--config` reads.

        What nobody chose stays a comment, with the value that it would settle to, so that another optimizer or network
        still takes its own.
        """
        lines = []
        filled = (settled or self).model_dump(mode="json")
        for key, value in self.model_dump(mode="json").items():
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML escapes what JSON need not
            own = "" if filled[key] is None else f" {json.dumps(filled[key])}"
            lines.append(f"# {key} ={own}" if value is None else f"{key} = {text}")
        return "\n".join(lines) + "\n"


def _words_for(key: str) -> list[str]:
    return [word for word, own in _OTHER_WORDS.items() if own == key]


def _config_error(fault: ValidationError) -> ConfigError:
    first = fault.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return ConfigError(f"Unknown setting: {key}", did_you_mean(key, [*TrainConfig.model_fields, *_OTHER_WORDS]))
    if first["type"] == "literal_error":
        known = [word.strip(" '") for word in first["ctx"]["expected"].replace(" or ", ", ").split(",")]
        what = {"opt": "optimizer", "net": "network"}.get(key, key.replace("_", " "))
        return ConfigError(f"Unknown {what}: {first['input']}", did_you_mean(str(first["input"]), known))
    reason = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{key} = {first['input']}: {reason}" if key else reason)
