"""`charcnn export`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from charcnn.cli import output
from charcnn.cli.options import Force, Model, RegistryRoot

if TYPE_CHECKING:
    from charcnn.export.export import Format


def export(
    model: Model = "latest",
    kind: Annotated[str, typer.Option("--format", "-f", help="onnx, pt2 or safetensors.")] = "onnx",
    destination: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to write.", show_default="NAME-VERSION.FORMAT"),
    ] = None,
    force: Force = False,
    registry: RegistryRoot = None,
) -> None:
    """Write a model as one file for other programs, and check that it gives the same answers.

    onnx and pt2 take uint8 images, dark ink on white, and give probabilities; normalisation and softmax are inside, and
    so are the labels. safetensors holds the bare weights, with the card in its header.
    """
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry
    from charcnn.text import did_you_mean

    known = ("onnx", "pt2", "safetensors")
    if kind not in known:
        raise ConfigError(f"Unknown format: {kind}", did_you_mean(kind, known))
    version = Registry(registry).open(model)
    card = version.card
    path = destination or Path(f"{card.name}-{card.version}.{kind}")
    with output.waiting("Exporting"):
        from charcnn.export.export import export_version

        difference = export_version(version, cast("Format", kind), path, force)
    output.put(str(path))
    size = path.stat().st_size / 1000
    output.say(f"Wrote {card.reference} to {path} ({size:,.0f} kB); probabilities agree within {difference:.1g}.")
    if kind == "onnx":
        output.next_step(f"charcnn predict --model {shlex.quote(str(path))} FILE…")
