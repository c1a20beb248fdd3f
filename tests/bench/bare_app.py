"""Baseline for `charcnn --help`: a Typer and Rich app with as many commands, which do nothing."""

import typer
from rich.console import Console

app = typer.Typer(name="bare", no_args_is_help=True)
console = Console(stderr=True)


def _command(name: str) -> None:
    @app.command(name)
    def _(path: str = "", number: int = 0, flag: bool = False) -> None:
        """Do nothing with a path, a number and a flag."""
        console.print(path, number, flag)


for word in ("synth", "augment", "train", "evaluate", "predict", "export", "networks"):
    _command(word)
for word in ("models", "data"):
    app.add_typer(typer.Typer(help="A group of nothing."), name=word)

if __name__ == "__main__":
    app()
