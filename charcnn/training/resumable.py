"""Open the folder of a run in the registry, to write checkpoints and to resume from them."""

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from torch import nn

from charcnn.errors import ConfigError, DatasetError, TrainingError, TrainingInterrupted
from charcnn.registry.runs import Run, RunFacts, create_run
from charcnn.registry.store import Registry
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.training.callbacks import Callback
from charcnn.training.checkpoint import Checkpoint
from charcnn.training.context import TrainingContext
from charcnn.training.history import History
from charcnn.training.prepare import TrainingData

log = logging.getLogger(__name__)


@dataclass
class OpenRun(Callback):
    """A run that this process trains. Saves its checkpoints.

    Attributes:
        facts: Settings and data of the run.
        command: The command line that started or resumed the run. Empty from Python.
        run: The run's folder. None in processes other than the leading one, which write nothing.
        start: Checkpoint to resume from. None for a new run.
    """

    facts: RunFacts
    command: str
    run: Run | None = None
    start: Checkpoint | None = None

    def on_train_begin(self, config: ResolvedConfig, network: nn.Module, images: int) -> None:
        """Check that the disk has room for a version and for two checkpoints, which exist while one is replaced.

        Raises:
            OSError: the disk is too full.
        """
        weights = sum(weight.numel() * weight.element_size() for weight in network.parameters())
        if self.run and shutil.disk_usage(self.run.folder).free < 10 * weights:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.run.folder))

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint. If that fails, training continues with a warning."""
        if not self.run:
            return
        try:
            self.run.write_checkpoint(checkpoint.to_bytes())
        except OSError as fault:
            log.warning("Cannot write the checkpoint (%s). Training continues without it.", fault.strerror)

    def finish(self, history: History) -> None:
        """Mark the run as finished, and record whether `patience` ended it."""
        if self.run:
            ended = len(history.records) if history.is_out_of_patience(self.facts.config.patience) else None
            self.run.write_facts(self.facts.model_copy(update={"finished": True, "ended_by_patience": ended}))


@contextmanager
def open_run(old: Run | None, context: TrainingContext, registry: Registry, command: str) -> Iterator[OpenRun]:
    """Create a run, or open one to resume it, for the duration of a block.

    At the end of the block, the run is removed if it has no checkpoint or if its loss was not finite.

    Args:
        old: The run to resume. None creates a new run.
        context: The context of the training.
        registry: The registry for new runs.
        command: The command line, for the card. Empty from Python.

    Raises:
        DatasetError: the images differ from those that the old run was trained on.
        ConfigError: the number of processes differs from that of the old run.
        CardError: the files of the old run are damaged.
        ModelError: another process is training the old run.
        TrainingInterrupted: the block was interrupted, and the run can be resumed.
    """
    facts = _make_facts(old, context, command)
    start = _read_checkpoint(old.checkpoint_file) if old else None
    if not context.group.leads:
        yield OpenRun(facts, command, None, start)
        return
    run = old or create_run(registry.root, context.config.name)
    with run.lock():
        run.write_facts(facts)
        try:
            yield OpenRun(facts, command, run, start)
        except KeyboardInterrupt:
            if run.checkpoint_file.is_file():
                raise TrainingInterrupted(run.name) from None
            raise
        except TrainingError:  # resuming would fail in the same way
            run.remove()
            raise
        finally:
            if not run.checkpoint_file.is_file():
                run.remove()


def _make_facts(old: Run | None, context: TrainingContext, command: str) -> RunFacts:
    """Return the facts of a new run, or the updated facts of an old one."""
    data, processes = _hash_data(context.data), context.group.size
    if old is None:
        return RunFacts(
            created=datetime.now(UTC),
            config=context.config,
            command=command,
            data=data,
            processes=processes,
            parent=context.parent.card.reference if context.parent else None,
        )
    facts = old.read_facts()
    if facts.data != data:
        raise DatasetError(
            f"{' + '.join(context.config.data)} has changed since {old.name} was trained on it: images were added, "
            "changed or removed.",
            "Restore the images, or start a new training.",
        )
    if facts.processes != processes:
        raise ConfigError(
            f"{old.name} was trained in {facts.processes} processes and cannot be resumed in {processes}."
        )
    return facts.model_copy(update={"config": context.config, "finished": False})


def _read_checkpoint(path: Path) -> Checkpoint | None:
    return Checkpoint.from_bytes(path.read_bytes(), str(path)) if path.is_file() else None


def _hash_data(data: TrainingData) -> str:
    """Return the SHA-256 of the images, their labels and order, and the split."""
    digest = hashlib.sha256()
    for arrays, indices in ((data.train, data.train_indices), (data.val, data.val_indices)):
        digest.update(arrays.digests.tobytes())
        digest.update(arrays.labels_in(data.classes).tobytes())
        digest.update(indices.tobytes())
    return digest.hexdigest()
