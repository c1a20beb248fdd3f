"""The contracts: what an image looks like, what a training run is asked, what a card says. No torch here.

Every contract is a frozen pydantic model that refuses unknown fields. `TrainConfig.parse` and `ModelCard.parse` turn
pydantic's complaints into one line that names the field.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from charcnn.errors import CardError, ConfigError
from charcnn.wording import closest

Fit = Literal["stretch", "pad", "ink"]
Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Activation = Literal["relu", "sigmoid", "tanh", "leaky-relu", "prelu"]
Optimizer = Literal["sgd", "nesterov", "adam", "adamw", "rmsprop", "gd"]
Loss = Literal["ce", "mse", "l1"]
Schedule = Literal["constant", "cosine", "onecycle"]
ClassWeights = Literal["none", "inverse", "sqrt"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Augmentation = Literal["off", "light", "strong"]
Precision = Literal["auto", "fp32", "bf16"]

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
"""Of a file beside a card: it leads nowhere else."""
FileName = Annotated[str, Field(pattern=FILE_NAME)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

CARD_SCHEMA = 1
"""The newest card that this charcnn writes and reads."""


class Contract(BaseModel):
    """Frozen, strict about names: the base of every contract."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,  # a command builds only the contracts that it uses
    )


_OTHER_WORDS = {"optimizer": "opt", "model": "net"}
"""Words that people type for settings."""


class ImageSpec(Contract):
    """How any image becomes the network's input. Stored in the card, applied by `charcnn.images.fit` alone.

    Inside charcnn an image is uint8 `[H,W]`, dark ink on white paper (255). The network sees
    `(pixel / 255 - mean) / std`; with the default mean of 1 the paper is 0, which is what convolutions pad with.
    """

    height: int = Field(28, ge=8, le=512, description="pixels")
    width: int = Field(28, ge=8, le=512, description="pixels")
    fit: Fit = Field(
        "stretch",
        description="stretch: the whole image; pad: the whole image, aspect kept; ink: only the ink, aspect kept",
    )
    margin: float = Field(0.08, ge=0, le=0.4, description="paper left round the ink, as a share of the side (ink)")
    polarity: Polarity = Field("auto", description="auto: light-on-dark images are turned round")
    mean: float = Field(1.0, description="subtracted from pixel / 255")
    std: float = Field(1.0, gt=0, description="divides pixel / 255 - mean")


class TrainConfig(Contract):
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
        return ConfigError(f"Unknown setting: {key}", closest(key, [*TrainConfig.model_fields, *_OTHER_WORDS]))
    if first["type"] == "literal_error":
        known = [word.strip(" '") for word in first["ctx"]["expected"].replace(" or ", ", ").split(",")]
        what = {"opt": "optimizer", "net": "network"}.get(key, key.replace("_", " "))
        return ConfigError(f"Unknown {what}: {first['input']}", closest(str(first["input"]), known))
    reason = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{key} = {first['input']}: {reason}" if key else reason)


class NetworkFacts(Contract):
    """Which network a version is: enough to build it again."""

    name: str
    options: dict[str, str | float | bool] = {}
    parameters: int = Field(description="trainable numbers")


class DataFacts(Contract):
    """Which images a version learnt from."""

    sources: tuple[str, ...] = Field(description="the datasets, as they were typed")
    fingerprint: str = Field(description="sha256 over label and sha256 of each image; free of paths")
    images: int
    unreadable: int = 0
    per_class: dict[str, int] = Field(description="images per label, unreadable ones left out")
    duplicates: int = Field(description="images that equal an earlier one, bit for bit")
    polarity: tuple[Polarity, ...] = Field(description="what was decided for each of the sources")
    train: int = Field(description="images trained on")
    val: int = Field(description="images that chose the best epoch")
    val_source: str | None = Field(None, description="where those came from, if not from `sources`")


class TrainingFacts(Contract):
    """How a version came about."""

    config: TrainConfig = Field(description="every setting, with what was left open filled in")
    command: str
    epochs: int = Field(description="epochs finished")
    best_epoch: int = Field(description="the epoch whose weights these are, counted from 1")
    metric: str = Field(description="what chose the best epoch, and its direction")
    seconds: float
    images_per_second: float
    interrupted: bool = False


class Scores(Contract):
    """Measured on the part that chose the best epoch, and so a little flattering; `evaluate` takes other images."""

    loss: float
    accuracy: float = Field(ge=0, le=1)


class Environment(Contract):
    """The machine and the libraries."""

    python: str
    platform: str
    processor: str
    device: str
    threads: int
    precision: str
    processes: int = Field(1, description="processes that trained together (torchrun's world size)")
    flush_denormal: bool = Field(False, description="numbers too small for float32 were taken for 0")
    libraries: dict[str, str]


class ModelCard(Contract):
    """The facts at a version's birth. What is learnt later (evaluations) is kept outside the version."""

    schema_version: int = CARD_SCHEMA
    name: str
    version: int = Field(ge=0)
    sequence: int = Field(ge=0, description="counts all versions of the registry; the highest trained one is `latest`")
    kind: Literal["trained", "run", "imported"] = "trained"
    created: datetime
    labels: tuple[str, ...] = Field(min_length=2)
    image: ImageSpec
    network: NetworkFacts
    data: DataFacts
    training: TrainingFacts
    validation: Scores | None = None
    environment: Environment
    parent: str | None = Field(None, description="the version whose weights it started from")
    files: dict[FileName, Sha256] = Field({}, description="sha256 of each other file of the version")

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str | bytes, where: str) -> Self:
        """Reads a card, its schema's version first.

        Args:
            text: The JSON.
            where: What the error names, usually the file.

        Raises:
            CardError: not JSON, a newer schema, or a field that is missing, unknown or of the wrong type.
        """
        check_schema(text, where, newest=CARD_SCHEMA)
        try:
            return cls.model_validate_json(text)
        except ValidationError as fault:
            first = fault.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise CardError(
                f"{where}: {field}: {first['msg']}", "charcnn models verify --all finds what was changed."
            ) from None


def check_schema(text: str | bytes, where: str, newest: int) -> None:
    """Checks only the `schema_version` of a JSON document.

    Raises:
        CardError: not a JSON object, no version, or one above `newest`.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise CardError(f"{where} is not JSON: {fault}") from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise CardError(f"{where} has no schema_version: it is no card of charcnn's.")
    if version > newest:
        raise CardError(
            f"{where} has schema version {version}; this charcnn reads up to {newest}.",
            "Upgrade charcnn: pip install --upgrade charcnn",
        )
