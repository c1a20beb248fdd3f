"""`charcnn models`: list, alias, rm and schema; the other subcommands are in files of their names."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.commands.bundle import export_bundle, import_bundle
from charcnn.cli.commands.gc import gc
from charcnn.cli.commands.show import show
from charcnn.cli.commands.verify import verify
from charcnn.cli.options import Csv, Json, ModelArgument, RegistryRoot, TableJsonOrCsv, chosen_format

if TYPE_CHECKING:
    from charcnn.registry.reader import VersionInfo
    from charcnn.registry.store import Registry

app = typer.Typer(help="List, show, name, check and remove the models of the registry.", no_args_is_help=True)


@app.command("list")
@app.command("ls", hidden=True)
def list_models(
    registry: RegistryRoot = None, output_format: TableJsonOrCsv = None, as_json: Json = False, as_csv: Csv = False
) -> None:
    """List all versions, newest first."""
    from charcnn.registry.store import Registry

    form = chosen_format(output_format, json=as_json, csv=as_csv)
    store = Registry(registry)
    rows = [_row(store, info) for info in store.versions()]
    if form == "json":
        output.put_json({"schema_version": 1, "registry": str(store.root), "models": rows})
        return
    if form == "csv":
        output.put_csv(_COLUMNS, [[_csv_value(row.get(column)) for column in _COLUMNS] for row in rows])
        return
    if not rows:
        output.say(f"{store.root} has no models yet.")
        output.next_step("charcnn train")
        return
    numbers = ("labels", "trained on", "val accuracy")
    output.put_table(("model", "aliases", "network", *numbers, "created"), [_line(row) for row in rows], right=numbers)


_COLUMNS = ("model", "aliases", "kind", "network", "labels", "images", "val_accuracy", "created", "error")


def _csv_value(value: object) -> object:
    """Return the text of a value in CSV: empty for None; several aliases are separated by spaces."""
    return "" if value is None else " ".join(value) if isinstance(value, list) else value


def _row(store: "Registry", info: "VersionInfo") -> dict[str, Any]:
    from charcnn.errors import ModelError

    row: dict[str, Any] = {"model": info.reference, "aliases": list(info.aliases), "kind": info.entry.kind}
    try:
        card = store.open(info).card
    except ModelError as fault:
        return {**row, "error": fault.message}
    return {
        **row,
        "network": card.network.name,
        "labels": len(card.labels),
        "images": card.data.train,
        "val_accuracy": card.validation.accuracy if card.validation else None,
        "created": card.created.isoformat(),
    }


def _line(row: dict[str, Any]) -> output.Row:
    name = (row["model"], " ".join(row["aliases"]))
    if "error" in row:
        return (*name, output.Cell("damaged: charcnn models verify --all", "red"), "", "", "", "")
    accuracy = "-" if row["val_accuracy"] is None else f"{row['val_accuracy']:.2%}"
    when = row["created"][:16].replace("T", " ")
    return (*name, row["network"], str(row["labels"]), str(row["images"]), accuracy, when)


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
    output.next_step(f"charcnn models show {info.name}@{name}")


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
                f"Removing {info.reference} needs confirmation.", f"charcnn models rm {info.reference} --yes"
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
