"""Files that were written into a folder earlier, as its manifest records them: only those may be replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from charcnn.storage.files import is_unmodified


@dataclass(frozen=True)
class WrittenFiles:
    """Files that were written into a folder.

    Attributes:
        folder: The folder.
        hashes: File, relative to the folder → the sha256 it was written with; None where that is not known.
    """

    folder: Path
    hashes: Mapping[Path, str | None]

    def is_own(self, file: Path) -> bool:
        """Return whether a file, by its path relative to the folder, is one of them and unmodified since."""
        return is_unmodified(self.folder / file, self.hashes.get(file))

    def own_files(self) -> set[Path]:
        """Return those that are there and unmodified, relative to the folder."""
        return {file for file in self.hashes if self.is_own(file)}
