"""The command `charcnn`: puts the commands together, and nothing else. Heavy libraries are imported inside commands."""

import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from charcnn.cli import output
from charcnn.cli.errors import explained
from charcnn.cli.startup import tuned_process

_WORK, _KEEP = "Workflow", "Manage"
_COMMANDS = {
    "synth": _WORK,
    "augment": _WORK,
    "train": _WORK,
    "evaluate": _WORK,
    "predict": _WORK,
    "export": _WORK,
    "models": _KEEP,
    "networks": _KEEP,
    "data": _KEEP,
}
"""Each command, which lives in the module of its name, and its panel in the help."""


class _Explaining(TyperGroup):
    """A group whose commands end in an explanation, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        output.reset()
        with explained():
            return super().invoke(ctx)


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the command line.

    Args:
        arguments: What was typed. Where it begins with a command, the others are left out: building them takes
            longer than reading an image.
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
    for name in arguments[:1] if arguments and arguments[0] in _COMMANDS else _COMMANDS:
        module = import_module(f"charcnn.cli.commands.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, rich_help_panel=_COMMANDS[name])
        else:
            app.command(name, rich_help_panel=_COMMANDS[name])(getattr(module, name))
    return app


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
        make_app(sys.argv[1:])(prog_name="charcnn")
