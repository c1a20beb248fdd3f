"""A `TrainConfig` → a version in the registry."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from charcnn.datasets.arrays import ImagesAndLabels
from charcnn.datasets.scan import DatasetIndex
from charcnn.registry.runs import Run
from charcnn.registry.store import Registry
from charcnn.registry.version import Version
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig, TrainSettings
from charcnn.text import pluralize
from charcnn.training.callbacks import Callback
from charcnn.training.check_request import check_request, find_resumable
from charcnn.training.context import make_context
from charcnn.training.fit import fit_network
from charcnn.training.hardware.device import check_compiler, pick_device
from charcnn.training.hardware.distributed import ProcessGroup, process_group
from charcnn.training.history import EpochRecord
from charcnn.training.prepare import load_training_data
from charcnn.training.publish import write_version
from charcnn.training.resolve import resolve_config
from charcnn.training.resumable import open_run

log = logging.getLogger(__name__)


class Trained(NamedTuple):
    """What `train` made.

    Attributes:
        version: The new version in the registry.
        history: One record per finished epoch.
        interrupted: Training was stopped before its end; the version holds the best epoch until then.
        run: What `resume` takes, to continue or to train for more epochs; empty in processes that write nothing.
    """

    version: Version
    history: tuple[EpochRecord, ...]
    interrupted: bool
    run: str


def train(
    config: TrainConfig,
    *,
    data: ImagesAndLabels | None = None,
    val: ImagesAndLabels | None = None,
    registry: Registry | None = None,
    callbacks: Sequence[Callback] = (),
    command: str = "",
    scanned: Mapping[str, DatasetIndex] | None = None,
) -> Trained:
    """Train a network and save the best epoch's weights as a new version.

    The same config on the same machine gives the same weights, bit for bit, on the CPU. Under `torchrun` every process
    calls this; they train together, the first one writes the version, and all return it. A `KeyboardInterrupt` ends
    training, and the best epoch so far becomes the version.

    Args:
        config: What to train; what it leaves open is resolved by recipe, network, optimizer, machine and data.
        data: Images in memory and their labels, instead of the datasets of `config.data`.
        val: Images in memory that select the best epoch, instead of `config.val` or a part of the data.
        registry: Where the version goes, and where `init_from` is looked up.
        callbacks: Told how it goes; may ask to stop.
        command: What was typed, for the card.
        scanned: Datasets that were scanned a moment ago, by their names in the config; the others are scanned here.

    Raises:
        ConfigError: an unknown network or recipe, an option that the network lacks, a device that is not there, more
            threads than the machine can use.
        ModelError: the name cannot be that of a model, or `init_from` names none.
        DatasetError: the data is missing, empty or cannot be split.
        TrainingError: the loss is not finite.
        ExportError: the network has a layer that ONNX lacks.
        ParityError: the exported ONNX file gives other answers than the network.
        TrainingInterrupted: stopped before the first epoch was finished; what was done is kept, and can be resumed.
        OSError: the registry cannot be written, or its disk is too full (raised before training starts).
    """
    draft = resolve_config(config)  # raises what is wrong before the images are read
    registry = registry or Registry()
    check_request(config, registry)
    return _train(config, draft, None, _Request(registry, callbacks, command, data, val, scanned))


def resume(
    run: str,
    *,
    epochs: int | None = None,
    data: ImagesAndLabels | None = None,
    val: ImagesAndLabels | None = None,
    registry: Registry | None = None,
    callbacks: Sequence[Callback] = (),
    command: str = "",
    scanned: Mapping[str, DatasetIndex] | None = None,
) -> Trained:
    """Continue a training that was stopped, or train a finished one for more epochs.

    On the CPU the weights are, bit for bit, those of a training that was never stopped. More epochs than before lead
    there too if the learning rate is constant; a schedule that falls is stretched from here on.

    Args:
        run: The run's name, or `last`: the newest that is not finished.
        epochs: How many in all, the finished ones included; None for as many as before.
        data: The images in memory that the run was trained on, if it was.
        val: The images in memory that selected its best epoch, if there were any.
        registry: Where the run is, and the version goes.
        callbacks: Told how it goes; may ask to stop.
        command: What was typed, for the card.
        scanned: Datasets that were scanned a moment ago, by their names in the config; the others are scanned here.

    Raises:
        RunNotFoundError: there is no such run.
        ModelError: another process works on it.
        CardError: the run's files cannot be understood.
        ConfigError: fewer epochs than before, no more of a run that is finished, or another number of processes.
        DatasetError: the data is not what it was.

    It raises what `train` raises, too.
    """
    registry = registry or Registry()
    old, config = find_resumable(run, registry, epochs=epochs, data=data, val=val)
    return _train(config, config, old, _Request(registry, callbacks, command, data, val, scanned))


@dataclass(frozen=True)
class _Request:
    """What `train` and `resume` are given besides the settings."""

    registry: Registry
    callbacks: Sequence[Callback]
    command: str
    data: ImagesAndLabels | None
    val: ImagesAndLabels | None
    scanned: Mapping[str, DatasetIndex] | None


def _train(config: TrainConfig | ResolvedConfig, draft: TrainSettings, old: Run | None, request: _Request) -> Trained:
    registry, device = request.registry, pick_device(draft.device)
    check_compiler(draft.compile, device)
    # a registry that cannot be written says so before the work; only the leading process writes
    with process_group(device) as group, registry.staging() if group.leads else nullcontext(Path()) as folder:
        parent = registry.open(draft.init_from) if draft.init_from and not old else None
        with _leader_first(group):  # it fills the cache
            data = load_training_data(draft, draft.size or 0, request.data, request.val, request.scanned)
        context = make_context(config, data, group=group, parent=parent)
        registry.check_new_name(context.config.name)
        log.info("%s", _describe(context.config))
        with open_run(old, context, registry, request.command) as run:
            fitted = fit_network(context, callbacks=[run, *request.callbacks], start=run.start, save=run.save)
            history = fitted.history
            if history.interrupted and not (group.leads and history.records):
                raise KeyboardInterrupt
            number = 0
            if group.leads:
                card = write_version(folder, context, fitted, run)
                number = registry.publish(folder, card).card.version
                if not history.interrupted:
                    run.finish()
        if not history.interrupted:  # else each process stopped where it was, and none waits for another
            number = group.from_leader(number)
    version = registry.open(f"{context.config.name}@{number}")
    return Trained(version, history.records, history.interrupted, run.run.name if run.run else "")


@contextmanager
def _leader_first(group: ProcessGroup) -> Iterator[None]:
    """Run the block in the leading process, and then in the others."""
    if not group.leads:
        group.wait()
    yield
    if group.leads:
        group.wait()


def _describe(config: ResolvedConfig) -> str:
    """Return what was chosen, in two lines."""
    augmentation = "no augmentation" if config.augment == "off" else f"{config.augment} augmentation"
    return (
        f"{config.net} {config.size} × {config.size}: {config.opt}, lr {config.lr:g} {config.schedule}, "
        f"batch {config.batch_size}, {augmentation}, {pluralize(config.epochs, 'epoch')}\n"
        f"{config.device} in {config.precision}, threads: {config.threads}"
    )
