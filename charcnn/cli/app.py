"""The command `charcnn`: assembles the commands. They import heavy libraries only when they run."""

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
    """An entry in the list of commands; the command itself is in the module of its name."""

    panel: str
    summary: str


_COMMANDS = {
    "synth": _Command("Workflow", "Generate a dataset: characters in synthetic handwriting."),
    "augment": _Command("Workflow", "Write rotated copies of images to a new folder."),
    "train": _Command("Workflow", "Train a network and save it as a new version in the registry."),
    "evaluate": _Command("Workflow", "Measure a model on a labeled dataset: accuracy, per-class scores, confusions."),
    "predict": _Command("Workflow", "Read images: label and probability of each, in natural order."),
    "export": _Command(
        "Workflow", "Export a model to a file for other programs, and check that it gives the same answers."
    ),
    "models": _Command("Manage", "List, show, name, check and remove the models of the registry."),
    "networks": _Command("Manage", "List the networks, or show the layers of one."),
    "data": _Command("Manage", "Import and split datasets."),
}


class _ExplainedGroup(TyperGroup):
    """A group of commands whose exceptions become messages and exit codes."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the options before the command."""
        output.reset()
        with explained():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        output.reset()
        with explained(ctx):
            return super().invoke(ctx)


def make_app(arguments: Sequence[str] | None = None) -> typer.Typer:
    """Return the command line.

    Args:
        arguments: The command line. Only the command that it names is built; where it names none, only the entries of
            the list of commands: building all takes longer than reading an image. None builds all commands.
    """
    app = typer.Typer(
        name="charcnn",
        cls=_ExplainedGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
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
    """Stand for a command in the list of commands."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from charcnn import __version__

        output.put(f"charcnn {__version__}")
        raise typer.Exit


def _main(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Train, keep and use small CNNs that read a small set of handwritten characters."""
    logger = logging.getLogger("charcnn")
    logger.setLevel(logging.INFO)
    logger.handlers = [output.MessageHandler()]
    logger.propagate = False


def main() -> None:
    """Run the command line."""
    with tuned_process():
        is_completing = "_CHARCNN_COMPLETE" in os.environ
        make_app(None if is_completing else sys.argv[1:])(prog_name="charcnn")
