"""`charcnn models export-bundle|import-bundle`."""

from pathlib import Path
from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import Force, Json, ModelArgument, RegistryRoot, TableOrJson, chosen_format
from charcnn.cli.suggestions import quote


def export_bundle(
    model: ModelArgument = "latest",
    destination: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to write.", show_default="NAME-VERSION.charcnn.zip"),
    ] = None,
    output_file: Annotated[Path | None, typer.Option("--output", hidden=True)] = None,
    force: Force = False,
    registry: RegistryRoot = None,
) -> None:
    """Write a version to one file, to import into another registry."""
    from charcnn.registry.bundle import SUFFIX, export_bundle
    from charcnn.registry.store import Registry

    version = Registry(registry).open(model)
    path = destination or output_file or Path(f"{version.card.name}-{version.card.version}{SUFFIX}")
    export_bundle(version, path, force)
    output.put(str(path))
    output.next_step(f"charcnn models import-bundle {quote(str(path))} --registry ELSEWHERE")


def import_bundle(
    bundle: Annotated[Path, typer.Argument(metavar="FILE", help="File written by export-bundle.")],
    name: Annotated[str | None, typer.Option(help="Name of the model.", show_default="the bundle's own")] = None,
    registry: RegistryRoot = None,
    output_format: TableOrJson = None,
    as_json: Json = False,
) -> None:
    """Import a bundle after verifying its checksums."""
    from charcnn.cli.suggestions import reading_command
    from charcnn.registry.bundle import import_bundle
    from charcnn.registry.store import Registry

    form = chosen_format(output_format, json=as_json)
    card = import_bundle(Registry(registry), bundle, name).card
    if form == "json":
        output.put_json(card.model_dump(mode="json"))
    else:
        output.put(card.reference)
    output.next_step(reading_command(card.reference, card.labels, registry))
