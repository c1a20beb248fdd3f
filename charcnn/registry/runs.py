"""`.runs/RUN/`: trainings under way, and the one that finished last.

`run.json` says what is trained, `checkpoint.safetensors` where it stands; both are whole at any moment. A lock tells
whether a process is at work on the run: the system lets it go when the process ends, however it ends.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError

from charcnn.errors import CardError, ModelError
from charcnn.registry.references import check_name
from charcnn.specs.base import StrictModel, check_schema
from charcnn.specs.train_config import TrainSettings
from charcnn.storage.files import try_lock, write_atomically
from charcnn.text import did_you_mean

RUNS = ".runs"
LAST = "last"
FACTS_FILE = "run.json"
_CHECKPOINT_FILE = "checkpoint.safetensors"
LOCK_FILE = ".lock"
RUN_SCHEMA = 1


class RunFacts(StrictModel):
    """What a run trains."""

    schema_version: int = RUN_SCHEMA
    created: datetime
    config: TrainSettings = Field(description="every setting, with what was left open filled in")
    command: str
    data: str = Field(description="sha256 over the images, their labels, and which of them are learnt from")
    processes: int = Field(ge=1, description="processes that train together")
    parent: str | None = Field(None, description="the version whose weights it started from")
    finished: bool = Field(False, description="its version is in the registry")

    @classmethod
    def parse(cls, text: bytes, where: str) -> Self:
        """Reads `run.json`, its schema's version first.

        Raises:
            CardError: not JSON, a newer schema, or a field that is missing, unknown or of the wrong type.
        """
        check_schema(text, where, newest=RUN_SCHEMA)
        try:
            return cls.model_validate_json(text)
        except ValidationError as fault:
            first = fault.errors()[0]
            raise CardError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


class Run:
    """One training's folder.

    Args:
        folder: `REGISTRY/.runs/RUN`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """What `--resume` takes."""
        return self.folder.name

    @property
    def checkpoint_file(self) -> Path:
        """Where the checkpoint is, if there is one."""
        return self.folder / _CHECKPOINT_FILE

    def facts(self) -> RunFacts:
        """Reads what is trained.

        Raises:
            CardError: it cannot be understood.
        """
        path = self.folder / FACTS_FILE
        return RunFacts.parse(path.read_bytes(), str(path))

    def write_facts(self, facts: RunFacts) -> None:
        """Replaces what is known of the run."""
        write_atomically(self.folder / FACTS_FILE, facts.model_dump_json(indent=1).encode())

    def keep(self, checkpoint: bytes) -> None:
        """Replaces the checkpoint."""
        write_atomically(self.checkpoint_file, checkpoint)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keeps every other process away from the run.

        Raises:
            ModelError: another process is at work on it.
        """
        lock = try_lock(self.folder / LOCK_FILE)
        if lock is None:
            raise ModelError(f"Another process is training {self.name}.", "Wait until it ends, or stop it with Ctrl-C.")
        try:
            yield
        finally:
            lock.release()

    def is_free(self) -> bool:
        """Tells whether no process is at work on it."""
        lock = try_lock(self.folder / LOCK_FILE)
        if lock:
            lock.release()
        return lock is not None

    def remove(self) -> None:
        """Removes the run."""
        shutil.rmtree(self.folder, ignore_errors=True)


def new_run(root: Path, name: str) -> Run:
    """Makes the folder of a new run of a model: `NAME-DATE-TIME`, with a number where that is taken."""
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


def runs(root: Path) -> list[Run]:
    """Lists the runs of a registry, the newest first; those that never began are left out."""
    if not (root / RUNS).is_dir():
        return []
    found: list[tuple[int, Run]] = []
    for path in (root / RUNS).iterdir():
        with suppress(OSError):  # none yet, or another process has just removed it
            if not path.is_symlink():
                found.append(((path / FACTS_FILE).stat().st_mtime_ns, Run(path)))
    return [run for _, run in sorted(found, key=lambda pair: -pair[0])]


def find_run(root: Path, word: str) -> Run:
    """Finds a run by its name, or the newest unfinished one by `last`.

    Raises:
        ModelError: there is none; the message says what there is.
    """
    there = runs(root)
    if word == LAST:
        unfinished = [run for run in there if not run.facts().finished]
        if not unfinished:
            raise ModelError(f"No training in {root} waits to be resumed.", "charcnn train begins one.")
        return unfinished[0]
    check_name(word, "run")
    found = [run for run in there if run.name == word]
    if not found:
        names = [run.name for run in there]
        raise ModelError(
            f"No run named {word} in {root}.", did_you_mean(word, names) if names else "charcnn train begins one."
        )
    return found[0]


def remove_older_finished(root: Path, newest: Run) -> None:
    """Removes all finished runs but one: that one may be given more epochs still."""
    for run in runs(root):
        try:
            outlived = run.name != newest.name and run.facts().finished
        except (CardError, OSError):
            continue
        if outlived and run.is_free():
            run.remove()
