"""A training's folder in the registry while it is under way: opened, checked, and written to after every epoch."""

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from torch import nn

from charcnn.errors import ConfigError, DatasetError, TrainingError, TrainingInterrupted
from charcnn.registry.runs import Run, RunFacts, create_run
from charcnn.registry.store import Registry
from charcnn.registry.version import Version
from charcnn.specs.train_config import ResolvedConfig
from charcnn.training.checkpoint import Checkpoint
from charcnn.training.hardware.distributed import ProcessGroup
from charcnn.training.prepare import TrainingData

log = logging.getLogger(__name__)


@contextmanager
def open_run(
    old: Run | None,
    config: ResolvedConfig,
    registry: Registry,
    data: TrainingData,
    parent: Version | None,
    group: ProcessGroup,
    command: str,
) -> Iterator[tuple[Run | None, RunFacts]]:
    """Gives the run whose checkpoints are written, in the leading process alone, and what it trains.

    Where nothing was kept when the block ends, or nothing worth keeping, a new run is gone.
    """
    facts = RunFacts(
        created=datetime.now(UTC),
        config=config,
        command=command,
        data=_digest(data),
        processes=group.size,
        parent=parent.card.reference if parent else None,
    )
    if old:
        before = old.read_facts()
        if before.data != facts.data:
            raise DatasetError(
                f"{' + '.join(config.data)} is not what {old.name} began with: images were added, changed or removed.",
                "Bring them back, or train anew: charcnn train",
            )
        if before.processes != group.size:
            raise ConfigError(f"{old.name} trains in {before.processes} processes, not in {group.size}.")
        facts = before.model_copy(update={"config": facts.config, "finished": False})
    if not group.leads:
        yield None, facts
        return
    run = old or create_run(registry.root, config.name or "")
    with run.lock():
        run.write_facts(facts)
        try:
            yield run, facts
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


def _digest(data: TrainingData) -> str:
    """sha256 over the images, their labels and their order, and over which of them are learnt from."""
    digest = hashlib.sha256()
    for arrays, indices in ((data.train, data.train_indices), (data.val, data.val_indices)):
        digest.update(arrays.digests.tobytes())
        digest.update(arrays.labels_in(data.classes).tobytes())
        digest.update(indices.tobytes())
    return digest.hexdigest()


def check_space(folder: Path, network: nn.Module) -> None:
    """Checks that the disk has room for two checkpoints (the old one stays until the new one is whole) and a version.

    Raises:
        OSError: it has not.
    """
    weights = sum(weight.numel() * weight.element_size() for weight in network.parameters())
    if shutil.disk_usage(folder).free < 10 * weights:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def keeper(run: Run | None) -> Callable[[Checkpoint], None]:
    """Gives what writes the checkpoints. A disk that fills up meanwhile does not end the training."""

    def keep(checkpoint: Checkpoint) -> None:
        if not run:
            return
        try:
            run.write_checkpoint(checkpoint.to_bytes())
        except OSError as fault:
            log.warning("The checkpoint cannot be written (%s): training goes on without.", fault.strerror)

    return keep
