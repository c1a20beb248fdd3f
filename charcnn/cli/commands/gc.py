"""`charcnn models gc`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import Json, RegistryRoot, TableOrJson, chosen_format
from charcnn.cli.suggestions import with_registry

if TYPE_CHECKING:
    from charcnn.registry.runs import Run


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="Also remove runs that can be resumed.")] = False,
    registry: RegistryRoot = None,
    output_format: TableOrJson = None,
    as_json: Json = False,
) -> None:
    """Remove files left by interrupted processes. Versions are never touched."""
    from charcnn.registry.gc import find_orphans, remove_orphans
    from charcnn.registry.runs import list_runs
    from charcnn.registry.store import Registry

    form = chosen_format(output_format, json=as_json)
    store = Registry(registry)
    orphans = find_orphans(store) if dry_run else remove_orphans(store)
    resumable = [run for run in list_runs(store.root) if run.is_free()]
    finished = {run.name for run in resumable if run.is_finished()}
    removed = [run for run in resumable if dry_run or run.remove_if_free()] if runs else []
    if form == "json":
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
        output.put(f"{run.folder}: {'finished run' if run.name in finished else 'run that can be resumed'}")
    _sum_up(sum(orphan.size for orphan in orphans), len(orphans) + len(removed), dry_run)
    if not runs:
        _tell_kept(resumable, finished, registry)


def _sum_up(size: int, count: int, dry_run: bool) -> None:
    verb = "would be removed" if dry_run else "removed"
    output.say(f"{count} {verb}, {size / 1e6:.1f} MB, runs not included.")


def _tell_kept(runs: list["Run"], finished: set[str], registry: Path | None) -> None:
    for run in runs:
        if run.name in finished:
            command = with_registry(f"charcnn train --resume {run.name} --epochs N", registry)
            text = f"{run.name}, which is finished. Train it further with {command}"
        else:
            text = f"{run.name}. Resume it with {with_registry(f'charcnn train --resume {run.name}', registry)}"
        output.say(f"Kept: {text}, or remove it with --runs.")
