"""Output of an earlier `augment` run: the files that may be replaced, and the manifest rows of the others."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from charcnn.datasets.generate.written_files import WrittenFiles
from charcnn.datasets.provenance.augment_manifest import AUGMENT_MANIFEST, COLUMNS, read_augment_manifest
from charcnn.storage.files import sha256_of

COPY_HASH_COLUMN = "child_sha256"


@dataclass(frozen=True)
class PreviousOutput:
    """Output of an earlier run in a folder; empty if there was none.

    Attributes:
        rows: Rows of its manifest.
        files: Files that it wrote.
    """

    rows: Sequence[Mapping[str, str]]
    files: WrittenFiles

    @classmethod
    def read(cls, folder: Path, parameters: Collection[str]) -> Self:
        """Read a folder's manifest.

        A manifest with exactly the current columns counts as a file of the earlier run, even if its values were
        modified. One with additional columns does not.

        Args:
            folder: The folder; it need not exist.
            parameters: Names of the columns with drawn parameters.

        Raises:
            DatasetError: the file is not a manifest.
        """
        rows = read_augment_manifest(folder)
        hashes = {Path(row["child"]): row.get(COPY_HASH_COLUMN) for row in rows}
        columns = {*COLUMNS, COPY_HASH_COLUMN, *parameters}
        if rows and all(row.keys() == columns for row in rows):
            hashes[Path(AUGMENT_MANIFEST)] = sha256_of(folder / AUGMENT_MANIFEST)
        return cls(rows, WrittenFiles(folder, hashes))

    def rows_of_kept(self, fresh: Path) -> list[tuple[str, str, str]]:
        """Return copy, original and the original's sha256 for modified files that are kept next to the new ones.

        Args:
            fresh: The folder with the output of the new run.
        """
        kept = [
            row
            for row in self.rows
            if not (fresh / row["child"]).exists()
            and (self.files.folder / row["child"]).exists()
            and not self.files.is_own(Path(row["child"]))
        ]
        return [(row["child"], row["parent"], row["origin_sha256"]) for row in kept]
