"""`augment.csv`: which image a turned copy comes from, so that both stay on one side of every split."""

import csv
import io
import os
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


def manifest_lines(rows: Iterable[Sequence[object]]) -> str:
    """Gives lines of a manifest.

    Args:
        rows: Child and parent, relative to their folders, the original's sha256, and the values of the parameters.
    """
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


def write_manifest(folder: Path, lines: Iterable[str], parameters: Sequence[str] = ()) -> None:
    """Writes a folder's manifest.

    Args:
        folder: The folder of the children.
        lines: From `manifest_lines`.
        parameters: The names of what was drawn for each child.
    """
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as stream:
        stream.write(manifest_lines([(*_COLUMNS, *parameters)]))
        stream.writelines(lines)


def recorded_origins(files: Sequence[Path] | Sequence[str]) -> dict[str, str]:
    """Gives file → sha256 of its original, for each file that a manifest in one of the folders above it names."""
    folders = {os.path.dirname(path) for path in files}  # noqa: PTH120 ten times as fast
    parents = {Path(folder).absolute() for folder in folders}
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
    found: dict[str, str] = {}
    for path in files if manifests else ():
        whole = Path(path).absolute()
        for folder in filter(manifests.__contains__, whole.parents):
            origin = manifests[folder].get(whole.relative_to(folder).as_posix())
            if origin:  # the outermost manifest that names it has the last word
                found[str(path)] = origin
    return found
