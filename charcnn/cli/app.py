"""The command `charcnn`: puts the commands together, and nothing else. Heavy libraries are imported inside commands."""

import logging
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from charcnn.cli import augment, data, evaluate, export, models, networks, output, predict, synth, train
from charcnn.cli.errors import explained


class _Explaining(TyperGroup):
    """A group whose commands end in an explanation, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        output.reset()
        with explained():
            return super().invoke(ctx)


app = typer.Typer(
    name="charcnn",
    cls=_Explaining,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First time? charcnn augment ttest tttest; charcnn train --opt adam; charcnn predict --model latest",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from charcnn import __version__

        output.put(f"charcnn {__version__}")
        raise typer.Exit


@app.callback()
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


_WORK, _KEEP = "Work", "Look and keep"
app.command("synth", rich_help_panel=_WORK)(synth.synth)
app.command("augment", rich_help_panel=_WORK)(augment.augment)
app.command("train", rich_help_panel=_WORK)(train.train)
app.command("evaluate", rich_help_panel=_WORK)(evaluate.evaluate)
app.command("predict", rich_help_panel=_WORK)(predict.predict)
app.command("export", rich_help_panel=_WORK)(export.export)
app.add_typer(models.app, name="models", rich_help_panel=_KEEP)
app.command("networks", rich_help_panel=_KEEP)(networks.networks)
app.add_typer(data.app, name="data", rich_help_panel=_KEEP)


def main() -> None:
    """Runs the command line."""
    app()
