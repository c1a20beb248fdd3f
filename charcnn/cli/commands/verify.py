"""`charcnn models verify`."""

from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.errors import FAILED
from charcnn.cli.options import Csv, Json, OptionalModelArgument, RegistryRoot, TableJsonOrCsv, chosen_format

_UNINDEXED = "not in the index, or damaged"


def verify(
    model: OptionalModelArgument = None,
    every: Annotated[bool, typer.Option("--all", help="Verify all versions.")] = False,
    registry: RegistryRoot = None,
    output_format: TableJsonOrCsv = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Compare all files of a version, by default the latest, with their checksums."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    form = chosen_format(output_format, json=as_json, csv=as_csv)
    if every and model:
        raise ConfigError(f"{model} and --all exclude each other.", "Leave one of them out.")
    store = Registry(registry)
    versions = store.versions() if every else [store.find(model or "latest")]
    found = {info.reference: store.problems(info) for info in versions}
    unindexed = store.unindexed() if every else []
    if form == "json":
        output.put_json({"schema_version": 1, "problems": found, "strays": unindexed})
    elif form == "csv":
        rows = [(name, problem) for name, problems in found.items() for problem in problems or [""]]
        output.put_csv(("model", "problem"), [*rows, *((path, _UNINDEXED) for path in unindexed)])
    else:
        for reference, problems in found.items():
            output.put(f"{reference}: {'; '.join(problems) or 'ok'}")
        for path in unindexed:
            output.put(f"{path}: {_UNINDEXED}")
    if any(found.values()) or unindexed:
        raise typer.Exit(FAILED)
