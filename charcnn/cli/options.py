"""Options that several commands have: a flag means the same thing everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from charcnn.registry.references import LATEST


def _model_references() -> list[str]:
    """What the shell offers after --model: aliases and versions of the registry."""
    from charcnn.errors import CharcnnError
    from charcnn.registry.store import Registry

    try:
        versions = Registry().versions()
    except (CharcnnError, OSError):  # completion is no place to complain
        return []
    names = [LATEST, *dict.fromkeys(v.name for v in versions), *(v.reference for v in versions)]
    return names + [f"{v.name}@{alias}" for v in versions for alias in v.aliases]


def complete_model(incomplete: str) -> list[str]:
    """Completes a model reference."""
    return [word for word in _model_references() if word.startswith(incomplete)]


Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="latest, NAME, NAME@3, NAME@ALIAS, a version's folder, or an exported .onnx file.",
        autocompletion=complete_model,
    ),
]
RegistryRoot = Annotated[
    Path | None,
    typer.Option("--registry", help="Folder of the models.", show_default="$CHARCNN_REGISTRY, else registry"),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Write although other files are there.")]
ForceOverChanges = Annotated[
    bool, typer.Option("--force", help="Write although other files are there, or some that were changed.")
]
Strict = Annotated[bool, typer.Option("--strict", help="An unreadable image is an error.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Drives everything that is drawn.")]
