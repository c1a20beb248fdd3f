"""`charcnn networks`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from charcnn.cli import output
from charcnn.cli.flags import flag_of
from charcnn.cli.options import Json
from charcnn.specs.settings import declared_settings
from charcnn.specs.train_config import TrainSettings

if TYPE_CHECKING:
    from charcnn.networks.network import Network


def networks(
    name: Annotated[str | None, typer.Argument(help="Show the layers of this one.")] = None,
    classes: Annotated[int, typer.Option(min=2, help="Number of classes to count parameters for.")] = 12,
    as_json: Json = False,
) -> None:
    """List the networks, or show the layers of one."""
    from charcnn.networks.catalogue import get_network
    from charcnn.networks.catalogue import networks as all_networks

    if name is not None:
        _show_layers(get_network(name), classes, as_json)
        return
    rows = [
        {
            "name": network.name,
            "input": [1, network.size, network.size],
            "sizes": network.sizes,
            "recipe": network.recipe,
            "parameters": network.parameters(classes),
            "options": network.options,
            "summary": network.summary,
        }
        for network in all_networks().values()
    ]
    if as_json:
        output.put_json({"schema_version": 1, "classes": classes, "networks": rows})
        return
    output.put_table(
        ("network", "size", "parameters", "options", "what it is"),
        [
            (
                network.name,
                "/".join(map(str, network.sizes)),
                f"{row['parameters']:,}",
                " ".join(map(_flag, network.options)),
                network.summary,
            )
            for row, network in zip(rows, all_networks().values(), strict=True)
        ],
        right=("parameters",),
    )
    output.say(f"Parameters are counted for {classes} classes.")
    output.next_step("charcnn networks compact", "charcnn train --net cnn")


def _flag(option: str) -> str:
    """Return how an option of a network is typed."""
    settings = declared_settings(TrainSettings)
    return flag_of(option) if option in settings else f"--net-option {option}="


def _show_layers(network: "Network", classes: int, as_json: bool) -> None:
    from charcnn.networks.summary import trace_shapes

    layers = trace_shapes(network.build(classes), network.size)
    if as_json:
        output.put_json({"schema_version": 1, "name": network.name, "layers": [asdict(layer) for layer in layers]})
        return
    rows = [("input", f"1×{network.size}×{network.size}", "")]
    rows += [
        (layer.kind, "×".join(map(str, layer.shape)), f"{layer.parameters:,}" if layer.parameters else "")
        for layer in layers
    ]
    output.put_table(("layer", "gives", "parameters"), rows, right=("parameters",))
