"""`augment.csv`: the originals of rotated copies."""

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
    """Return the rows of a folder's manifest that are about images; empty without a manifest.

    Raises:
        DatasetError: the file is not a manifest.
    """
    return [row for row in read_augment_manifest(folder) if is_image(row["child"])]


def read_augment_manifest(folder: Path) -> list[dict[str, str]]:
    """Return all rows of a folder's manifest, including that of `classes.txt`; empty without a manifest.

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
                f"{path}, line {number}: not a row of an augment manifest ({', '.join(COLUMNS)}).",
                "If it is something else, rename it. Without a manifest, splits may separate copies from originals.",
            )
    return rows


def manifest_lines(rows: Iterable[Sequence[object]]) -> str:
    """Return rows of a manifest as CSV text.

    Args:
        rows: Copy and original (relative to their folders), sha256 of the first original, values of extra columns.
    """
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


def write_augment_manifest(folder: Path, lines: Iterable[str], extra_columns: Sequence[str] = ()) -> None:
    """Write a folder's manifest.

    Args:
        folder: The folder of the copies.
        lines: From `manifest_lines`.
        extra_columns: Names of extra columns.
    """
    with (folder / AUGMENT_MANIFEST).open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(manifest_lines([(*COLUMNS, *extra_columns)]))
        stream.writelines(lines)
