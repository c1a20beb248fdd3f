"""The command `charcnn`: puts the commands together, and nothing else. Heavy libraries are imported inside commands."""

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from charcnn.cli import output
from charcnn.cli.errors import explained
from charcnn.cli.startup import tuned_process


class _Command(NamedTuple):
    """What the list of commands shows of a command, which lives in the module of its name."""

    panel: str
    summary: str


_COMMANDS = {
    "synth": _Command("Workflow", "Write characters in synthetic handwriting: a dataset to train on, from nothing."),
    "augment": _Command("Workflow", "Rotate images into a new folder, with a manifest of what was done to each."),
    "train": _Command("Workflow", "Train a network and save it as a new version in the registry."),
    "evaluate": _Command("Workflow", "Measure a model on a labeled dataset: accuracy, per-class scores, confusions."),
    "predict": _Command("Workflow", "Read images: label and probability of each, in natural order."),
    "export": _Command(
        "Workflow", "Write a model as one file for other programs, and check that it gives the same answers."
    ),
    "models": _Command("Manage", "List, show, name, check and remove the models of the registry."),
    "networks": _Command("Manage", "List the networks, or show the layers of one."),
    "data": _Command("Manage", "Import and split datasets."),
}


class _Explaining(TyperGroup):
    """A group whose commands end in an explanation, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        output.reset()
        with explained(ctx):
            return super().invoke(ctx)


def make_app(arguments: Sequence[str] | None = None) -> typer.Typer:
    """Return the command line.

    Args:
        arguments: What was typed. Only the command that it names is built, or of all what the list of commands shows:
            building them takes longer than reading an image. None for all of them.
    """
    app = typer.Typer(
        name="charcnn",
        cls=_Explaining,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="First time? charcnn augment ttest tttest; charcnn train --opt adam; charcnn predict --model latest",
    )
    app.callback()(_main)
    typed = next((word for word in arguments or () if not word.startswith("-")), None)
    if typed in _COMMANDS:
        _add(app, typed)
        return app
    for name, command in _COMMANDS.items():
        if arguments is None:
            _add(app, name)
        else:
            app.command(name, help=command.summary, rich_help_panel=command.panel)(_listed_only)
    return app


def _add(app: typer.Typer, name: str) -> None:
    module, panel = import_module(f"charcnn.cli.commands.{name}"), _COMMANDS[name].panel
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name, rich_help_panel=panel)
    else:
        app.command(name, rich_help_panel=panel)(getattr(module, name))


def _listed_only() -> None:
    """Stands for a command that was not typed."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from charcnn import __version__

        output.put(f"charcnn {__version__}")
        raise typer.Exit


def _main(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train, keep and use small CNNs that read a small set of handwritten characters."""
    logger = logging.getLogger("charcnn")
    logger.setLevel(logging.INFO)
    logger.handlers = [output.TalkHandler()]
    logger.propagate = False


def main() -> None:
    """Run the command line."""
    with tuned_process():
        is_completing = "_CHARCNN_COMPLETE" in os.environ
        make_app(None if is_completing else sys.argv[1:])(prog_name="charcnn")
