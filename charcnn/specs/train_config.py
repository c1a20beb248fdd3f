"""The settings of a training: what is asked (`TrainConfig`), and what it comes to (`ResolvedConfig`).

Two types, so that neither is taken for the other (`ResolvedConfig`: `charcnn.specs.resolved_config`);
`charcnn.training.resolve.resolve_config` leads from the first to the second, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any, ClassVar, Literal, Self

from charcnn.errors import ConfigError
from charcnn.specs.choices import (
    Activation,
    Augmentation,
    ClassWeights,
    Device,
    Fit,
    Loss,
    Polarity,
    Precision,
    Schedule,
)
from charcnn.specs.optimizers import OPTIMIZERS, Optimizer
from charcnn.specs.settings import Setting, declared_settings
from charcnn.text import did_you_mean

OptionValue = str | int | float | bool
"""The value of a network's own option."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """All settings of a training. A setting that is None is open: recipe, network, data or machine decide it.

    Raises:
        ConfigError: a value is impossible, or two contradict each other.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    data: Annotated[
        Sequence[str],
        Setting(
            help="Dataset: a folder of class folders, or a file,label CSV. Repeat for a union.",
            panel="Data",
            min_length=1,
        ),
    ] = ("train",)
    val: Annotated[
        str | None,
        Setting(help="Dataset that selects the best epoch, instead of a part of `data`.", panel="Data"),
    ] = None
    val_split: Annotated[
        float,
        Setting(help="Share of the images held out to select the best epoch; 0 for none.", panel="Data", ge=0, lt=1),
    ] = 0.1
    fit: Annotated[
        Literal["auto", Fit],
        Setting(
            help="How an image becomes square. auto: stretch if all images have one square size, else ink.",
            panel="Data",
        ),
    ] = "auto"
    margin: Annotated[
        float | None,
        Setting(
            help="Paper around the ink, as a share of the side (fit ink).", panel="Data", default="0.08", ge=0, le=0.4
        ),
    ] = None
    polarity: Annotated[Polarity, Setting(help="Ink against paper.", panel="Data")] = "auto"
    strict: Annotated[bool, Setting(help="Treat an unreadable image as an error.", panel="Data")] = False

    net: Annotated[
        str | None,
        Setting(
            help="Network, by name.",
            panel="Network",
            default="compact",
            hidden_flags=("--model",),
            aliases=("model",),
        ),
    ] = None
    size: Annotated[
        int | None,
        Setting(
            help="Side of the network's input, in pixels.",
            panel="Network",
            default="the network's own",
            hidden_flags=("--img-size", "--imgsz"),
            ge=8,
            le=512,
        ),
    ] = None
    activation: Annotated[
        Activation | None, Setting(help="Activation function.", panel="Network", default="the network's own")
    ] = None
    batch_norm: Annotated[
        bool | None,
        Setting(help="Batch normalization.", panel="Network", default="the network's own", is_negatable=True),
    ] = None
    dropout: Annotated[
        float | None, Setting(help="Dropout rate.", panel="Network", default="the network's own", ge=0, lt=1)
    ] = None
    net_options: Annotated[
        Mapping[str, OptionValue],
        Setting(
            help="Another option of the network. Repeatable.",
            panel="Network",
            flags=("--net-option",),
        ),
    ] = field(default_factory=dict)
    init_from: Annotated[
        str | None,
        Setting(
            help="Model whose weights to start from; classifier weights are matched by label.",
            panel="Network",
        ),
    ] = None

    recipe: Annotated[
        Literal["compact", "lab"] | None,
        Setting(
            help="Settings under one name; lab is the original course setup.",
            panel="Training",
            default="the network's own",
        ),
    ] = None
    opt: Annotated[
        Optimizer | None,
        Setting(
            help="Optimizer; gd is plain gradient descent (weight -= lr * gradient).",
            panel="Training",
            default="the recipe's",
            flags=("--opt", "--optimizer"),
            aliases=("optimizer",),
        ),
    ] = None
    lr: Annotated[
        float | None,
        Setting(help="Learning rate.", panel="Training", default="the recipe's; with `opt` the optimizer's own", gt=0),
    ] = None
    lr_increment: Annotated[float, Setting(help="Added to the learning rate after each epoch.", panel="Training")] = 0.0
    schedule: Annotated[
        Schedule | None, Setting(help="Learning rate schedule.", panel="Training", default="the recipe's")
    ] = None
    momentum: Annotated[
        float | None,
        Setting(help="Momentum (sgd, nesterov, rmsprop).", panel="Training", default="the optimizer's own", ge=0, lt=1),
    ] = None
    weight_decay: Annotated[
        float | None,
        Setting(
            help="Weight decay (not for gd).",
            panel="Training",
            default="the recipe's; with `opt` the optimizer's own",
            ge=0,
        ),
    ] = None
    loss: Annotated[
        Loss,
        Setting(help="ce: cross-entropy; mse, l1: of the softmax against the one-hot label.", panel="Training"),
    ] = "ce"
    label_smoothing: Annotated[
        float | None, Setting(help="Label smoothing.", panel="Training", default="the recipe's", ge=0, lt=1)
    ] = None
    class_weights: Annotated[
        ClassWeights,
        Setting(help="Weight classes by the inverse of their number of images, or of its root.", panel="Training"),
    ] = "none"
    augment: Annotated[
        Augmentation | None,
        Setting(
            help="Random rotation, shear, shift and warp of each image in each epoch; never flipped.",
            panel="Training",
            default="the recipe's",
        ),
    ] = None
    batch_size: Annotated[
        int | None,
        Setting(
            help="Images per step, of all processes together.",
            panel="Training",
            default="the recipe's",
            flags=("--batch-size", "-b"),
            ge=1,
        ),
    ] = None
    epochs: Annotated[
        int | None,
        Setting(
            help="Passes over the images.", panel="Training", default="the recipe's", flags=("--epochs", "-e"), ge=1
        ),
    ] = None
    patience: Annotated[
        int | None, Setting(help="Stop after this many epochs without improvement.", panel="Training", ge=1)
    ] = None
    seed: Annotated[
        int, Setting(help="Random seed for weights, shuffling and split.", panel="Training", ge=0, lt=2**63)
    ] = 0

    device: Annotated[Device, Setting(help="Device to train on.", panel="Machine")] = "auto"
    precision: Annotated[
        Precision | None,
        Setting(help="auto: bf16 if a quick benchmark shows it is faster.", panel="Machine", default="auto"),
    ] = None
    threads: Annotated[
        int | None, Setting(help="CPU threads.", panel="Machine", default="the machine's cores", ge=1)
    ] = None
    compile: Annotated[
        bool,
        Setting(help="Compile the network with torch.compile: for long trainings.", panel="Machine", is_negatable=True),
    ] = False

    name: Annotated[
        str | None,
        Setting(
            help="Name of the model.", panel="Model", default="the dataset's folder name, else charsN for N classes"
        ),
    ] = None

    def __post_init__(self) -> None:
        from charcnn.specs.check_settings import check_settings

        given = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        for name, value in check_settings(type(self), given).items():
            object.__setattr__(self, name, value)
        self._check_together()

    def _check_together(self) -> None:
        if self.lr_increment and self.schedule not in (None, "constant"):
            raise ConfigError(f"`lr_increment` needs `schedule=constant`, not {self.schedule}.")
        if self.momentum is not None and self.opt and OPTIMIZERS[self.opt].momentum is None:
            raise ConfigError(f"The optimizer {self.opt} has no `momentum`.", "`opt=sgd` has one.")
        if self.momentum == 0 and self.opt == "nesterov":
            raise ConfigError("nesterov needs a `momentum` above 0.", "`opt=sgd` goes without.")
        if self.weight_decay and self.opt and OPTIMIZERS[self.opt].weight_decay is None:
            raise ConfigError(f"The optimizer {self.opt} has no `weight_decay`.")
        if self.patience is not None and self.val is None and self.val_split == 0:
            raise ConfigError("`patience` needs validation images: `val`, or `val_split` above 0.")

    def given(self) -> dict[str, Any]:
        """Return the settings that are not open, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class TrainConfig(TrainSettings):
    """What a training is asked. Keywords are the settings' names; what is left None is decided by `resolve_config`."""

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> Self:
        """Return the config of settings by name, as a file or a command line has them.

        `optimizer` and `model` are accepted for `opt` and `net`, and `-` in names for `_`.

        Raises:
            ConfigError: a name is unknown (the closest is offered) or there twice, a value is impossible, or two
                contradict each other.
        """
        named = cls.rename_aliases(settings)
        known = declared_settings(cls)
        for name in named:
            if name not in known:
                raise ConfigError(f"Unknown setting: {name}", did_you_mean(name, [*known, *_aliases()]))
        return cls(**named)

    @staticmethod
    def rename_aliases(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings under their own names.

        Raises:
            ConfigError: a setting is there under two names.
        """
        named: dict[str, tuple[str, Any]] = {}
        for word, value in settings.items():
            name = word.replace("-", "_")
            name = _aliases().get(name, name)
            if name in named:
                raise ConfigError(f"{named[name][0]} and {word} are one setting.", "Leave one of them out.")
            named[name] = word, value
        return {name: value for name, (_, value) in named.items()}


def _aliases() -> dict[str, str]:
    settings = declared_settings(TrainConfig)
    return {alias: name for name, declared in settings.items() for alias in declared.setting.aliases}
