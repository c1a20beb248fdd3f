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
from charcnn.cli.flags import flag_of
from charcnn.cli.options import Json, RegistryRoot
from charcnn.cli.settings import with_settings
from charcnn.text import pluralize

if TYPE_CHECKING:
    from charcnn.registry.store import Registry
    from charcnn.training.train import Trained


@with_settings
def train(
    settings: dict[str, Any],
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; flags override it.")] = None,
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
    """
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.errors import ConfigError
    from charcnn.networks.built_in import BUILT_IN, check_network_name
    from charcnn.registry.store import Registry
    from charcnn.specs.train_config import TrainConfig

    if resume is not None:
        _resume(resume, settings, config, Registry(registry), as_json)
        return
    if "@" in settings.get("net", ""):
        raise ConfigError(
            f"{settings['net']} is a model, and `net` takes a network.",
            f"To start from its weights: charcnn train --init-from {settings['net']}",
        )
    asked = TrainConfig.parse({**_read_config(config), **settings})
    if print_config:
        from charcnn.specs.toml import to_toml
        from charcnn.training.resolve import resolve_config

        output.put(to_toml(asked, resolve_config(asked)).rstrip())
        return
    if asked.net is not None and asked.net.casefold() not in BUILT_IN:
        check_network_name(asked.net)
        from charcnn.networks.catalogue import get_network

        get_network(asked.net)  # an unknown one is refused before a starter set is written
    from charcnn.training.check_request import check_request, scan_datasets

    store = Registry(registry)
    check_request(asked, store)
    for argument in filter(None, (*asked.data, asked.val)):
        dataset_or_starter(argument)
    scanned = scan_datasets(asked, store)
    with _loading(store):
        from charcnn.training.train import train as run
    _show(partial(run, asked, scanned=scanned), store, as_json)


def _resume(run: str, flags: dict[str, Any], config: Path | None, registry: "Registry", as_json: bool) -> None:
    from charcnn.errors import ConfigError
    from charcnn.training.check_request import find_resumable, scan_datasets

    others = [flag_of(name) for name in [*flags, *(["config"] if config else [])] if name != "epochs"]
    if others:
        raise ConfigError(
            f"--resume continues with the settings of the run, and does not take {', '.join(others)}.",
            f"charcnn train --resume {run}",
        )
    _, found = find_resumable(run, registry, epochs=flags.get("epochs"))
    scanned = scan_datasets(found, registry)
    with _loading(registry):
        from charcnn.training.train import resume
    _show(partial(resume, run, epochs=flags.get("epochs"), scanned=scanned), registry, as_json)


def _loading(registry: "Registry") -> AbstractContextManager[None]:
    """Show that torch is being imported, which takes seconds; a registry that cannot be written is refused before."""
    registry.check_writable()
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.get("RANK", "0") != "0":
        output.mute()  # torchrun started several: the first one talks
    return output.waiting("Loading torch")


def _show(run: "Callable[..., Trained]", registry: "Registry", as_json: bool) -> None:
    """Train, show progress, and print the version."""
    from charcnn.cli.interrupts import StopOnSignal
    from charcnn.cli.progress import TrainingProgress
    from charcnn.cli.reading_command import reading_command
    from charcnn.errors import TrainingInterrupted
    from charcnn.registry.runs import remove_finished_runs

    with TrainingProgress() as view:
        try:
            command = shlex.join(["charcnn", *sys.argv[1:]])
            trained = run(registry=registry, callbacks=[StopOnSignal(), view], command=command)
        except TrainingInterrupted as stopped:
            output.say("Interrupted before the first epoch was finished; what was done is kept.")
            output.next_step(f"charcnn train --resume {stopped.run}")
            raise typer.Exit(INTERRUPTED) from None
        except RuntimeError as fault:
            if "WORLD_SIZE" not in os.environ:
                raise
            rank = os.environ.get("RANK", "0")
            output.fail(f"Process {rank}: {str(fault).splitlines()[0]}", "Another process may have said why.")
            raise typer.Exit(FAILED) from None
    if trained.run and not trained.interrupted:
        remove_finished_runs(registry.root, keep=trained.run)
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
    word = "Interrupted. Saved the best epoch so far" if trained.interrupted else "Saved"
    output.say(f"{word}: {card.reference} in {trained.version.folder}")
    if trained.interrupted:
        output.next_step(f"charcnn train --resume {trained.run}", reading_command(card.reference, card.labels))
        raise typer.Exit(INTERRUPTED)
    output.next_step(f"charcnn evaluate --model {card.reference}", reading_command(card.reference, card.labels))


def _read_config(path: Path | None) -> dict[str, Any]:
    """Read a TOML file of settings; `batch-size` and `batch_size` are the same."""
    import tomllib

    from charcnn.errors import ConfigError
    from charcnn.specs.train_config import TrainConfig

    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not TOML: it is not UTF-8.") from None
    except FileNotFoundError:
        raise ConfigError(
            f"No such config file: {path}", "charcnn train --print-config > train.toml writes one."
        ) from None
    try:
        return TrainConfig.rename_aliases(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{path} is not TOML: {fault}") from None
