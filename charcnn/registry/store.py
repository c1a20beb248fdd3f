"""The registry: plain folders `NAME/VERSION/`, versions that appear whole and never change.

Every change happens under one file lock. A version is filled in a staging folder, flushed to the disk, entered into the
index as not settled, renamed into place, and settled; removing one goes the same way backwards. Numbers come from
stored counters, so that the number of a removed version is never used again.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from charcnn.errors import ModelError, ModelNotFoundError
from charcnn.registry.index import Index, IndexEntry
from charcnn.registry.reader import EVALUATIONS, RegistryReader, VersionInfo
from charcnn.registry.references import Reference, check_name
from charcnn.registry.version import CARD_FILE, Version
from charcnn.storage.files import file_lock, flush, sha256_of, try_lock, write_atomically
from charcnn.text import did_you_mean

if TYPE_CHECKING:
    from charcnn.specs.card import ModelCard

STAGING = ".staging"
STAGING_LOCK = ".lock"
_SEQUENCE = ".sequence"


class Registry(RegistryReader):
    """A folder of trained models.

    Args:
        root: The folder; `$CHARCNN_REGISTRY`, else `registry`, where not given. It is made when something is saved.
    """

    def lock(self) -> AbstractContextManager[object]:
        """Keep every other process from changing the registry within a `with` block. Do not nest it."""
        self.root.mkdir(parents=True, exist_ok=True)
        return file_lock(self.root / ".lock")

    # versions

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Yield an empty folder inside the registry to fill for `publish`; it is removed after the block.

        Raises:
            OSError: the registry cannot be written.
        """
        (self.root / STAGING).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root / STAGING, ignore_cleanup_errors=True) as folder:
            lock = try_lock(Path(folder) / STAGING_LOCK)  # so that `gc` knows that the folder is in use
            (Path(folder) / "version").mkdir()
            try:
                yield Path(folder) / "version"
            finally:
                if lock:
                    lock.release()

    def check_writable(self) -> None:
        """Check that versions can be saved, as far as can be told without making a folder.

        Raises:
            OSError: the registry cannot be written.
        """
        nearest = next(path for path in (self.root, *self.root.absolute().parents) if path.exists())
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            with self.staging():  # raises what is wrong
                pass

    def check_new_name(self, name: str) -> None:
        """Check that a version of this name can be saved.

        Raises:
            ModelError: the name is invalid, or many disks would take it for that of another model.
        """
        check_name(name, "model name")
        same = [other for other in self.names() if other != name and other.casefold() == name.casefold()]
        if same:
            raise ModelError(f"{name} differs from the model {same[0]} only in case.", f'Use `name="{same[0]}"`.')

    def publish(self, folder: Path, draft: "ModelCard") -> Version:
        """Make a filled staging folder a version.

        Args:
            folder: From `staging`; every file in it becomes part of the version.
            draft: The card; its version, sequence and files are filled in here.

        Returns:
            The version in its place.

        Raises:
            ModelError: the draft's name cannot be one.
            OSError: a file cannot be written; no version is left behind.
        """
        self.check_new_name(draft.name)
        hashes = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
        for path in folder.iterdir():
            flush(path)
        with self.lock():
            (self.root / draft.name).mkdir(exist_ok=True)
            index = Index.read(self.root / draft.name)
            number, sequence = self._next_number(draft.name, index), self._next_sequence()
            card = draft.model_copy(update={"version": number, "sequence": sequence, "files": hashes})
            text = card.model_dump_json(indent=1).encode()
            write_atomically(folder / CARD_FILE, text)
            entry = IndexEntry(sequence=sequence, kind=card.kind, card_sha256=hashlib.sha256(text).hexdigest())
            self._move_into_place(folder, card, index, entry)
        return Version(self.folder(card.name, number), text)

    def remove(self, info: VersionInfo, force: bool = False) -> None:
        """Remove a version for good, with its evaluations. Its number is not used again.

        Raises:
            ModelError: an alias points at it, and `force` is not set.
            ModelNotFoundError: it was removed before.
        """
        model = self.root / info.name
        with self.lock(), self.staging() as scratch:
            info = self._refreshed(info)
            if info.aliases and not force:
                raise ModelError(
                    f"{info.reference} has the alias {', '.join(info.aliases)}.",
                    "Move the alias first, or use `force=True`.",
                )
            index = Index.read(model)
            for alias in info.aliases:
                index = index.with_alias(alias, None, datetime.now(UTC))
            index = index.with_entry(info.number, info.entry.model_copy(update={"settled": False}))
            index.write(model)
            with suppress(FileNotFoundError):
                self.folder(info.name, info.number).rename(scratch / "removed")
            index.with_entry(info.number, None).write(model)
            shutil.rmtree(model / EVALUATIONS / str(info.number), ignore_errors=True)

    # aliases

    def set_alias(self, info: VersionInfo, alias: str) -> None:
        """Point an alias of a model at one of its versions, wherever it pointed before.

        Raises:
            ModelError: the word cannot be an alias.
            ModelNotFoundError: the version was removed.
        """
        check_name(alias, "alias")
        with self.lock():
            self._move_alias(info.name, alias, self._refreshed(info).number)

    def roll_back_alias(self, name: str, alias: str) -> VersionInfo:
        """Point an alias at the version it pointed at before; called again: at the one before that.

        Raises:
            ModelError: the alias never pointed at another version that still exists.
        """
        with self.lock():
            versions = {info.number: info for info in self.versions(name)}
            earlier = [number for number in Index.read(self.root / name).earlier_targets(alias) if number in versions]
            if not earlier:
                raise ModelError(f"{name}@{alias} has no earlier version to go back to.")
            self._move_alias(name, alias, earlier[0], back=True)
            return versions[earlier[0]]

    def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias.

        Raises:
            ModelNotFoundError: the model has no such alias.
        """
        with self.lock():
            aliases = list(Index.read(self.root / name).aliases)
            if alias not in aliases:
                hint = did_you_mean(alias, aliases) if aliases else f"{name} has no aliases."
                raise ModelNotFoundError(f"{name} has no alias {alias}.", hint, name=f"{name}@{alias}", known=aliases)
            self._move_alias(name, alias, None)

    def _move_alias(self, name: str, alias: str, version: int | None, back: bool = False) -> None:
        model = self.root / name
        Index.read(model).with_alias(alias, version, datetime.now(UTC), back).write(model)

    # evaluations

    def add_evaluation(self, version: Version, fingerprint: str, document: str) -> Path:
        """Keep what was measured of a version, under the fingerprint of the dataset.

        Args:
            version: A version of this registry.
            fingerprint: Of the dataset's content, 64 hex digits.
            document: JSON.

        Returns:
            The file.
        """
        folder = self.evaluations_folder(version)
        with self.lock():
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{fingerprint}.json"
            write_atomically(path, document.encode())
        return path

    # within

    def _move_into_place(self, folder: Path, card: "ModelCard", index: Index, entry: IndexEntry) -> None:
        """Rename a staging folder to its version's; a process killed at any step leaves the version whole or absent."""
        model = self.root / card.name
        index.with_entry(card.version, entry.model_copy(update={"settled": False})).write(model)
        try:
            folder.rename(self.folder(card.name, card.version))
        except OSError:
            index.with_entry(card.version, None).write(model)
            raise
        flush(model)
        index.with_entry(card.version, entry).write(model)

    def _refreshed(self, info: VersionInfo) -> VersionInfo:
        """Return a version as it is now: another process may have changed or removed it."""
        return self.find(Reference(info.name, info.number))

    def _next_number(self, name: str, index: Index) -> int:
        """Return the number after the stored counter, and after folders that a lost index knew."""
        folders = [int(path.name) for path in (self.root / name).iterdir() if path.name.isdecimal()]
        return 1 + max(index.counter, *folders, 0)

    def _next_sequence(self) -> int:
        """Count on from the stored counter; where that was lost, from the highest sequence in use."""
        path = self.root / _SEQUENCE
        try:
            last = int(path.read_text())
        except (FileNotFoundError, ValueError):
            last = 0
        if last == 0:
            last = max((version.entry.sequence for version in self.versions()), default=0)
        number = last + 1
        write_atomically(path, str(number).encode())
        return number
