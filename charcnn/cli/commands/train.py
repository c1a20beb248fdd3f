"""`charcnn train`."""

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.errors import FAILED, INTERRUPTED
from charcnn.cli.options import Json, RegistryRoot
from charcnn.cli.progress import TrainingProgress
from charcnn.text import pluralize

if TYPE_CHECKING:
    from charcnn.training.train import Trained

_NETWORK, _LEARNING, _DATA, _MACHINE = "Network", "Learning", "Data", "Machine"


def train(
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Dataset: a folder of class folders, or a file,label CSV. Repeat for a union.",
            show_default="train",
            rich_help_panel=_DATA,
        ),
    ] = None,
    val: Annotated[
        str | None,
        typer.Option(help="Dataset that chooses the best epoch, instead of a part of --data.", rich_help_panel=_DATA),
    ] = None,
    val_split: Annotated[
        float | None,
        typer.Option(
            help="Share put aside to choose the best epoch; 0: none.",
            show_default="0.1",
            rich_help_panel=_DATA,
        ),
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            help="auto, stretch, pad or ink: how an image becomes square.",
            show_default="auto",
            rich_help_panel=_DATA,
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="Paper left round the ink, share of the side (ink).",
            show_default="0.08",
            rich_help_panel=_DATA,
        ),
    ] = None,
    polarity: Annotated[
        str | None,
        typer.Option(help="auto, dark-on-light or light-on-dark.", show_default="auto", rich_help_panel=_DATA),
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="An unreadable image is an error.", rich_help_panel=_DATA)
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(
            "--net",
            "--model",
            help="charcnn networks lists them.",
            show_default="compact",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            "--img-size",
            "--imgsz",
            help="Side of the network's input, in pixels.",
            show_default="the network's own",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="relu, sigmoid, tanh, leaky-relu or prelu.", rich_help_panel=_NETWORK)
    ] = None,
    batch_norm: Annotated[
        bool | None, typer.Option(help="Normalise each convolution.", rich_help_panel=_NETWORK)
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Dropout rate.", rich_help_panel=_NETWORK)] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            help="A model whose weights to start from; the last layer is met by label.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Settings under one name: compact, or lab (the lab as it was).",
            show_default="the network's own",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    opt: Annotated[
        str | None,
        typer.Option(
            "--opt",
            "--optimizer",
            help="sgd, nesterov, adam, adamw, rmsprop, or gd (weight -= lr * gradient).",
            show_default="the recipe's",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            help="Learning rate.",
            show_default="the recipe's; with --opt the optimizer's own",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    lr_increment: Annotated[
        float | None,
        typer.Option(
            help="Added to the learning rate after each epoch.", show_default="0.0", rich_help_panel=_LEARNING
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="constant, cosine or onecycle.", show_default="the recipe's", rich_help_panel=_LEARNING),
    ] = None,
    momentum: Annotated[
        float | None,
        typer.Option(help="For sgd, nesterov, rmsprop.", show_default="the optimizer's own", rich_help_panel=_LEARNING),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            help="Not for gd.",
            show_default="the recipe's; with --opt the optimizer's own",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="ce, or mse, l1 of the softmax against one-hot.",
            show_default="ce",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="0 … 1.", show_default="the recipe's", rich_help_panel=_LEARNING)
    ] = None,
    class_weights: Annotated[
        str | None,
        typer.Option(
            help="none, inverse or sqrt (of a class's number of images).",
            show_default="none",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            help="off, light or strong: turn, lean, shift and warp each image anew in every epoch; never flipped.",
            show_default="the recipe's",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size", "-b", help="Images per step.", show_default="the recipe's", rich_help_panel=_LEARNING
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            "-e",
            help="Passes over the images.",
            show_default="the recipe's",
            rich_help_panel=_LEARNING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after so many epochs without a better one.", rich_help_panel=_LEARNING),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Drives weights, order and split.", show_default="0", rich_help_panel=_LEARNING),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="auto, cpu, cuda or mps.", show_default="auto", rich_help_panel=_MACHINE),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help="auto, fp32 or bf16; auto: bf16 where a trial shows that it is faster here.",
            show_default="auto",
            rich_help_panel=_MACHINE,
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads that compute.", show_default="the cores", rich_help_panel=_MACHINE)
    ] = None,
    compile_network: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile", help="torch.compile the network: for long trainings.", rich_help_panel=_MACHINE
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The model's name.", show_default="made from the data's")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of these settings; flags win.")] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the settings as TOML, and train nothing.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Go on with a training that was stopped: its name, or last. Only --epochs may change.",
        ),
    ] = None,
    registry: RegistryRoot = None,
    as_json: Json = False,
) -> None:
    """Train a network and save it as a new version in the registry.

    Without a flag charcnn's own small network learns by its recipe; --recipe lab is the lab as it was. With no dataset
    at hand the starter set is written and used. A part of the images chooses the best epoch; its weights, an ONNX file,
    the history and a card become the version. Ctrl-C keeps the best epoch so far; --resume goes on from there.
    """
    flags = {
        {"compile_network": "compile"}.get(key, key): value
        for key, value in locals().copy().items()
        if key not in ("config", "print_config", "resume", "registry", "as_json") and value is not None and value != []
    }
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.specs.train_config import TrainConfig

    if resume is not None:
        _resume(resume, flags, config, registry, as_json)
        return
    settings = TrainConfig.parse({**_read_config(config), **flags})
    if print_config:
        from charcnn.training.recipes import settle

        output.put(settings.to_toml(settle(settings)).rstrip())
        return
    for argument in filter(None, (*settings.data, settings.val)):
        dataset_or_starter(argument)
    with _loading():
        from charcnn.training.train import train as run
    _show(partial(run, settings), registry, as_json)


def _resume(run: str, flags: dict[str, Any], config: Path | None, registry: Path | None, as_json: bool) -> None:
    from charcnn.errors import ConfigError

    others = [f"--{name.replace('_', '-')}" for name in [*flags, *(["config"] if config else [])] if name != "epochs"]
    if others:
        raise ConfigError(
            f"--resume goes on with the settings that the run began with, and takes no {', '.join(others)}.",
            f"charcnn train --resume {run}",
        )
    with _loading():
        from charcnn.training.train import resume
    _show(partial(resume, run, epochs=flags.get("epochs")), registry, as_json)


def _loading() -> AbstractContextManager[None]:
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.get("RANK", "0") != "0":
        output.mute()  # torchrun started several: the first one talks
    return output.waiting("Loading torch")


def _show(run: "Callable[..., Trained]", registry_root: Path | None, as_json: bool) -> None:
    """Trains, and tells how it goes and what came of it."""
    from charcnn.cli.commands.predict import reading_command
    from charcnn.errors import TrainingInterrupted
    from charcnn.registry.store import Registry

    registry = Registry(registry_root)
    with TrainingProgress() as view:
        try:
            trained = run(registry=registry, listener=view, command=shlex.join(["charcnn", *sys.argv[1:]]))
        except TrainingInterrupted as stopped:
            output.say("Interrupted, before there was a version; what was done is kept.")
            output.next_step(f"charcnn train --resume {stopped.run}")
            raise typer.Exit(INTERRUPTED) from None
        except RuntimeError as fault:
            if "WORLD_SIZE" not in os.environ:
                raise
            rank = os.environ.get("RANK", "0")
            output.fail(f"Process {rank}: {str(fault).splitlines()[0]}", "Another process may have said why.")
            raise typer.Exit(FAILED) from None
    card = trained.version.card
    if as_json:
        output.put_json(card.model_dump(mode="json"))
    else:
        output.put(card.reference)
    if card.validation:
        output.say(
            f"Best epoch {card.training.best_epoch} of {card.training.epochs}: "
            f"{card.validation.accuracy:.2%} of {pluralize(card.data.val, 'validation image')}."
        )
    word = "Interrupted; saved what there was" if trained.interrupted else "Saved"
    output.say(f"{word}: {card.reference} in {trained.version.folder}")
    if trained.interrupted:
        output.next_step(f"charcnn train --resume {trained.run}", reading_command(card.reference, card.labels))
        raise typer.Exit(INTERRUPTED)
    output.next_step(f"charcnn evaluate --model {card.reference}", reading_command(card.reference, card.labels))


def _read_config(path: Path | None) -> dict[str, Any]:
    """Reads a TOML file of settings; `batch-size` and `batch_size` are the same."""
    import tomllib

    from charcnn.errors import ConfigError
    from charcnn.specs.train_config import TrainConfig

    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is no TOML: it is not UTF-8.") from None
    except FileNotFoundError:
        raise ConfigError(
            f"No such config file: {path}", "charcnn train --print-config > train.toml writes one."
        ) from None
    try:
        settings = TrainConfig.with_own_names(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{path} is no TOML: {fault}") from None
    if isinstance(settings.get("data"), str):
        settings["data"] = [settings["data"]]
    return settings
