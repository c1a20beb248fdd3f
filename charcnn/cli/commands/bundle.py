"""`charcnn models export-bundle|import-bundle`."""

from pathlib import Path
from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import Force, Json, RegistryRoot, complete_model


def export_bundle(
    model: Annotated[
        str,
        typer.Argument(metavar="[MODEL]", help="latest, NAME, NAME@3 or NAME@ALIAS.", autocompletion=complete_model),
    ] = "latest",
    to: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file.", show_default="NAME-VERSION.charcnn.zip")
    ] = None,
    force: Force = False,
    registry: RegistryRoot = None,
) -> None:
    """Write a version as one file, to carry to another registry."""
    from charcnn.registry.bundle import SUFFIX, export_bundle
    from charcnn.registry.store import Registry

    version = Registry(registry).open(model)
    path = to or Path(f"{version.card.name}-{version.card.version}{SUFFIX}")
    export_bundle(version, path, force)
    output.put(str(path))
    output.next_step(f"charcnn models import-bundle {path} --registry ELSEWHERE")


def import_bundle(
    bundle: Annotated[Path, typer.Argument(metavar="FILE", help="What export-bundle wrote.")],
    name: Annotated[str | None, typer.Option(help="The model's name.", show_default="the bundle's own")] = None,
    registry: RegistryRoot = None,
    as_json: Json = False,
) -> None:
    """Make a version of a bundle, after comparing every byte with its card."""
    from charcnn.cli.commands.predict import reading_command
    from charcnn.registry.bundle import import_bundle
    from charcnn.registry.store import Registry

    card = import_bundle(Registry(registry), bundle, name).card
    if as_json:
        output.put_json(card.model_dump(mode="json"))
    else:
        output.put(card.reference)
    output.next_step(reading_command(card.reference, card.labels))
