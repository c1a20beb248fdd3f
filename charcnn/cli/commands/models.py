"""`charcnn models list|show|alias|rm|verify|schema`."""

import sys
from typing import Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.commands.bundle import export_bundle, import_bundle
from charcnn.cli.errors import FAILED
from charcnn.cli.options import Json, RegistryRoot, complete_model
from charcnn.text import pluralize

app = typer.Typer(help="List, show, name, remove and check the models in the registry.", no_args_is_help=True)

Reference = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="latest, NAME, NAME@3 or NAME@ALIAS.", autocompletion=complete_model),
]


@app.command("list")
@app.command("ls", hidden=True)
def list_models(registry: RegistryRoot = None, as_json: Json = False) -> None:
    """List all versions, the newest first."""
    from charcnn.errors import ModelError
    from charcnn.registry.store import Registry

    store = Registry(registry)
    rows: list[dict[str, Any]] = []
    for listed in store.versions():
        row: dict[str, Any] = {
            "model": listed.reference,
            "aliases": list(listed.aliases),
            "kind": listed.entry.kind,
        }
        try:
            card = store.open(listed).card
        except ModelError as fault:
            row["error"] = fault.message
        else:
            row |= {
                "network": card.network.name,
                "labels": len(card.labels),
                "images": card.data.train,
                "val_accuracy": card.validation.accuracy if card.validation else None,
                "created": card.created.isoformat(),
            }
        rows.append(row)
    if as_json:
        output.put_json({"schema_version": 1, "registry": str(store.root), "models": rows})
        return
    if not rows:
        output.say(f"There is no model in {store.root} yet.")
        output.next_step("charcnn train")
        return
    numbers = ("labels", "trained on", "val accuracy")
    output.put_table(("model", "aliases", "network", *numbers, "created"), [_line(row) for row in rows], right=numbers)


def _line(row: dict[str, Any]) -> output.Row:
    name = (row["model"], " ".join(row["aliases"]))
    if "error" in row:
        return (*name, output.Cell("damaged: charcnn models verify --all", "red"), "", "", "", "")
    accuracy = "-" if row["val_accuracy"] is None else f"{row['val_accuracy']:.2%}"
    when = row["created"][:16].replace("T", " ")
    return (*name, row["network"], str(row["labels"]), str(row["images"]), accuracy, when)


@app.command()
def show(model: Reference = "latest", registry: RegistryRoot = None, as_json: Json = False) -> None:
    """Show a version's card, and what it scored since."""
    import json

    from charcnn.registry.store import Registry

    store = Registry(registry)
    listed = store.find(model)
    version = store.open(listed)
    card = version.card
    evaluations = [json.loads(path.read_text(encoding="utf-8")) for path in store.evaluations(version)]
    if as_json:
        document = {
            **card.model_dump(mode="json"),
            "aliases": list(listed.aliases),
            "evaluations": evaluations,
        }
        output.put_json(document)
        return
    facts = {
        "model": " ".join([card.reference, *listed.aliases]),
        "folder": str(version.folder),
        "reads": " ".join(card.labels),
        "input": f"{card.image.height} × {card.image.width}, fit {card.image.fit}, polarity {card.image.polarity}",
        "network": f"{card.network.name}, {card.network.parameters:,} parameters"
        + "".join(f", {key.replace('_', ' ')} {value}" for key, value in card.network.options.items()),
        "trained on": f"{card.data.train} of {card.data.images} images in {', '.join(card.data.sources)}",
        "data": f"sha256 {card.data.fingerprint[:16]}…, {card.data.duplicates} duplicates, "
        f"{card.data.unreadable} unreadable",
        "command": card.training.command,
        "training": f"epochs {card.training.epochs}, {card.training.seconds:.0f} s, seed {card.training.config.seed}; "
        f"epoch {card.training.best_epoch} chosen by {card.training.metric}",
        "validation": f"{card.validation.accuracy:.2%} of {pluralize(card.data.val, 'image')}"
        if card.validation
        else "none",
        "parent": card.parent or "none",
        "created": f"{card.created:%Y-%m-%d %H:%M} UTC, {card.environment.processor}, "
        f"torch {card.environment.libraries.get('torch', 'unknown')}",
    }
    for evaluation in evaluations:
        facts[f"on {evaluation['dataset']} ({evaluation['fingerprint'][:6]})"] = (
            f"{evaluation['accuracy']:.2%} of {pluralize(evaluation['images'], 'image')}"
        )
    output.put_table(("", ""), [(output.Cell(key, "bold"), value) for key, value in facts.items()])


@app.command()
def alias(
    model: Reference,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="For instance best or production.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the alias away.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Point it at what it pointed at before.")] = False,
    registry: RegistryRoot = None,
) -> None:
    """Point an alias at a version: afterwards NAME@ALIAS is that version."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    store = Registry(registry)
    listed = store.find(model)
    if remove and rollback:
        raise ConfigError("--remove and --rollback exclude each other.", "Leave one of them out.")
    if rollback:
        listed = store.roll_back_alias(listed.name, name)
        output.say(f"{listed.name}@{name} is {listed.reference} again.")
        return
    if remove:
        store.remove_alias(listed.name, name)
        output.say(f"{listed.name} has no alias {name} any more.")
        return
    store.set_alias(listed, name)
    output.say(f"{listed.name}@{name} is {listed.reference} now.")
    output.next_step(f"charcnn models show {listed.name}@{name}")


@app.command()
def rm(
    model: Reference,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also if an alias points at it.")] = False,
    registry: RegistryRoot = None,
) -> None:
    """Remove a version for good. Its number is not used again."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    store = Registry(registry)
    listed = store.find(model)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError(
                f"Removing {listed.reference} needs a yes.", f"charcnn models rm {listed.reference} --yes"
            )
        typer.confirm(f"Remove {listed.reference} for good?", abort=True, err=True)
    store.remove(listed, force)
    output.say(f"Removed {listed.reference}.")


@app.command()
def verify(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", autocompletion=complete_model)] = None,
    every: Annotated[bool, typer.Option("--all", help="All versions.")] = False,
    registry: RegistryRoot = None,
    as_json: Json = False,
) -> None:
    """Compare every byte of a version (latest, if none is named) with what was saved."""
    from charcnn.errors import ConfigError
    from charcnn.registry.store import Registry

    if every and model:
        raise ConfigError(f"{model} and --all exclude each other.", "Leave one of them out.")
    store = Registry(registry)
    versions = store.versions() if every else [store.find(model or "latest")]
    found = {listed.reference: store.problems(listed) for listed in versions}
    strays = store.strays() if every else []
    if as_json:
        output.put_json({"schema_version": 1, "problems": found, "strays": strays})
    else:
        for reference, lines in found.items():
            output.put(f"{reference}: {'; '.join(lines) or 'whole'}")
        for stray in strays:
            output.put(f"{stray}: belongs to no version, or is damaged")
    if any(found.values()) or strays:
        raise typer.Exit(FAILED)


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="Trainings that could be resumed, too.")] = False,
    registry: RegistryRoot = None,
    as_json: Json = False,
) -> None:
    """Remove what killed processes left in the registry. Versions are never touched."""
    from charcnn.registry.gc import find_orphans
    from charcnn.registry.runs import runs as all_runs
    from charcnn.registry.store import Registry

    store = Registry(registry)
    found = find_orphans(store, sweep=not dry_run)
    waiting = [run for run in all_runs(store.root) if run.is_free()]
    swept = waiting if runs else []
    if not dry_run:
        for run in swept:
            run.remove()
    if as_json:
        lines = [{"path": str(left.path), "what": left.what, "bytes": left.size} for left in found]
        output.put_json(
            {
                "schema_version": 1,
                "dry_run": dry_run,
                "leftovers": lines,
                "runs": [run.name for run in waiting],
                "runs_removed": [run.name for run in swept if not dry_run],
            }
        )
        return
    for left in found:
        output.put(f"{left.path}: {left.what}")
    for run in swept:
        output.put(f"{run.folder}: a training that could be resumed")
    word = "would be removed" if dry_run else "removed"
    output.say(f"{len(found) + len(swept)} {word}, {sum(left.size for left in found) / 1e6:.1f} MB without trainings.")
    for run in waiting if not runs else []:
        output.say(f"Kept: {run.name}. charcnn train --resume {run.name} goes on with it; --runs removes it.")


app.command("export-bundle")(export_bundle)
app.command("import-bundle")(import_bundle)


@app.command()
def schema() -> None:
    """Print the JSON schema of a version's card."""
    from charcnn.specs.card import ModelCard

    output.put_json(ModelCard.model_json_schema())
