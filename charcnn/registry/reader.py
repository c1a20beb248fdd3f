"""Find and open versions. Reading never locks and never writes."""

import logging
import os
from pathlib import Path
from typing import NamedTuple

from charcnn.errors import CardError, ModelNotFoundError
from charcnn.registry.index import INDEX_FILE, Index, IndexEntry
from charcnn.registry.references import LATEST, Reference, is_path, parse_reference
from charcnn.registry.version import CARD_FILE, Version, open_version, problems
from charcnn.text import best_match, did_you_mean

log = logging.getLogger(__name__)

EVALUATIONS = "evaluations"


class VersionInfo(NamedTuple):
    """A version as listed in the index. Its card is not read."""

    name: str
    number: int
    entry: IndexEntry
    aliases: tuple[str, ...]

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.number}"


class RegistryReader:
    """The read-only part of `Registry`.

    Args:
        root: The folder; by default `$CHARCNN_REGISTRY` or `registry`. It need not exist.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root or os.environ.get("CHARCNN_REGISTRY") or "registry")

    def names(self) -> list[str]:
        """Return the names of all models, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if (path / INDEX_FILE).is_file() and not path.is_symlink()
        )

    def versions(self, name: str | None = None) -> list[VersionInfo]:
        """Return the versions of one model, or of all models, newest first.

        If all models are listed, those with a damaged index are skipped with a warning.

        Raises:
            CardError: the index of the model, or of every model, cannot be parsed.
        """
        if name is not None:
            return _newest_first(self._versions_of(name))
        found: list[VersionInfo] = []
        faults: list[CardError] = []
        for model in self.names():
            try:
                found += self._versions_of(model)
            except CardError as fault:
                faults.append(fault)
        if faults and not found:
            raise faults[0]
        for damaged in faults:
            log.warning("%s", damaged.message)
        return _newest_first(found)

    def find(self, reference: str | Reference) -> VersionInfo:
        """Find the version that a reference names.

        Args:
            reference: `latest`, `NAME`, `NAME@3` or `NAME@ALIAS`.

        Raises:
            ModelError: the reference is invalid.
            ModelNotFoundError: the version does not exist; the error lists those that do.
        """
        wanted = parse_reference(reference) if isinstance(reference, str) else reference
        if wanted.name is None:
            return self._latest()
        self._check_exists(wanted.name)
        versions = self.versions(wanted.name)
        if wanted.alias is not None:
            found = [version for version in versions if wanted.alias in version.aliases]
        elif wanted.version is not None:
            found = [version for version in versions if version.number == wanted.version]
        else:
            found = versions
        if not found:
            raise self._version_not_found(wanted, versions)
        return found[0]

    def open(self, reference: str | Reference | VersionInfo) -> Version:
        """Open a version, given by its reference or by the path of its folder.

        Raises:
            ModelError: the reference is invalid.
            ModelNotFoundError: the version does not exist.
            CardError: its card cannot be parsed.
            IntegrityError: its card was modified.
        """
        if isinstance(reference, str) and is_path(reference):
            return open_version(Path(reference))
        info = reference if isinstance(reference, VersionInfo) else self.find(reference)
        return open_version(self.folder(info.name, info.number), info.entry.card_sha256)

    def problems(self, info: VersionInfo) -> list[str]:
        """Compare a version with what was saved; return one line per file that is modified, missing or unexpected."""
        try:
            return problems(self.folder(info.name, info.number), info.entry.card_sha256)
        except CardError as fault:
            return [fault.message]

    def unindexed(self) -> list[str]:
        """Return paths that are in no index: versions that were copied by hand, or whose index is lost or damaged."""
        if not self.root.is_dir():
            return []
        found = []
        for model in (path for path in self.root.iterdir() if path.is_dir() and not path.name.startswith(".")):
            try:
                known = {str(number) for number in Index.read(model).versions} | {EVALUATIONS}
            except CardError:
                found.append(str(model / INDEX_FILE))
                continue
            found += [str(path) for path in model.iterdir() if path.is_dir() and path.name not in known]
        return sorted(found)

    def evaluations(self, version: Version) -> list[Path]:
        """Return the files of a version's evaluations."""
        folder = self.evaluations_folder(version)
        return sorted(folder.glob("*.json")) if folder.is_dir() else []

    def holds(self, version: Version) -> bool:
        """Return whether a version is stored in this registry."""
        return version.folder.resolve() == self.folder(version.card.name, version.card.version).resolve()

    def folder(self, name: str, number: int) -> Path:
        """Return the folder of a version."""
        return self.root / name / str(number)

    def evaluations_folder(self, version: Version) -> Path:
        """Return the folder of a version's evaluations."""
        return self.root / version.card.name / EVALUATIONS / str(version.card.version)

    def _versions_of(self, model: str) -> list[VersionInfo]:
        index = Index.read(self.root / model)
        return [
            VersionInfo(model, number, entry, index.aliases_of(number))
            for number, entry in index.versions.items()
            if entry.settled or (self.folder(model, number) / CARD_FILE).is_file()
        ]

    def _latest(self) -> VersionInfo:
        trained = [version for version in self.versions() if version.entry.kind == "trained"]
        if not trained:
            raise ModelNotFoundError(f"{self.root} has no models yet.", name=LATEST)
        return trained[0]

    def _version_not_found(self, wanted: Reference, versions: list[VersionInfo]) -> ModelNotFoundError:
        which = wanted.alias or (wanted.version if wanted.version is not None else "version")
        missing = f"alias {which}" if wanted.alias else "versions" if wanted.version is None else f"version {which}"
        known = [str(v.number) for v in reversed(versions)] + sorted(a for v in versions for a in v.aliases)
        return ModelNotFoundError(
            f"{wanted.name} has no {missing} in {self.root}.",
            f"It has: {', '.join(known) or 'none'}.",
            name=f"{wanted.name}@{which}",
            known=known,
        )

    def _check_exists(self, name: str) -> None:
        known = self.names()
        if name in known:
            return
        words = [LATEST, *known] if best_match(name, [LATEST]) else known
        hint = did_you_mean(name, words) if known else ""
        raise ModelNotFoundError(f"No model named {name} in {self.root}.", hint, name=name, known=known)


def _newest_first(versions: list[VersionInfo]) -> list[VersionInfo]:
    return sorted(versions, key=lambda version: -version.entry.sequence)
