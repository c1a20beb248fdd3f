"""Training settings, as requested (`TrainConfig`) and as resolved (`ResolvedConfig`).

They are two types so that they cannot be confused. `charcnn.training.resolve.resolve_config` converts the first into
the second, once. `ResolvedConfig` is in `charcnn.specs.resolved_config`.
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
"""Value of an option of a network."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """All settings of a training. A setting that is None is open: the recipe, network, data or machine determines it.

    Raises:
        ConfigError: a value is invalid, or two settings conflict.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    data: Annotated[
        Sequence[str],
        Setting(
            help="Dataset: a folder of class folders, or a CSV file (file,label). Repeat to combine several.",
            panel="Data",
            min_length=1,
        ),
    ] = ("train",)
    val: Annotated[
        str | None,
        Setting(help="Validation dataset, which selects the best epoch; replaces `val_split`.", panel="Data"),
    ] = None
    val_split: Annotated[
        float,
        Setting(help="Share of the images held out for validation; 0 for none.", panel="Data", ge=0, lt=1),
    ] = 0.1
    fit: Annotated[
        Literal["auto", Fit],
        Setting(
            help="How images become square. auto: stretch if all images are square and of one size, else ink.",
            panel="Data",
        ),
    ] = "auto"
    margin: Annotated[
        float | None,
        Setting(
            help="Margin around the ink, as a share of the side (only with `fit=ink`).",
            panel="Data",
            default="0.08",
            ge=0,
            le=0.4,
        ),
    ] = None
    polarity: Annotated[Polarity, Setting(help="Whether ink is darker or lighter than paper.", panel="Data")] = "auto"
    strict: Annotated[bool, Setting(help="Treat an unreadable image as an error.", panel="Data")] = False

    net: Annotated[
        str | None,
        Setting(
            help="Name of the network.",
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
            default="the network's own; 48 for characters with many strokes",
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
            help="Named set of defaults; lab is the original course setup.",
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
        Setting(help="Loss function. ce: cross-entropy; mse, l1: between softmax and one-hot label.", panel="Training"),
    ] = "ce"
    label_smoothing: Annotated[
        float | None, Setting(help="Label smoothing.", panel="Training", default="the recipe's", ge=0, lt=1)
    ] = None
    class_weights: Annotated[
        ClassWeights,
        Setting(help="Weight classes by the inverse of their image count, or of its square root.", panel="Training"),
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
            help="Images per step, across all processes.",
            panel="Training",
            default="the recipe's",
            flags=("--batch-size", "-b"),
            ge=1,
        ),
    ] = None
    epochs: Annotated[
        int | None,
        Setting(
            help="Passes over the training images.",
            panel="Training",
            default="the recipe's",
            flags=("--epochs", "-e"),
            ge=1,
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
    share_cores: Annotated[
        bool | None,
        Setting(
            help="Use fewer threads while other programs keep cores busy.",
            panel="Machine",
            default="on, unless the number of threads is set",
            is_negatable=True,
        ),
    ] = None
    compile: Annotated[
        bool,
        Setting(
            help="Compile the network with torch.compile; worthwhile for long trainings.",
            panel="Machine",
            is_negatable=True,
        ),
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
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.lr_increment and self.schedule not in (None, "constant"):
            raise ConfigError(f"`lr_increment` needs `schedule=constant`, not {self.schedule}.")
        if self.momentum is not None and self.opt and OPTIMIZERS[self.opt].momentum is None:
            raise ConfigError(f"The optimizer {self.opt} has no `momentum`.", "Use `opt=sgd`, for example.")
        if self.momentum == 0 and self.opt == "nesterov":
            raise ConfigError("nesterov needs a `momentum` above 0.", "To train without momentum, use `opt=sgd`.")
        if self.weight_decay and self.opt and OPTIMIZERS[self.opt].weight_decay is None:
            raise ConfigError(f"The optimizer {self.opt} has no `weight_decay`.")
        if self.patience is not None and self.val is None and self.val_split == 0:
            raise ConfigError("`patience` needs validation images: `val`, or `val_split` above 0.")

    def given(self) -> dict[str, Any]:
        """Return the settings that are not None, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class TrainConfig(TrainSettings):
    """The requested settings of a training, given as keywords. `resolve_config` determines those left at None.

    Examples:
        >>> import charcnn
        >>> config = charcnn.TrainConfig(data=("abc/train",), net="lenet", opt="sgd", lr=0.05)
        >>> config.lr, config.momentum is None
        (0.05, True)
        >>> charcnn.TrainConfig(lr=-1)
        Traceback (most recent call last):
            ...
        charcnn.errors.ConfigError: lr=-1: must be greater than 0
    """

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> Self:
        """Return the config for settings by name, as read from a file or a command line.

        `optimizer` and `model` are accepted for `opt` and `net`, and `-` for `_` in names.

        Raises:
            ConfigError: a name is unknown (the error suggests the closest) or given twice, a value is invalid, or two
                settings conflict.
        """
        named = cls.rename_aliases(settings)
        known = declared_settings(cls)
        for name in named:
            if name not in known:
                raise ConfigError(f"Unknown setting: {name}", did_you_mean(name, [*known, *_aliases()]))
        return cls(**named)

    @staticmethod
    def rename_aliases(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with aliases replaced by the settings' own names.

        Raises:
            ConfigError: a setting is given under two names.
        """
        named: dict[str, tuple[str, Any]] = {}
        for word, value in settings.items():
            name = word.replace("-", "_")
            name = _aliases().get(name, name)
            if name in named:
                raise ConfigError(f"{named[name][0]} and {word} are the same setting.", "Remove one of them.")
            named[name] = word, value
        return {name: value for name, (_, value) in named.items()}


def _aliases() -> dict[str, str]:
    settings = declared_settings(TrainConfig)
    return {alias: name for name, declared in settings.items() for alias in declared.setting.aliases}
