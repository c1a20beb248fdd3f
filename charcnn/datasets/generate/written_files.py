"""Files that were written into a folder earlier, as recorded in its manifest. Only these may be replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from charcnn.storage.files import is_unmodified


@dataclass(frozen=True)
class WrittenFiles:
    """Files that were written into a folder.

    Attributes:
        folder: The folder.
        hashes: File, relative to the folder → its sha256 when it was written; None if unknown.
    """

    folder: Path
    hashes: Mapping[Path, str | None]

    def is_own(self, file: Path) -> bool:
        """Return whether a file, given relative to the folder, is one of them and unmodified."""
        return is_unmodified(self.folder / file, self.hashes.get(file))

    def own_files(self) -> set[Path]:
        """Return the files that still exist unmodified, relative to the folder."""
        return {file for file in self.hashes if self.is_own(file)}
