"""`charcnn train`."""

import codecs
import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.errors import FAILED, INTERRUPTED
from charcnn.cli.flags import flag_of, in_keys
from charcnn.cli.options import Json, RegistryRoot
from charcnn.cli.settings import SETTINGS, with_settings
from charcnn.text import pluralize

if TYPE_CHECKING:
    from charcnn.registry.store import Registry
    from charcnn.specs.card import ModelCard
    from charcnn.specs.train_config import TrainConfig
    from charcnn.training.history import EpochRecord
    from charcnn.training.train import Trained


@with_settings
def train(
    settings: dict[str, Any],
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; flags override them.")] = None,
    print_config: Annotated[bool, typer.Option("--print-config", help="Print the settings as TOML and exit.")] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help='Resume an interrupted run: its name, or "last". Only --epochs may change.',
        ),
    ] = None,
    registry: RegistryRoot = None,
    as_json: Json = False,
) -> None:
    """Train a network and save it as a new version in the registry.

    By default, trains the compact network with its own recipe; --recipe lab reproduces the original course setup.
    Without a dataset, a starter set is generated and used. The best epoch on held-out images becomes the version:
    weights, ONNX file, history and card. Ctrl-C saves the best epoch so far; resume with --resume.

    Prints the new version.
    """
    from charcnn.dependencies import require
    from charcnn.errors import ConfigError

    require("charcnn train", "torch", "onnx", "onnxscript", "psutil", "safetensors")  # before a starter set is written
    from charcnn.specs.train_config import TrainConfig

    if resume is not None:
        _resume(resume, settings, config, registry, as_json)
        return
    if "@" in settings.get("net", ""):
        raise ConfigError(
            f"{settings['net']} is a model, and `net` takes a network.",
            f"To start from its weights: charcnn train --init-from {settings['net']}",
        )
    of_file = _read_config(config)
    with _naming_keys(config, of_file.keys() - settings.keys()):
        _train(TrainConfig.parse({**of_file, **settings}), print_config, registry, as_json)


def _train(asked: "TrainConfig", print_config: bool, registry: Path | None, as_json: bool) -> None:
    """Train what was asked, or print it."""
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.networks.built_in import BUILT_IN, check_network_name
    from charcnn.registry.store import Registry

    if print_config:
        from charcnn.specs.toml import to_toml
        from charcnn.training.resolve import resolve_config

        output.put(to_toml(asked, resolve_config(asked)).rstrip())
        return
    if asked.net is not None and asked.net.casefold() not in BUILT_IN:
        check_network_name(asked.net)
        from charcnn.networks.catalogue import get_network

        get_network(asked.net)  # raises for an unknown one before a starter set is written
    from charcnn.training.check_request import check_request, scan_datasets

    store = Registry(registry)
    check_request(asked, store)
    for argument in filter(None, (*asked.data, asked.val)):
        dataset_or_starter(argument)
    scanned = scan_datasets(asked, store)
    with _loading(store):
        from charcnn.training.train import train as run
    _show(partial(run, asked, scanned=scanned), registry, as_json)


@contextmanager
def _naming_keys(config: Path | None, keys: Collection[str]) -> Iterator[None]:
    """Name settings that a config file sets by their keys in errors, together with the file, and not as flags."""
    from charcnn.errors import ConfigError

    try:
        yield
    except ConfigError as fault:
        if config is None or type(fault) is not ConfigError:
            raise
        text = f"`{fault.field}={fault.value}`: {fault.reason}" if fault.field else fault.reason
        message, hint = in_keys(text, keys), in_keys(fault.hint, keys)
        if message == text and SETTINGS.keys() >= set(keys):  # unknown keys are found first
            raise
        raise ConfigError(f"{config}: {message}", hint) from None


def _resume(run: str, flags: dict[str, Any], config: Path | None, registry: Path | None, as_json: bool) -> None:
    from charcnn.cli.suggestions import with_registry
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry
    from charcnn.training.check_request import find_resumable, scan_datasets

    others = [flag_of(name) for name in [*flags, *(["config"] if config else [])] if name != "epochs"]
    if others:
        raise ConfigError(
            f"--resume uses the settings of the run, and cannot be combined with {', '.join(others)}.",
            with_registry(f"charcnn train --resume {run}", registry),
        )
    store = Registry(registry)
    _, resolved = find_resumable(run, store, epochs=flags.get("epochs"))
    scanned = scan_datasets(resolved, store)
    with _loading(store):
        from charcnn.training.train import resume
    _show(partial(resume, run, epochs=flags.get("epochs"), scanned=scanned), registry, as_json)


def _loading(registry: "Registry") -> AbstractContextManager[None]:
    """Show that torch is being imported, which takes seconds. First check that the registry can be written."""
    registry.check_writable()
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.get("RANK", "0") != "0":
        output.mute()  # under torchrun only the first process writes messages
    return output.waiting("Loading torch")


def _show(run: "Callable[..., Trained]", registry_root: Path | None, as_json: bool) -> None:
    """Train, show progress, and print the new version."""
    from charcnn.cli.interrupts import StopOnSignal
    from charcnn.cli.progress import TrainingProgress
    from charcnn.cli.suggestions import evaluating_command, reading_command, with_registry
    from charcnn.errors import TrainingInterrupted
    from charcnn.registry.runs import remove_finished_runs
    from charcnn.registry.store import Registry

    registry = Registry(registry_root)
    with TrainingProgress() as view:
        try:
            command = shlex.join(["charcnn", *sys.argv[1:]])
            trained = run(registry=registry, callbacks=[StopOnSignal(), view], command=command)
        except TrainingInterrupted as stopped:
            output.say("Interrupted before the first epoch was finished. The run can be resumed.")
            output.next_step(with_registry(f"charcnn train --resume {stopped.run}", registry_root))
            raise typer.Exit(INTERRUPTED) from None
        except RuntimeError as fault:
            if "WORLD_SIZE" not in os.environ:
                raise
            rank = os.environ.get("RANK", "0")
            output.fail(f"Process {rank}: {str(fault).splitlines()[0]}", "See the output of the other processes.")
            raise typer.Exit(FAILED) from None
    if trained.run and not trained.interrupted:
        remove_finished_runs(registry.root, keep=trained.run)
    card = trained.version.card
    if as_json:
        output.put_json(card.model_dump(mode="json"))
    else:
        output.put(card.reference)
    if card.validation:
        _say_kept(card, trained.history)
    word = "Interrupted. Saved the best epoch so far" if trained.interrupted else "Saved"
    output.say(f"{word}: {card.reference} in {trained.version.folder}")
    reading = reading_command(card.reference, card.labels, registry_root)
    if trained.interrupted:
        output.next_step(with_registry(f"charcnn train --resume {trained.run}", registry_root), reading)
        raise typer.Exit(INTERRUPTED)
    evaluating = evaluating_command(card.reference, card.data.sources, registry_root)
    output.next_step(*([evaluating] if evaluating else []), reading)


def _say_kept(card: "ModelCard", history: "Sequence[EpochRecord]") -> None:
    """Say which epoch became the version and, where another has a higher validation accuracy, why."""
    kept, accuracy = card.training.best_epoch, history[card.training.best_epoch - 1].val_accuracy or 0.0
    highest = max(history, key=lambda record: (record.val_accuracy or 0.0, record.epoch))
    is_highest = (highest.val_accuracy or 0.0) <= accuracy
    output.say(
        f"Kept epoch {kept} of {card.training.epochs}: "
        f"{accuracy:.2%} of {pluralize(card.data.val, 'validation image')}{', the best' if is_highest else ''}."
    )
    if not is_highest:
        schedule = card.training.config.schedule
        output.say(f"Epoch {highest.epoch} reached {highest.val_accuracy:.2%}, which is within one standard error.")
        output.say(f"The {schedule} schedule ends at a low rate, so the last epoch is kept unless it is clearly worse.")


def _read_config(path: Path | None) -> dict[str, Any]:
    """Return the settings of a TOML file; `batch-size` and `batch_size` are the same."""
    import tomllib

    from charcnn.errors import ConfigError
    from charcnn.specs.train_config import TrainConfig

    if path is None:
        return {}
    try:
        text = _decode(path.read_bytes())
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{path} is not TOML: it is not {fault.encoding.upper()}.") from None
    except FileNotFoundError:
        raise ConfigError(
            f"No such config file: {path}", "charcnn train --print-config > train.toml writes one."
        ) from None
    try:
        return TrainConfig.rename_aliases(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{path} is not TOML: {fault}") from None


def _decode(text: bytes) -> str:
    """Decode UTF-8, with or without a byte-order mark, or UTF-16 with one, as `>` in Windows PowerShell writes."""
    is_utf16 = text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return text.decode("utf-16" if is_utf16 else "utf-8-sig")
