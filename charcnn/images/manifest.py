"""`augment.csv`: which image a turned copy comes from, so that both stay on one side of every split."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from charcnn.errors import DatasetError

MANIFEST = "augment.csv"
_COLUMNS = ("child", "parent", "origin_sha256")
_SHA256 = re.compile("[0-9a-f]{64}")


def read_manifest(folder: Path) -> list[dict[str, str]]:
    """Gives the rows of a folder's manifest; none where it has none.

    Raises:
        DatasetError: the file is no manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as fault:
        raise DatasetError(f"{path} is no CSV in UTF-8: {fault}") from None
    for number, row in enumerate(rows, 2):
        if not row.get("child") or not _SHA256.fullmatch(row.get("origin_sha256") or ""):
            raise DatasetError(
                f"{path}, line {number}, is none of charcnn augment: it needs {', '.join(_COLUMNS)}.",
                "Rename the file if it is something else; without a manifest copies may be split from their originals.",
            )
    return rows


def write_manifest(folder: Path, rows: Iterable[Sequence[object]], parameters: Sequence[str] = ()) -> None:
    """Writes a folder's manifest.

    Args:
        folder: The folder of the children.
        rows: Child and parent, relative to their folders, the original's sha256, and the values of the parameters.
        parameters: The names of what was drawn for each child.
    """
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*_COLUMNS, *parameters])
        writer.writerows(rows)


def recorded_origins(files: Iterable[Path]) -> dict[Path, str]:
    """Gives file → sha256 of its original, for each file that a manifest in one of the folders above it names."""
    files = list(files)
    parents = {path.parent.absolute() for path in files}
    near = parents | {parent.parent for parent in parents}
    manifests: dict[Path, dict[str, str]] = {}
    for folder in parents.union(*(parent.parents for parent in parents)):
        try:
            rows = read_manifest(folder)
        except DatasetError:
            if folder in near:
                raise
            continue  # far above the images: somebody else's file of that name
        if rows:
            manifests[folder] = {row["child"]: row["origin_sha256"] for row in rows}
    if not manifests:
        return {}
    found = {}
    for path in files:
        whole = path.absolute()
        for folder in whole.parents:
            origin = (
                manifests.get(folder, {}).get(whole.relative_to(folder).as_posix()) if folder in manifests else None
            )
            if origin:
                found[path] = origin
    return found
