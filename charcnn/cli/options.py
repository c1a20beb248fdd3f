"""Options that several commands share: a flag means the same everywhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from charcnn.registry.references import LATEST


def _model_references(registry: Path | None) -> list[str]:
    """Return all references to models of the registry: names, versions, aliases, and `latest`."""
    from charcnn.errors import CharcnnError
    from charcnn.registry.store import Registry

    try:
        versions = Registry(registry).versions()
    except (CharcnnError, OSError):  # completion must not print errors
        return []
    names = [LATEST, *dict.fromkeys(v.name for v in versions), *(v.reference for v in versions)]
    return names + [f"{v.name}@{alias}" for v in versions for alias in v.aliases]


def complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the model references that start with `incomplete`, from the registry given before."""
    return [word for word in _model_references(ctx.params.get("registry")) if word.startswith(incomplete)]


Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="latest, NAME, NAME@3, NAME@ALIAS, a version's folder, or an exported .onnx file.",
        autocompletion=complete_model,
    ),
]
_MODEL = typer.Argument(metavar="MODEL", help="latest, NAME, NAME@3 or NAME@ALIAS.", autocompletion=complete_model)
ModelArgument = Annotated[str, _MODEL]
OptionalModelArgument = Annotated[str | None, _MODEL]
RegistryRoot = Annotated[
    Path | None,
    typer.Option("--registry", help="Folder of the registry.", show_default="$CHARCNN_REGISTRY, else registry"),
]


def choices_metavar(choices: Iterable[str]) -> str:
    """Return choices as the help shows them, with spaces at which a narrow terminal can break the line."""
    return f"<{' | '.join(choices)}>"


def _format_option(kind: Any) -> Any:
    return typer.Option(
        "--format",
        help="Output format.",
        show_default="table",
        case_sensitive=False,
        metavar=choices_metavar(get_args(kind)),
    )


_TableOrJson = Literal["table", "json"]
_TableJsonOrCsv = Literal["table", "json", "csv"]
_AnyFormat = Literal["table", "json", "jsonl", "csv", "text"]
TableOrJson = Annotated[_TableOrJson | None, _format_option(_TableOrJson)]
TableJsonOrCsv = Annotated[_TableJsonOrCsv | None, _format_option(_TableJsonOrCsv)]
AnyFormat = Annotated[_AnyFormat | None, _format_option(_AnyFormat)]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="Short for --format jsonl: one object per line.")]
Csv = Annotated[bool, typer.Option("--csv", help="Short for --format csv.")]
Text = Annotated[bool, typer.Option("--text", help="Short for --format text: only the characters, in order.")]

Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
ForceOverChanges = Annotated[bool, typer.Option("--force", help="Overwrite existing files, even modified ones.")]
Strict = Annotated[bool, typer.Option("--strict", help="Treat an unreadable image as an error.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Random seed.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Number of processes.", show_default="the machine's cores")
]


def chosen_format(typed: str | None, **short: bool) -> str:
    """Return the output format, given as --format or in a short form; `table` by default.

    Args:
        typed: The value of --format.
        short: Format → whether its short form was given.

    Raises:
        ConfigError: two different ones were given.
    """
    from charcnn.errors import ConfigError

    given = [f"--{name}" for name, is_typed in short.items() if is_typed and name != typed]
    if (typed and given) or len(given) > 1:
        words = [*([f"--format {typed}"] if typed else []), *given]
        raise ConfigError(f"{' and '.join(words)} exclude each other.", "Leave all but one out.")
    return given[0].removeprefix("--") if given else typed or "table"
