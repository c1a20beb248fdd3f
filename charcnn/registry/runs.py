"""`.runs/RUN/`: runs that can be resumed. They are unfinished, or finished ones that may be given more epochs.

`run.json` describes the training and `checkpoint.safetensors` stores its progress. Both are replaced atomically. A
process that trains a run holds its lock, which the system releases when the process ends, even if it is killed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from charcnn.errors import CardError, ModelError, RunNotFoundError
from charcnn.registry.references import check_name
from charcnn.specs.base import Document
from charcnn.specs.train_config import TrainSettings
from charcnn.storage.files import try_lock, write_atomically

RUNS = ".runs"
LAST = "last"
FACTS_FILE = "run.json"
_CHECKPOINT_FILE = "checkpoint.safetensors"
LOCK_FILE = ".lock"
RUN_SCHEMA = 1


class RunFacts(Document):
    """Description of a run."""

    newest_schema: ClassVar[int] = RUN_SCHEMA

    schema_version: int = RUN_SCHEMA
    created: datetime
    config: TrainSettings = Field(description="all settings, including those that were left open")
    command: str
    data: str = Field(description="sha256 over the images, their labels, and which of them are trained on")
    processes: int = Field(ge=1, description="processes that train together")
    parent: str | None = Field(None, description="the version whose weights training started from")
    finished: bool = Field(False, description="whether its version is in the registry")
    ended_by_patience: int | None = Field(None, description="epoch after which `patience` ended the finished training")


class Run:
    """A training that can be resumed, stored in a folder.

    Args:
        folder: `REGISTRY/.runs/RUN`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """The name to resume it by."""
        return self.folder.name

    @property
    def checkpoint_file(self) -> Path:
        """The path of the checkpoint. It need not exist."""
        return self.folder / _CHECKPOINT_FILE

    def read_facts(self) -> RunFacts:
        """Read the description of the run.

        Raises:
            CardError: the file cannot be parsed.
        """
        path = self.folder / FACTS_FILE
        return RunFacts.parse(path.read_bytes(), str(path))

    def is_finished(self) -> bool:
        """Return whether its version is in the registry; False if its description cannot be read."""
        try:
            return self.read_facts().finished
        except (CardError, OSError):
            return False

    def write_facts(self, facts: RunFacts) -> None:
        """Replace `run.json`."""
        write_atomically(self.folder / FACTS_FILE, facts.model_dump_json(indent=1).encode())

    def write_checkpoint(self, checkpoint: bytes) -> None:
        """Replace the checkpoint."""
        write_atomically(self.checkpoint_file, checkpoint)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from training the run during a `with` block.

        Raises:
            ModelError: another process is training it.
        """
        lock = try_lock(self.folder / LOCK_FILE)
        if lock is None:
            raise ModelError(f"Another process is training {self.name}.", "Wait until it ends, or stop it.")
        try:
            yield
        finally:
            lock.release()

    def is_free(self) -> bool:
        """Return whether no process is training the run."""
        lock = try_lock(self.folder / LOCK_FILE)
        if lock:
            lock.release()
        return lock is not None

    def remove(self) -> None:
        """Remove the run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_if_free(self) -> bool:
        """Remove the run unless a process is training it; return whether it was removed."""
        with suppress(ModelError), self.lock():
            self.remove()
            return True
        return False


def create_run(root: Path, name: str) -> Run:
    """Create the folder of a run: `NAME-DATE-TIME`, with a number appended if that exists.

    Args:
        root: The registry's folder.
        name: Name of the model.
    """
    (root / RUNS).mkdir(parents=True, exist_ok=True)
    stem = f"{name[:40]}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    number = 1
    while True:
        folder = root / RUNS / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return Run(folder)


def list_runs(root: Path) -> list[Run]:
    """Return the runs of a registry, newest first. Runs that never started are left out."""
    if not (root / RUNS).is_dir():
        return []
    found: list[tuple[int, Run]] = []
    for path in (root / RUNS).iterdir():
        with suppress(OSError):  # never started, or just removed by another process
            if not path.is_symlink():
                found.append(((path / FACTS_FILE).stat().st_mtime_ns, Run(path)))
    return [run for _, run in sorted(found, key=lambda pair: -pair[0])]


def find_run(root: Path, name: str) -> Run:
    """Find a run by its name. `last` is the newest unfinished run.

    Raises:
        ModelError: the name is invalid.
        RunNotFoundError: the run does not exist.
    """
    runs = list_runs(root)
    if name == LAST:
        unfinished = [run for run in runs if not run.read_facts().finished]
        if not unfinished:
            raise RunNotFoundError(f"{root} has no unfinished run.", name=LAST)
        return unfinished[0]
    check_name(name, "run name")
    found = [run for run in runs if run.name == name]
    if not found:
        raise RunNotFoundError(f"No run named {name} in {root}.", name=name, known=[run.name for run in runs])
    return found[0]


def remove_finished_runs(root: Path, keep: str) -> None:
    """Remove the finished runs of a registry, except those that are being trained.

    Args:
        root: The registry's folder.
        keep: Name of a run to keep, so that it can be given more epochs.
    """
    for run in list_runs(root):
        if run.name != keep and run.is_finished():
            run.remove_if_free()
