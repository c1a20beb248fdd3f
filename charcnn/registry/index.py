"""`NAME/index.json`: the versions of a model, the sha256 of their cards, and the aliases."""

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
    """Index entry of a version.

    `settled` is False while the version's folder is moved into place or removed. Such an entry is valid only if the
    folder exists, so that a process killed at any moment leaves the version complete or absent.
    """

    sequence: int
    kind: VersionKind
    card_sha256: str
    settled: bool = True


class AliasMove(StrictModel):
    """Entry in the history of aliases, which is append-only.

    `version` is None if the alias was removed. `back` is True if it was rolled back.
    """

    time: datetime
    alias: str
    version: int | None
    back: bool = False


class Index(Document):
    """Index of a model: its versions and aliases."""

    newest_schema: ClassVar[int] = INDEX_SCHEMA

    schema_version: int = INDEX_SCHEMA
    counter: int = 0
    versions: dict[int, IndexEntry] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict)
    history: tuple[AliasMove, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the index of a model; return an empty one if the folder has none.

        Raises:
            CardError: the file cannot be parsed.
        """
        path = folder / INDEX_FILE
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return cls()
        return cls.parse(text, str(path))

    def write(self, folder: Path) -> None:
        """Write the index of a model, replacing an earlier one."""
        write_atomically(folder / INDEX_FILE, self.model_dump_json(indent=1).encode())

    def with_entry(self, version: int, entry: IndexEntry | None) -> Self:
        """Return a copy with one version added, changed or (None) removed."""
        versions = {number: old for number, old in self.versions.items() if number != version}
        if entry is not None:
            versions[version] = entry
        return self.model_copy(update={"versions": versions, "counter": max(self.counter, version)})

    def aliases_of(self, version: int) -> tuple[str, ...]:
        """Return the aliases that point to a version, sorted."""
        return tuple(sorted(alias for alias, target in self.aliases.items() if target == version))

    def earlier_targets(self, alias: str) -> list[int]:
        """Return the versions that an alias can be rolled back to, most recent first.

        Rolling back to a version removes it, and all later ones, from the list.
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
        """Return a copy with an alias set or (None) removed, and the move added to the history."""
        aliases = {name: number for name, number in self.aliases.items() if name != alias}
        if version is not None:
            aliases[alias] = version
        move = AliasMove(time=time, alias=alias, version=version, back=back)
        return self.model_copy(update={"aliases": aliases, "history": (*self.history, move)})
