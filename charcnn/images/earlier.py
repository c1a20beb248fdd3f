"""A folder that `augment` made before: what of it is still its own, and what its manifest says of files that stay."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from charcnn.images.manifest import COLUMNS, MANIFEST, read_rows

CHILD_HASH = "child_sha256"
"""Column of the manifest that tells an untouched file."""


@dataclass(frozen=True)
class Earlier:
    """What an earlier run left in a folder; nothing where there was none.

    Attributes:
        folder: The folder.
        rows: Its manifest's.
        hashes: File, relative to the folder → sha256 of what was written there.
    """

    folder: Path
    rows: Sequence[Mapping[str, str]]
    hashes: Mapping[Path, str | None]

    @classmethod
    def read(cls, folder: Path, parameters: Collection[str]) -> Self:
        """Reads a folder's manifest.

        Args:
            folder: The folder; it need not exist.
            parameters: The names of the columns of what is drawn.

        Raises:
            DatasetError: the manifest is none.
        """
        rows = read_rows(folder)
        hashes = {Path(row["child"]): row.get(CHILD_HASH) for row in rows}
        columns = {*COLUMNS, CHILD_HASH, *parameters}
        if rows and all(row.keys() == columns for row in rows):  # else somebody wrote more into it
            hashes[Path(MANIFEST)] = sha256_of((folder / MANIFEST).read_bytes())
        return cls(folder, rows, hashes)

    def is_own(self, file: Path) -> bool:
        """Tells whether a file of the folder is as the earlier run wrote it; in the manifest, values may have changed.

        Args:
            file: Its path relative to the folder.
        """
        path = self.folder / file
        is_plain = path.is_file() and not path.is_symlink()
        return file in self.hashes and is_plain and self.hashes[file] == sha256_of(path.read_bytes())

    def rows_of_kept(self, written: Collection[str]) -> list[tuple[str, str, str]]:
        """Gives child, parent and the original's sha256 of the files that stay beside new ones.

        Args:
            written: The children of the new run.
        """
        others = [row for row in self.rows if row["child"] not in written]
        return [
            (row["child"], row["parent"], row["origin_sha256"])
            for row in others
            if (self.folder / row["child"]).exists() and not self.is_own(Path(row["child"]))
        ]


def sha256_of(data: bytes) -> str:
    """Gives the digest of a file's content in hex."""
    return hashlib.sha256(data).hexdigest()
