"""The registry: plain folders `NAME/VERSION/`. Versions are added atomically and never change.

Every change happens under one file lock. To add a version, its files are written to a staging folder and flushed to the
disk, an unsettled entry is added to the index, the folder is moved into place, and the entry is marked as settled. To
remove one, the same steps happen in reverse. Version numbers come from stored counters, so that the number of a removed
version is never reused.
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
        root: The folder; by default `$CHARCNN_REGISTRY` or `registry`. It is created when something is saved.

    Examples:
        >>> import charcnn
        >>> registry = charcnn.Registry()
        >>> [info.reference for info in registry.versions("abc")]
        ['abc@1']
        >>> registry.set_alias(registry.find("abc@1"), "best")
        >>> registry.open("abc@best").reference
        'abc@1'
    """

    def lock(self) -> AbstractContextManager[object]:
        """Keep other processes from changing the registry during a `with` block. It must not be nested."""
        self.root.mkdir(parents=True, exist_ok=True)
        return file_lock(self.root / ".lock")

    # versions

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Yield an empty folder inside the registry, to fill for `publish`. It is removed after the block.

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
        """Check that versions can be saved, as far as possible without creating a folder.

        Raises:
            OSError: the registry cannot be written.
        """
        nearest = next(path for path in (self.root, *self.root.absolute().parents) if path.exists())
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            with self.staging():  # raises the error
                pass

    def check_new_name(self, name: str) -> None:
        """Check that a version of this name can be saved.

        Raises:
            ModelError: the name is invalid, or differs from another model's only in case, which many disks ignore.
        """
        check_name(name, "model name")
        same = [other for other in self.names() if other != name and other.casefold() == name.casefold()]
        if same:
            raise ModelError(f"{name} differs from the model {same[0]} only in case.", f'Use `name="{same[0]}"`.')

    def publish(self, folder: Path, draft: "ModelCard") -> Version:
        """Turn a filled staging folder into a version.

        Args:
            folder: The folder from `staging`. All files in it become part of the version.
            draft: The card. Its version, sequence and files are filled in.

        Returns:
            The published version.

        Raises:
            ModelError: the name in the draft is invalid.
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
        """Remove a version and its evaluations permanently. Its number is not reused.

        Raises:
            ModelError: an alias points to it, and `force` is not set.
            ModelNotFoundError: it was already removed.
        """
        model = self.root / info.name
        with self.lock(), self.staging() as scratch:
            info = self._refresh(info)
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
        """Point an alias of a model to one of its versions, moving it if it exists.

        Raises:
            ModelError: the alias is not a valid name.
            ModelNotFoundError: the version was removed.
        """
        check_name(alias, "alias")
        with self.lock():
            self._move_alias(info.name, alias, self._refresh(info).number)

    def roll_back_alias(self, name: str, alias: str) -> VersionInfo:
        """Point an alias back to its previous version. Repeated calls go further back.

        Raises:
            ModelError: no earlier version of the alias exists.
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
            ModelNotFoundError: the model does not have this alias.
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
        """Store an evaluation of a version, under the fingerprint of the dataset.

        Args:
            version: A version of this registry.
            fingerprint: Fingerprint of the dataset's content, 64 hex digits.
            document: The evaluation, as JSON.

        Returns:
            Path of the file.
        """
        folder = self.evaluations_folder(version)
        with self.lock():
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{fingerprint}.json"
            write_atomically(path, document.encode())
        return path

    # internals

    def _move_into_place(self, folder: Path, card: "ModelCard", index: Index, entry: IndexEntry) -> None:
        """Move a staging folder into place. A process killed at any step leaves the version complete or absent."""
        model = self.root / card.name
        index.with_entry(card.version, entry.model_copy(update={"settled": False})).write(model)
        try:
            folder.rename(self.folder(card.name, card.version))
        except OSError:
            index.with_entry(card.version, None).write(model)
            raise
        flush(model)
        index.with_entry(card.version, entry).write(model)

    def _refresh(self, info: VersionInfo) -> VersionInfo:
        """Return the current state of a version, which another process may have changed or removed."""
        return self.find(Reference(info.name, info.number))

    def _next_number(self, name: str, index: Index) -> int:
        """Return the next version number: above the stored counter, and above any folders of a lost index."""
        folders = [int(path.name) for path in (self.root / name).iterdir() if path.name.isdecimal()]
        return 1 + max(index.counter, *folders, 0)

    def _next_sequence(self) -> int:
        """Return the next sequence number: above the stored counter or, if that was lost, above all in use."""
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
