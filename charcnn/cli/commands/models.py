"""`charcnn models`: list, alias, rm and schema; the other subcommands are in files of their names."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.commands.bundle import export_bundle, import_bundle
from charcnn.cli.commands.gc import gc
from charcnn.cli.commands.show import show
from charcnn.cli.commands.verify import verify
from charcnn.cli.model_columns import (
    COLUMNS,
    DEFAULT_COLUMNS,
    Model,
    as_text,
    complete_columns,
    complete_order,
    find_column,
    is_number,
    parse_columns,
    read_values,
    shown,
    sort_rows,
)
from charcnn.cli.options import Csv, Json, ModelArgument, RegistryRoot, TableJsonOrCsv, chosen_format
from charcnn.cli.suggestions import with_registry

app = typer.Typer(help="List, show, name, check and remove the models of the registry.", no_args_is_help=True)


@app.command("list")
@app.command("ls", hidden=True)
def list_models(
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME…",
            help="Columns to show: any setting of the training, score or fact of the model.",
            show_default=", ".join(DEFAULT_COLUMNS),
            autocompletion=complete_columns,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column to sort by; with - before its name in descending order.",
            show_default="newest first",
            autocompletion=complete_order,
        ),
    ] = None,
    registry: RegistryRoot = None,
    output_format: TableJsonOrCsv = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List all versions, newest first.

    The column accuracy, and others of a test set, are those of the newest evaluation of a version. --columns help lists
    all columns.
    """
    from charcnn.registry.store import Registry

    if columns == "help":
        output.put("\n".join(COLUMNS))
        return
    form = chosen_format(output_format, json=as_json, csv=as_csv)
    chosen = parse_columns(columns) if columns is not None else None
    by = () if sort is None else (find_column(sort.removeprefix("-")),)
    names = chosen or {"table": DEFAULT_COLUMNS, "json": _JSON_COLUMNS, "csv": _CSV_COLUMNS}[form]
    store = Registry(registry)
    read = [name for name in ("model", *names, *by) if name != "error"]
    rows = [read_values(Model(store, info), read) for info in store.versions()]
    rows = rows if sort is None else sort_rows(rows, sort)
    if form == "json":
        models = [{name: row[name] for name in (*names, "error") if name in row} for row in rows]
        output.put_json({"schema_version": 1, "registry": str(store.root), "models": models})
    elif form == "csv":
        if "error" not in names and any("error" in row for row in rows):
            names = (*names, "error")  # else a damaged version would be a row without values or a reason
        output.put_csv(names, [[_csv_value(row.get(name)) for name in names] for row in rows])
    elif not rows:
        output.say(f"{store.root} has no models yet.")
        output.next_step(with_registry("charcnn train", registry))
    else:
        if chosen is None and all(row.get("accuracy") is None for row in rows):
            names = tuple(name for name in names if name != "accuracy")
        lines = [_line(row, names, registry) for row in rows]
        output.put_table(names, lines, right=[name for name in names if is_number(rows, name)])


_JSON_COLUMNS = ("model", "aliases", "kind", "network", "labels", "images", "val_accuracy", "created", "accuracy")
_CSV_COLUMNS = (*_JSON_COLUMNS[:-1], "error", "accuracy")


def _csv_value(value: object) -> object:
    """Return a value as CSV holds it: numbers in full, several values with spaces between them."""
    return value if isinstance(value, float) else as_text(value)


def _line(row: dict[str, Any], names: Sequence[str], registry: Path | None) -> output.Row:
    if "error" not in row:
        return [shown(name, row[name]) for name in names]
    cells: list[str | output.Cell] = [shown(name, row[name]) if name in row else "" for name in names]
    place = next((number for number, name in enumerate(names) if name not in row), 0)
    before = f"{cells[0]} " if place == 0 and names[0] in row else ""
    verify_all = with_registry("charcnn models verify --all", registry)
    cells[place] = output.Cell(f"{before}damaged: {verify_all}", "red")
    return cells


app.command()(show)


@app.command()
def alias(
    model: ModelArgument,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="New alias, for example best or production.")],
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Point the alias at its previous version.")] = False,
    registry: RegistryRoot = None,
) -> None:
    """Point an alias at a version, so that NAME@ALIAS is that version."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    store = Registry(registry)
    info = store.find(model)
    if remove and rollback:
        raise ConfigError("--remove and --rollback exclude each other.", "Leave one of them out.")
    if rollback:
        info = store.roll_back_alias(info.name, name)
        output.say(f"{info.name}@{name} is {info.reference} again.")
        return
    if remove:
        store.remove_alias(info.name, name)
        output.say(f"Removed the alias {name} of {info.name}.")
        return
    store.set_alias(info, name)
    output.say(f"{info.name}@{name} is {info.reference} now.")
    output.next_step(with_registry(f"charcnn models show {info.name}@{name}", registry))


@app.command()
def rm(
    model: ModelArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Remove the version even if it has an alias.")] = False,
    registry: RegistryRoot = None,
) -> None:
    """Remove a version permanently. Its number is not reused."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    store = Registry(registry)
    info = store.find(model)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError(
                f"Removing {info.reference} needs confirmation.",
                with_registry(f"charcnn models rm {info.reference} --yes", registry),
            )
        typer.confirm(f"Remove {info.reference} permanently?", abort=True, err=True)
    store.remove(info, force)
    output.say(f"Removed {info.reference}.")


app.command()(verify)
app.command()(gc)
app.command("export-bundle")(export_bundle)
app.command("import-bundle")(import_bundle)


@app.command()
def schema() -> None:
    """Print the JSON schema of the card."""
    from charcnn.specs.card import ModelCard

    output.put_json(ModelCard.model_json_schema())
