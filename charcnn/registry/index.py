"""`NAME/index.json`: which versions a model has, what their cards hash to, and where its aliases point."""

from datetime import datetime
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field

from charcnn.specs.base import Document, StrictModel
from charcnn.specs.version_kind import VersionKind
from charcnn.storage.files import write_atomically

INDEX_FILE = "index.json"
INDEX_SCHEMA = 1


class IndexEntry(StrictModel):
    """One version.

    `settled` is False from before the version's folder is moved (into place, or away) until after: such an entry counts
    exactly where the folder is there, so that a process killed at any moment leaves nothing half done.
    """

    sequence: int
    kind: VersionKind
    card_sha256: str
    settled: bool = True


class AliasMove(StrictModel):
    """A line of the aliases' history, which only grows.

    `version` is None where the alias was removed; `back` where it was rolled back.
    """

    time: datetime
    alias: str
    version: int | None
    back: bool = False


class Index(Document):
    """What is kept of a model besides its versions."""

    newest_schema: ClassVar[int] = INDEX_SCHEMA

    schema_version: int = INDEX_SCHEMA
    counter: int = 0
    versions: dict[int, IndexEntry] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict)
    history: tuple[AliasMove, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a model's index; an empty one where the folder has none.

        Raises:
            CardError: the file cannot be understood.
        """
        path = folder / INDEX_FILE
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return cls()
        return cls.parse(text, str(path))

    def write(self, folder: Path) -> None:
        """Replace a model's index."""
        write_atomically(folder / INDEX_FILE, self.model_dump_json(indent=1).encode())

    def with_entry(self, version: int, entry: IndexEntry | None) -> Self:
        """Return the index with one version added, changed or (None) taken out."""
        versions = {number: old for number, old in self.versions.items() if number != version}
        if entry is not None:
            versions[version] = entry
        return self.model_copy(update={"versions": versions, "counter": max(self.counter, version)})

    def aliases_of(self, version: int) -> tuple[str, ...]:
        """Return the aliases that point at a version, sorted."""
        return tuple(sorted(alias for alias, target in self.aliases.items() if target == version))

    def earlier_targets(self, alias: str) -> list[int]:
        """Return the versions that an alias can go back to, the last one first.

        Going back to a version removes it, and what came after it, from the way back.
        """
        path: list[int] = []
        for move in self.history:
            if move.alias != alias or move.version is None:
                continue
            if move.back:
                while path and path.pop() != move.version:
                    pass
            if not path or path[-1] != move.version:
                path.append(move.version)
        now = self.aliases.get(alias)
        return [number for number in reversed(path) if number != now]

    def with_alias(self, alias: str, version: int | None, time: datetime, back: bool = False) -> Self:
        """Return the index with an alias set or (None) removed, and the move added to the history."""
        aliases = {name: number for name, number in self.aliases.items() if name != alias}
        if version is not None:
            aliases[alias] = version
        move = AliasMove(time=time, alias=alias, version=version, back=back)
        return self.model_copy(update={"aliases": aliases, "history": (*self.history, move)})
