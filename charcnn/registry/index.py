"""`NAME/index.json`: which versions a model has, what their cards hash to, and where its aliases point."""

from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError

from charcnn.errors import CardError
from charcnn.specs.base import StrictModel, check_schema
from charcnn.storage.files import write_atomically

INDEX_FILE = "index.json"
INDEX_SCHEMA = 1


class IndexEntry(StrictModel):
    """One version.

    `settled` is False from before the version's folder is moved (into place, or away) until after: such an entry counts
    exactly where the folder is there, so that a process killed at any moment leaves nothing half done.
    """

    sequence: int
    kind: Literal["trained", "run", "imported"]
    card_sha256: str
    settled: bool = True


class AliasMove(StrictModel):
    """A line of the aliases' history, which is only ever appended to."""

    time: datetime
    alias: str
    version: int | None
    back: bool = False


class Index(StrictModel):
    """All that is kept of a model beside its versions."""

    schema_version: int = INDEX_SCHEMA
    counter: int = 0
    versions: dict[int, IndexEntry] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict)
    history: tuple[AliasMove, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads a model's index; an empty one where the folder has none.

        Raises:
            CardError: the file cannot be understood.
        """
        path = folder / INDEX_FILE
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return cls()
        check_schema(text, str(path), newest=INDEX_SCHEMA)
        try:
            return cls.model_validate_json(text)
        except ValidationError as fault:
            first = fault.errors()[0]
            raise CardError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None

    def write(self, folder: Path) -> None:
        """Replaces a model's index."""
        write_atomically(folder / INDEX_FILE, self.model_dump_json(indent=1).encode())

    def with_entry(self, version: int, entry: IndexEntry | None) -> Self:
        """Gives the index with one version added, changed or (None) taken out."""
        versions = {number: old for number, old in self.versions.items() if number != version}
        if entry is not None:
            versions[version] = entry
        return self.model_copy(update={"versions": versions, "counter": max(self.counter, version)})

    def earlier_targets(self, alias: str) -> list[int]:
        """Gives the versions that an alias can go back to, the last one first; going back takes that step away."""
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
        """Gives the index with an alias set or (None) taken away, and the move noted."""
        aliases = {name: number for name, number in self.aliases.items() if name != alias}
        if version is not None:
            aliases[alias] = version
        move = AliasMove(time=time, alias=alias, version=version, back=back)
        return self.model_copy(update={"aliases": aliases, "history": (*self.history, move)})
