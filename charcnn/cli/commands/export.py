"""`charcnn export`."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from charcnn.cli import output
from charcnn.cli.options import Force, Model, RegistryRoot, choices_metavar
from charcnn.cli.suggestions import quote
from charcnn.specs.choices import ExportFormat


def export(
    model: Model = "latest",
    kind: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            "-f",
            help="File format.",
            case_sensitive=False,
            metavar=choices_metavar(get_args(ExportFormat)),
        ),
    ] = "onnx",
    destination: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to write.", show_default="NAME-VERSION.FORMAT"),
    ] = None,
    force: Force = False,
    registry: RegistryRoot = None,
) -> None:
    """Export a model to a file for other programs, and check that it gives the same answers.

    onnx and pt2 take uint8 images, dark ink on white, and return probabilities; they include normalization, softmax and
    the labels. safetensors holds the weights alone, with the card in its header.
    """
    from charcnn.registry.store import Registry

    version = Registry(registry).open(model)
    card = version.card
    path = destination or Path(f"{card.name}-{card.version}.{kind}")
    with output.waiting("Exporting"):
        from charcnn.export.export import export_version

        difference = export_version(version, kind, path, force)
    output.put(str(path))
    how = "checksum verified" if kind == "onnx" else f"probabilities agree within {difference:.1g}"
    output.say(f"Wrote {card.reference} to {path} ({path.stat().st_size / 1000:,.0f} kB); {how}.")
    if kind == "onnx":
        output.next_step(f"charcnn predict --model {quote(str(path))} FILE…")
