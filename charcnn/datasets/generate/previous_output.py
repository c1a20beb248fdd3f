"""A folder that `augment` made before: what of it is still its own, and what its manifest says of files that stay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from charcnn.datasets.provenance.augment_manifest import AUGMENT_MANIFEST, COLUMNS, read_augment_manifest
from charcnn.storage.files import is_unmodified, sha256_of

CHILD_HASH = "child_sha256"
"""Column of the manifest that tells an untouched file."""


@dataclass(frozen=True)
class PreviousOutput:
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
        """Read a folder's manifest.

        Args:
            folder: The folder; it need not exist.
            parameters: The names of the columns of what is drawn.

        Raises:
            DatasetError: the manifest is none.
        """
        rows = read_augment_manifest(folder)
        hashes = {Path(row["child"]): row.get(CHILD_HASH) for row in rows}
        columns = {*COLUMNS, CHILD_HASH, *parameters}
        if rows and all(row.keys() == columns for row in rows):  # else somebody wrote more into it
            hashes[Path(AUGMENT_MANIFEST)] = sha256_of(folder / AUGMENT_MANIFEST)
        return cls(folder, rows, hashes)

    def is_own(self, file: Path) -> bool:
        """Return whether a file of the folder is as the earlier run wrote it; in the manifest, values may have changed.

        Args:
            file: Its path relative to the folder.
        """
        return is_unmodified(self.folder / file, self.hashes.get(file))

    def rows_of_kept(self, fresh: Path) -> list[tuple[str, str, str]]:
        """Return child, parent and the original's sha256 of the files that stay beside those of a new run.

        Args:
            fresh: The folder that holds what the new run wrote.
        """
        others = [row for row in self.rows if not (fresh / row["child"]).exists()]
        return [
            (row["child"], row["parent"], row["origin_sha256"])
            for row in others
            if (self.folder / row["child"]).exists() and not self.is_own(Path(row["child"]))
        ]
