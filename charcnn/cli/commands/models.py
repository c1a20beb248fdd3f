"""`charcnn models list|show|alias|rm|verify|gc|schema`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.commands.bundle import export_bundle, import_bundle
from charcnn.cli.errors import FAILED
from charcnn.cli.options import Json, RegistryRoot, complete_model
from charcnn.text import pluralize

if TYPE_CHECKING:
    from charcnn.registry.reader import VersionInfo
    from charcnn.registry.runs import Run
    from charcnn.registry.store import Registry
    from charcnn.specs.card import ModelCard

app = typer.Typer(help="List, show, name, remove and check the models in the registry.", no_args_is_help=True)

Reference = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="latest, NAME, NAME@3 or NAME@ALIAS.", autocompletion=complete_model),
]


@app.command("list")
@app.command("ls", hidden=True)
def list_models(registry: RegistryRoot = None, as_json: Json = False) -> None:
    """List all versions, the newest first."""
    from charcnn.registry.store import Registry

    store = Registry(registry)
    rows = [_row(store, info) for info in store.versions()]
    if as_json:
        output.put_json({"schema_version": 1, "registry": str(store.root), "models": rows})
        return
    if not rows:
        output.say(f"There is no model in {store.root} yet.")
        output.next_step("charcnn train")
        return
    numbers = ("labels", "trained on", "val accuracy")
    output.put_table(("model", "aliases", "network", *numbers, "created"), [_line(row) for row in rows], right=numbers)


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


@app.command()
def show(model: Reference = "latest", registry: RegistryRoot = None, as_json: Json = False) -> None:
    """Show a version's card and evaluations."""
    import json

    from charcnn.registry.store import Registry

    store = Registry(registry)
    info = store.find(model)
    version = store.open(info)
    card = version.card
    evaluations = [json.loads(path.read_text(encoding="utf-8")) for path in store.evaluations(version)]
    if as_json:
        document = card.model_dump(mode="json")
        output.put_json({**document, "aliases": list(info.aliases), "evaluations": evaluations})
        return
    facts = {
        "model": " ".join([card.reference, *info.aliases]),
        "folder": str(version.folder),
        **_input_facts(card),
        **_data_facts(card),
        **_training_facts(card),
        **_evaluation_facts(evaluations),
    }
    output.put_table(("", ""), [(output.Cell(key, "bold"), value) for key, value in facts.items()])


def _input_facts(card: "ModelCard") -> dict[str, str]:
    options = "".join(f", {key.replace('_', ' ')} {value}" for key, value in card.network.options.items())
    image = card.image
    return {
        "reads": " ".join(card.labels),
        "input": f"{image.height} × {image.width}, fit {image.fit}, polarity {image.polarity}",
        "network": f"{card.network.name}, {card.network.parameters:,} parameters{options}",
    }


def _data_facts(card: "ModelCard") -> dict[str, str]:
    data = card.data
    return {
        "trained on": f"{data.train} of {data.images} images in {', '.join(data.sources)}",
        "data": f"sha256 {data.fingerprint[:16]}…, {data.duplicates} duplicates, {data.unreadable} unreadable",
    }


def _training_facts(card: "ModelCard") -> dict[str, str]:
    training, scores = card.training, card.validation
    torch = card.environment.libraries.get("torch", "unknown")
    return {
        "command": training.command,
        "training": f"epochs {training.epochs}, {training.seconds:.0f} s, seed {training.config.seed}; "
        f"epoch {training.best_epoch} chosen by {training.metric}",
        "validation": f"{scores.accuracy:.2%} of {pluralize(card.data.val, 'image')}" if scores else "none",
        "parent": card.parent or "none",
        "created": f"{card.created:%Y-%m-%d %H:%M} UTC, {card.environment.processor}, torch {torch}",
    }


def _evaluation_facts(evaluations: list[dict[str, Any]]) -> dict[str, str]:
    return {
        f"on {evaluation['dataset']} ({evaluation['fingerprint'][:6]})": f"{evaluation['accuracy']:.2%} of "
        f"{pluralize(evaluation['images'], 'image')}"
        for evaluation in evaluations
    }


@app.command()
def alias(
    model: Reference,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="For instance best or production.")],
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Point it at the previous version.")] = False,
    registry: RegistryRoot = None,
) -> None:
    """Point an alias at a version: afterwards NAME@ALIAS is that version."""
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
    model: Reference,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Remove it even if an alias points at it.")] = False,
    registry: RegistryRoot = None,
) -> None:
    """Remove a version for good. Its number is not used again."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    store = Registry(registry)
    info = store.find(model)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError(
                f"Removing {info.reference} needs confirmation.", f"charcnn models rm {info.reference} --yes"
            )
        typer.confirm(f"Remove {info.reference} for good?", abort=True, err=True)
    store.remove(info, force)
    output.say(f"Removed {info.reference}.")


@app.command()
def verify(
    model: Annotated[
        str | None,
        typer.Argument(metavar="[MODEL]", help="latest, NAME, NAME@3 or NAME@ALIAS.", autocompletion=complete_model),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All versions.")] = False,
    registry: RegistryRoot = None,
    as_json: Json = False,
) -> None:
    """Compare every byte of a version (by default the latest) with its checksums."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    if every and model:
        raise ConfigError(f"{model} and --all exclude each other.", "Leave one of them out.")
    store = Registry(registry)
    versions = store.versions() if every else [store.find(model or "latest")]
    found = {info.reference: store.problems(info) for info in versions}
    unindexed = store.unindexed() if every else []
    if as_json:
        output.put_json({"schema_version": 1, "problems": found, "strays": unindexed})
    else:
        for reference, problems in found.items():
            output.put(f"{reference}: {'; '.join(problems) or 'ok'}")
        for path in unindexed:
            output.put(f"{path}: not in the index, or damaged")
    if any(found.values()) or unindexed:
        raise typer.Exit(FAILED)


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="Also remove runs that can be resumed.")] = False,
    registry: RegistryRoot = None,
    as_json: Json = False,
) -> None:
    """Remove files left by interrupted processes. Versions are never touched."""
    from charcnn.registry.gc import find_orphans, remove_orphans
    from charcnn.registry.runs import list_runs
    from charcnn.registry.store import Registry

    store = Registry(registry)
    orphans = find_orphans(store) if dry_run else remove_orphans(store)
    resumable = [run for run in list_runs(store.root) if run.is_free()]
    removed = resumable if runs else []
    if not dry_run:
        for run in removed:
            run.remove()
    if as_json:
        document = {
            "schema_version": 1,
            "dry_run": dry_run,
            "leftovers": [{"path": str(path), "what": what, "bytes": size} for path, what, size in orphans],
            "runs": [run.name for run in resumable],
            "runs_removed": [] if dry_run else [run.name for run in removed],
        }
        output.put_json(document)
        return
    for path, what, _ in orphans:
        output.put(f"{path}: {what}")
    for run in removed:
        output.put(f"{run.folder}: run that can be resumed")
    _sum_up(sum(orphan.size for orphan in orphans), len(orphans) + len(removed), dry_run)
    if not runs:
        _tell_kept(resumable)


def _sum_up(size: int, count: int, dry_run: bool) -> None:
    verb = "would be removed" if dry_run else "removed"
    output.say(f"{count} {verb}, {size / 1e6:.1f} MB, resumable runs not included.")


def _tell_kept(runs: list["Run"]) -> None:
    for run in runs:
        output.say(f"Kept: {run.name}. Resume it with charcnn train --resume {run.name}, or remove it with --runs.")


app.command("export-bundle")(export_bundle)
app.command("import-bundle")(import_bundle)


@app.command()
def schema() -> None:
    """Print the JSON schema of a version's card."""
    from charcnn.specs.card import ModelCard

    output.put_json(ModelCard.model_json_schema())
