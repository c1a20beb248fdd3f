"""The folder of a run in the registry: opened, checked, and written to after every epoch."""

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
from charcnn.training.prepare import TrainingData

log = logging.getLogger(__name__)


@dataclass
class OpenRun(Callback):
    """A run that this process works on.

    Attributes:
        facts: What it trains.
        command: What was typed to train or resume it.
        run: Its folder, in the leading process; None in the others, which write nothing.
        start: Where it stopped earlier.
    """

    facts: RunFacts
    command: str
    run: Run | None = None
    start: Checkpoint | None = None

    def on_train_begin(self, config: ResolvedConfig, network: nn.Module, images: int) -> None:
        """Check that the disk has room for two checkpoints (one replaces the other at once) and a version.

        Raises:
            OSError: it has not.
        """
        weights = sum(weight.numel() * weight.element_size() for weight in network.parameters())
        if self.run and shutil.disk_usage(self.run.folder).free < 10 * weights:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.run.folder))

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint. A disk that fills up meanwhile does not end the training."""
        if not self.run:
            return
        try:
            self.run.write_checkpoint(checkpoint.to_bytes())
        except OSError as fault:
            log.warning("The checkpoint cannot be written (%s); training continues without it.", fault.strerror)

    def finish(self) -> None:
        """Note that the run's version is in the registry."""
        if self.run:
            self.run.write_facts(self.facts.model_copy(update={"finished": True}))


@contextmanager
def open_run(old: Run | None, context: TrainingContext, registry: Registry, command: str) -> Iterator[OpenRun]:
    """Open a run, new or old, for the time of a training.

    At the end of the block a new run without a checkpoint, or whose loss was not finite, is removed.

    Args:
        old: The run to resume; None for a new one.
        context: What it trains.
        registry: Where a new run's folder goes.
        command: What was typed.

    Raises:
        DatasetError: the images are not those that the old run trained on.
        ConfigError: another number of processes.
        CardError: the old run's files cannot be understood.
        ModelError: another process works on the old run.
        TrainingInterrupted: the block was interrupted, and the run can be resumed.
    """
    facts = _facts(old, context, command)
    start = _checkpoint(old.checkpoint_file) if old else None
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
        except TrainingError:  # it would come to the same end again
            run.remove()
            raise
        finally:
            if not run.checkpoint_file.is_file():
                run.remove()


def _facts(old: Run | None, context: TrainingContext, command: str) -> RunFacts:
    """Return what a new run trains, or what an old one does from now on."""
    data, processes = _digest(context.data), context.group.size
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
            f"{' + '.join(context.config.data)} is not what {old.name} was trained on: images were added, changed or "
            "removed.",
            "Restore them, or start a new training.",
        )
    if facts.processes != processes:
        raise ConfigError(f"{old.name} trains in {facts.processes} processes, not in {processes}.")
    return facts.model_copy(update={"config": context.config, "finished": False})


def _checkpoint(path: Path) -> Checkpoint | None:
    return Checkpoint.from_bytes(path.read_bytes(), str(path)) if path.is_file() else None


def _digest(data: TrainingData) -> str:
    """Return the sha256 over the images, their labels and order, and which of them are learned from."""
    digest = hashlib.sha256()
    for arrays, indices in ((data.train, data.train_indices), (data.val, data.val_indices)):
        digest.update(arrays.digests.tobytes())
        digest.update(arrays.labels_in(data.classes).tobytes())
        digest.update(indices.tobytes())
    return digest.hexdigest()
