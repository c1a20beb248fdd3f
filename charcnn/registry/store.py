"""The registry: plain folders `NAME/VERSION/`, versions that appear whole and never change.

Every change happens under one file lock. A version is filled in a staging folder, flushed to the disk, entered into the
index as not settled, renamed into place, and settled; removing one goes the same way backwards. Numbers come from
stored counters, so that the number of a removed version is never used again.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from charcnn.errors import CardError, ModelError
from charcnn.registry.index import INDEX_FILE, Index, IndexEntry
from charcnn.registry.references import LATEST, Reference, check_name, is_path, parse_reference
from charcnn.registry.version import CARD_FILE, Version, open_version, problems
from charcnn.specs.card import ModelCard
from charcnn.storage.files import file_lock, flush, sha256_of, try_lock, write_atomically
from charcnn.text import best_match, did_you_mean

log = logging.getLogger(__name__)

STAGING = ".staging"
STAGING_LOCK = ".lock"
_SEQUENCE = ".sequence"
_EVALUATIONS = "evaluations"


class VersionInfo(NamedTuple):
    """A version as the index knows it; its card is not opened."""

    name: str
    number: int
    entry: IndexEntry
    aliases: tuple[str, ...]

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.number}"


class Registry:
    """A folder of trained models.

    Args:
        root: The folder; `$CHARCNN_REGISTRY`, else `registry`, where not given. It is made when something is saved.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root or os.environ.get("CHARCNN_REGISTRY") or "registry")

    # reading

    def names(self) -> list[str]:
        """Gives the names of all models, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if (path / INDEX_FILE).is_file() and not path.is_symlink()
        )

    def versions(self, name: str | None = None) -> list[VersionInfo]:
        """Lists the versions of one model, or of all, the newest first."""
        listed: list[VersionInfo] = []
        faults: list[CardError] = []
        for model in self.names() if name is None else [name]:
            try:
                index = self._index(model)
            except CardError as fault:
                if name is not None:
                    raise
                faults.append(fault)
                continue
            for number, entry in index.versions.items():
                if entry.settled or (self._folder(model, number) / CARD_FILE).is_file():
                    aliases = tuple(sorted(alias for alias, target in index.aliases.items() if target == number))
                    listed.append(VersionInfo(model, number, entry, aliases))
        if faults and not listed:
            raise faults[0]
        for damaged in faults:
            log.warning("%s", damaged.message)
        return sorted(listed, key=lambda version: -version.entry.sequence)

    def find(self, reference: str | Reference) -> VersionInfo:
        """Finds the version that a reference names.

        Args:
            reference: `latest`, `NAME`, `NAME@3` or `NAME@ALIAS`.

        Raises:
            ModelError: there is none; the message says what there is.
        """
        asked = parse_reference(reference) if isinstance(reference, str) else reference
        if asked.name is None:
            trained = [version for version in self.versions() if version.entry.kind == "trained"]
            if not trained:
                raise ModelError(f"There is no model in {self.root} yet.", "charcnn train makes one.")
            return trained[0]
        if asked.name not in self.names():
            known = self.names()
            words = [LATEST, *known] if best_match(asked.name, [LATEST]) else known
            hint = did_you_mean(asked.name, words) if known else "charcnn train makes one."
            raise ModelError(f"No model named {asked.name} in {self.root}.", hint)
        versions = self.versions(asked.name)
        if asked.alias is not None:
            found = [version for version in versions if asked.alias in version.aliases]
        elif asked.version is not None:
            found = [version for version in versions if version.number == asked.version]
        else:
            found = versions
        if not found:
            which = asked.alias or (asked.version if asked.version is not None else "version")
            words = [str(v.number) for v in reversed(versions)] + sorted(a for v in versions for a in v.aliases)
            raise ModelError(f"{asked.name} has no {which} in {self.root}.", f"It has: {', '.join(words) or 'none'}.")
        return found[0]

    def open(self, reference: str | Reference | VersionInfo) -> Version:
        """Opens the version that a reference names, or whose folder a path names.

        Raises:
            ModelError: there is none.
            CardError: its card cannot be understood.
            IntegrityError: its card is not the one that was saved.
        """
        if isinstance(reference, str) and is_path(reference):
            return open_version(Path(reference))
        listed = reference if isinstance(reference, VersionInfo) else self.find(reference)
        return open_version(self._folder(listed.name, listed.number), listed.entry.card_sha256)

    def problems(self, listed: VersionInfo) -> list[str]:
        """Compares a version with what was saved: one line per file that is changed, missing or extra."""
        try:
            return problems(self._folder(listed.name, listed.number), listed.entry.card_sha256)
        except CardError as fault:
            return [fault.message]

    def strays(self) -> list[str]:
        """Names what no index knows: versions copied there by hand, or whose index was lost or is damaged."""
        if not self.root.is_dir():
            return []
        found = []
        for model in (path for path in self.root.iterdir() if path.is_dir() and not path.name.startswith(".")):
            try:
                known = {str(number) for number in self._index(model.name).versions} | {_EVALUATIONS}
            except CardError:
                found.append(str(model / INDEX_FILE))
                continue
            found += [str(path) for path in model.iterdir() if path.is_dir() and path.name not in known]
        return sorted(found)

    # writing

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Gives an empty folder inside the registry to fill for `publish`; it is gone after the block.

        Raises:
            OSError: the registry cannot be written.
        """
        (self.root / STAGING).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root / STAGING, ignore_cleanup_errors=True) as folder:
            lock = try_lock(Path(folder) / STAGING_LOCK)  # tells `sweep` that somebody is at work here
            (Path(folder) / "version").mkdir()
            try:
                yield Path(folder) / "version"
            finally:
                if lock:
                    lock.release()

    def publish(self, folder: Path, draft: ModelCard) -> Version:
        """Makes a filled staging folder a version.

        Args:
            folder: From `staging`; every file in it becomes part of the version.
            draft: The card; its version, sequence and files are settled here.

        Returns:
            The version in its place.

        Raises:
            ModelError: the draft's name cannot be one.
            OSError: a file cannot be written; no version is left behind.
        """
        check_name(draft.name, "model name")
        same = [name for name in self.names() if name != draft.name and name.casefold() == draft.name.casefold()]
        if same:  # on many disks they would be one folder
            raise ModelError(f"{draft.name} differs from the model {same[0]} only in case.", f"Use --name {same[0]}.")
        hashes = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
        for path in folder.iterdir():
            flush(path)
        model = self.root / draft.name
        with self.lock():
            model.mkdir(exist_ok=True)
            index = self._index(draft.name)
            number, sequence = self._next_number(draft.name, index), self._next_sequence()
            card = draft.model_copy(update={"version": number, "sequence": sequence, "files": hashes})
            text = card.model_dump_json(indent=1).encode()
            write_atomically(folder / CARD_FILE, text)
            digest = hashlib.sha256(text).hexdigest()
            entry = IndexEntry(sequence=sequence, kind=card.kind, card_sha256=digest, settled=False)
            index = index.with_entry(number, entry)
            index.write(model)
            target = self._folder(draft.name, number)
            try:
                folder.rename(target)
            except OSError:
                index.with_entry(number, None).write(model)
                raise
            flush(model)
            index.with_entry(number, entry.model_copy(update={"settled": True})).write(model)
        return Version(target, text)

    def set_alias(self, listed: VersionInfo, alias: str) -> None:
        """Points an alias of a model at one of its versions, wherever it pointed before.

        Raises:
            ModelError: the word cannot be an alias.
        """
        check_name(alias, "alias")
        with self.lock():
            self.find(Reference(listed.name, listed.number))  # somebody may have removed it since it was listed
            self._move_alias(listed.name, alias, listed.number)

    def roll_back_alias(self, name: str, alias: str) -> VersionInfo:
        """Points an alias at the version it pointed at before; again: at the one before that.

        Raises:
            ModelError: the alias never pointed at another version that is still there.
        """
        with self.lock():
            index, there = self._index(name), {listed.number: listed for listed in self.versions(name)}
            earlier = [number for number in index.earlier_targets(alias) if number in there]
            if not earlier:
                raise ModelError(f"{name}@{alias} has no earlier version to go back to.")
            index.with_alias(alias, earlier[0], datetime.now(UTC), back=True).write(self.root / name)
            return there[earlier[0]]

    def remove_alias(self, name: str, alias: str) -> None:
        """Takes an alias away.

        Raises:
            ModelError: the model has no such alias.
        """
        with self.lock():
            aliases = self._index(name).aliases
            if alias not in aliases:
                raise ModelError(f"{name} has no alias {alias}.", did_you_mean(alias, aliases) if aliases else "")
            self._move_alias(name, alias, None)

    def remove(self, listed: VersionInfo, force: bool = False) -> None:
        """Removes a version for good, with its evaluations. Its number is not used again.

        Raises:
            ModelError: an alias points at it, and `force` is not set.
        """
        model, folder = self.root / listed.name, self._folder(listed.name, listed.number)
        with self.lock(), self.staging() as scratch:
            listed = self.find(Reference(listed.name, listed.number))  # as it is now
            if listed.aliases and not force:
                raise ModelError(
                    f"{listed.reference} is {', '.join(listed.aliases)}: an alias points at it.",
                    "Move the alias first, or add --force.",
                )
            index = self._index(listed.name)
            for alias in listed.aliases:
                index = index.with_alias(alias, None, datetime.now(UTC))
            index = index.with_entry(listed.number, listed.entry.model_copy(update={"settled": False}))
            index.write(model)
            with suppress(FileNotFoundError):
                folder.rename(scratch / "removed")
            index.with_entry(listed.number, None).write(model)
            shutil.rmtree(model / _EVALUATIONS / str(listed.number), ignore_errors=True)

    def add_evaluation(self, version: Version, fingerprint: str, document: str) -> Path:
        """Keeps what was measured of a version, under the fingerprint of the dataset.

        Args:
            version: A version of this registry.
            fingerprint: Of the dataset's content, 64 hex digits.
            document: JSON.

        Returns:
            The file.
        """
        folder = self.root / version.card.name / _EVALUATIONS / str(version.card.version)
        with self.lock():
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{fingerprint}.json"
            write_atomically(path, document.encode())
        return path

    def evaluations(self, version: Version) -> list[Path]:
        """Lists what was measured of a version."""
        folder = self.root / version.card.name / _EVALUATIONS / str(version.card.version)
        return sorted(folder.glob("*.json")) if folder.is_dir() else []

    def holds(self, version: Version) -> bool:
        """Tells whether a version lies in this registry, and not somewhere else."""
        return version.folder.resolve() == self._folder(version.card.name, version.card.version).resolve()

    # within

    def _move_alias(self, name: str, alias: str, version: int | None) -> None:
        self._index(name).with_alias(alias, version, datetime.now(UTC)).write(self.root / name)

    def _index(self, name: str) -> Index:
        return Index.read(self.root / name)

    def _folder(self, name: str, number: int) -> Path:
        return self.root / name / str(number)

    def lock(self) -> AbstractContextManager[object]:
        """Keeps every other process from changing the registry within a block. It is not taken twice."""
        self.root.mkdir(parents=True, exist_ok=True)
        return file_lock(self.root / ".lock")

    def _next_number(self, name: str, index: Index) -> int:
        """Counts on from the stored counter, and past folders that an index that was lost knew."""
        folders = [int(path.name) for path in (self.root / name).iterdir() if path.name.isdecimal()]
        return 1 + max(index.counter, *folders, 0)

    def _next_sequence(self) -> int:
        """Counts on, from the stored counter; from the highest number in use where that was lost."""
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
