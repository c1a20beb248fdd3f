"""`charcnn networks`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.flags import flag_of
from charcnn.cli.options import Csv, Json, TableJsonOrCsv, chosen_format
from charcnn.cli.settings import SETTINGS, parse_setting, setting_option
from charcnn.errors import ConfigError
from charcnn.specs.choices import Activation

if TYPE_CHECKING:
    from charcnn.networks.network import Network


def _option_of(name: str) -> Any:
    return setting_option(SETTINGS[name], SETTINGS[name].flags)


def networks(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Network whose layers to show.")] = None,
    classes: Annotated[int, typer.Option(min=2, help="Number of classes.")] = 12,
    size: Annotated[int | None, _option_of("size")] = None,
    activation: Annotated[Activation | None, _option_of("activation")] = None,
    batch_norm: Annotated[bool | None, _option_of("batch_norm")] = None,
    dropout: Annotated[float | None, _option_of("dropout")] = None,
    net_options: Annotated[list[str] | None, _option_of("net_options")] = None,
    output_format: TableJsonOrCsv = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List the networks, or show the layers of one.

    With the options of a network, shows the layers of that variant.
    """
    from charcnn.networks.catalogue import get_network
    from charcnn.networks.catalogue import networks as all_networks

    form = chosen_format(output_format, json=as_json, csv=as_csv)
    variant = {"activation": activation, "batch_norm": batch_norm, "dropout": dropout}
    options = {key: value for key, value in variant.items() if value is not None}
    options |= parse_setting("net_options", net_options or [])
    if name is not None:
        _show_layers(get_network(name), classes, size, options, form)
        return
    if options or size is not None:
        raise ConfigError("The options of a network need the name of one.", "For example: charcnn networks cnn")
    rows = [_row(network, classes) for network in all_networks().values()]
    if form == "json":
        output.put_json({"schema_version": 1, "classes": classes, "networks": rows})
        return
    if form == "csv":
        columns = ("name", "sizes", "recipe", "parameters", "options", "summary")
        output.put_csv(columns, [[_csv_value(row[column]) for column in columns] for row in rows])
        return
    lines = [
        (
            row["name"],
            "/".join(map(str, row["sizes"])),
            f"{row['parameters']:,}",
            " ".join(map(_flag, row["options"])),
            row["summary"],
        )
        for row in rows
    ]
    output.put_table(("network", "size", "parameters", "options", "what it is"), lines, right=("parameters",))
    output.say(f"Parameters are counted for {classes} classes.")
    output.next_step("charcnn networks compact", "charcnn train --net cnn")


def _row(network: "Network", classes: int) -> dict[str, Any]:
    return {
        "name": network.name,
        "input": [1, network.size, network.size],
        "sizes": network.sizes,
        "recipe": network.recipe,
        "parameters": network.parameters(classes),
        "options": network.options,
        "summary": network.summary,
    }


def _csv_value(value: object) -> object:
    """Return the text of a value in CSV: several values or option names are separated by spaces."""
    return " ".join(map(str, value)) if isinstance(value, tuple | dict) else value


def _flag(option: str) -> str:
    """Return the flag of an option of a network."""
    return flag_of(option) if option in SETTINGS else f"--net-option {option}="


def _show_layers(network: "Network", classes: int, size: int | None, options: dict[str, Any], form: str) -> None:
    from charcnn.networks.summary import trace_shapes

    side = network.check_size(size)
    layers = trace_shapes(network.build(classes, options), side)
    total = sum(layer.parameters for layer in layers)
    if form == "json":
        document = {"schema_version": 1, "name": network.name, "parameters": total}
        output.put_json(document | {"layers": [asdict(layer) for layer in layers]})
        return
    if form == "csv":
        output.put_csv(
            ("layer", "shape", "parameters"),
            [(layer.kind, "x".join(map(str, layer.shape)), layer.parameters) for layer in layers],
        )
        return
    rows = [("input", f"1×{side}×{side}", "")]
    rows += [
        (layer.kind, "×".join(map(str, layer.shape)), f"{layer.parameters:,}" if layer.parameters else "")
        for layer in layers
    ]
    rows.append(("total", "", f"{total:,}"))
    output.put_table(("layer", "gives", "parameters"), rows, right=("parameters",))
