"""`augment.csv`: which image a turned copy comes from, so that both stay on one side of every split.

`synth.csv` says who wrote an image: what one writer wrote stays together too.
"""

import csv
import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from charcnn.errors import DatasetError
from charcnn.images.io import is_image

MANIFEST = "augment.csv"
WRITERS = "synth.csv"
COLUMNS = ("child", "parent", "origin_sha256")
_SHA256 = re.compile("[0-9a-f]{64}")


def read_manifest(folder: Path) -> list[dict[str, str]]:
    """Gives the rows that a folder's manifest has of images; none where there is no manifest.

    Raises:
        DatasetError: the file is no manifest.
    """
    return [row for row in read_rows(folder) if is_image(row["child"])]


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Gives all rows of a folder's manifest, that of a list of classes too; none where there is no manifest.

    Raises:
        DatasetError: the file is no manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            rows = list(csv.DictReader(stream))
    except csv.Error as fault:
        raise DatasetError(f"{path} is no CSV: {fault}") from None
    for number, row in enumerate(rows, 2):
        if not row.get("child") or not _SHA256.fullmatch(row.get("origin_sha256") or ""):
            raise DatasetError(
                f"{path}, line {number}, is none of charcnn augment: it needs {', '.join(COLUMNS)}.",
                "Rename the file if it is something else; without a manifest copies may be split from their originals.",
            )
    return rows


def manifest_lines(rows: Iterable[Sequence[object]]) -> str:
    """Gives lines of a manifest.

    Args:
        rows: Child and parent, relative to their folders, the original's sha256, and values of further columns.
    """
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


def write_manifest(folder: Path, lines: Iterable[str], further: Sequence[str] = ()) -> None:
    """Writes a folder's manifest.

    Args:
        folder: The folder of the children.
        lines: From `manifest_lines`.
        further: The names of further columns.
    """
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(manifest_lines([(*COLUMNS, *further)]))
        stream.writelines(lines)


class Written(NamedTuple):
    """What `synth.csv` says of a file. The writer is named by seed and number; empty where nobody wrote it."""

    sha256: str
    writer: str = ""


def read_written(folder: Path) -> dict[str, Written]:
    """Gives what a folder's `synth.csv` says, by file; nothing where there is none, or somebody else's."""
    path = folder / WRITERS
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        lines = csv.reader(stream)
        if next(lines, [])[:2] != ["file", "sha256"]:
            return {}
        return {line[0]: Written(*line[1:3]) for line in lines if len(line) > 1}


def read_writers(folder: Path) -> dict[str, str]:
    """Gives file → writer, of the images that `synth.csv` in a folder names."""
    return {file: written.writer for file, written in read_written(folder).items() if written.writer}


def is_as_written(path: Path, sha256: str | None) -> bool:
    """Tells whether a file is there, no link, and has the content that a manifest names; not where it names none."""
    is_plain = sha256 is not None and path.is_file() and not path.is_symlink()
    return is_plain and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def recorded_origins(files: Sequence[Path] | Sequence[str]) -> dict[str, str]:
    """Gives file → sha256 of its original, for each file that a manifest in one of the folders above it names.

    Of an image that a synthetic writer wrote, the origin is the writer.
    """
    names = {os.path.dirname(path) for path in files}  # noqa: PTH120 ten times as fast
    folders = {name: Path(name).absolute() for name in names}
    parents = set(folders.values())
    near = parents | {parent.parent for parent in parents}
    manifests: dict[Path, dict[str, str]] = {}
    for folder in parents.union(*(parent.parents for parent in parents)):
        named = {file: hashlib.sha256(f"writer {who}".encode()).hexdigest() for file, who in _writers(folder).items()}
        try:
            named |= {row["child"]: row["origin_sha256"] for row in read_manifest(folder)}
        except DatasetError:
            if folder in near:
                raise
            # else far above the images: somebody else's file of that name
        if named:
            manifests[folder] = named
    if not manifests:
        return {}
    above: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for name, folder in folders.items():
        over = [place for place in (folder, *folder.parents) if place in manifests]
        inner = [folder.relative_to(place).as_posix() for place in over]
        above[name] = [("" if i == "." else f"{i}/", manifests[p]) for i, p in zip(inner, over, strict=True)]
    found: dict[str, str] = {}
    for path in map(str, files):
        folder_name, name = os.path.split(path)
        for prefix, named in above[folder_name]:
            origin = named.get(prefix + name)
            if origin:  # the outermost manifest that names it has the last word
                found[path] = origin
    return found


def _writers(folder: Path) -> dict[str, str]:
    try:
        return read_writers(folder)
    except (OSError, csv.Error):  # far above the images, or damaged: then each image stands for itself
        return {}
