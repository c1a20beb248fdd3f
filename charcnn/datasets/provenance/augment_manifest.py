"""`augment.csv`: which original a rotated copy comes from."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from charcnn.errors import DatasetError
from charcnn.images.codec import is_image

AUGMENT_MANIFEST = "augment.csv"
COLUMNS = ("child", "parent", "origin_sha256")
_SHA256 = re.compile("[0-9a-f]{64}")


def read_copies(folder: Path) -> list[dict[str, str]]:
    """Return a folder's manifest: the rows of images. Empty without a manifest.

    Raises:
        DatasetError: the file is not a manifest.
    """
    return [row for row in read_augment_manifest(folder) if is_image(row["child"])]


def read_augment_manifest(folder: Path) -> list[dict[str, str]]:
    """Return a folder's manifest: all rows, also that of `classes.txt`. Empty without a manifest.

    Raises:
        DatasetError: the file is not a manifest.
    """
    path = folder / AUGMENT_MANIFEST
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            rows = list(csv.DictReader(stream))
    except csv.Error as fault:
        raise DatasetError(f"{path} is not a CSV file: {fault}") from None
    for number, row in enumerate(rows, 2):
        if not row.get("child") or not _SHA256.fullmatch(row.get("origin_sha256") or ""):
            raise DatasetError(
                f"{path}, line {number}, is not of a manifest of copies: it needs {', '.join(COLUMNS)}.",
                "Rename the file if it is something else; without a manifest copies may be split from their originals.",
            )
    return rows


def manifest_lines(rows: Iterable[Sequence[object]]) -> str:
    """Return lines of a manifest.

    Args:
        rows: Copy and original, relative to their folders, the first original's sha256, and values of further columns.
    """
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


def write_augment_manifest(folder: Path, lines: Iterable[str], further: Sequence[str] = ()) -> None:
    """Write a folder's manifest.

    Args:
        folder: The folder of the copies.
        lines: From `manifest_lines`.
        further: The names of further columns.
    """
    with (folder / AUGMENT_MANIFEST).open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(manifest_lines([(*COLUMNS, *further)]))
        stream.writelines(lines)
