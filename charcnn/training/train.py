"""A `TrainConfig` → a version in the registry."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from charcnn.datasets.arrays import IN_MEMORY, ImagesAndLabels
from charcnn.errors import ConfigError, DatasetError
from charcnn.registry.references import check_name
from charcnn.registry.runs import Run, find_run
from charcnn.registry.store import Registry
from charcnn.registry.version import Version
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig, TrainSettings
from charcnn.text import pluralize
from charcnn.training.callbacks import Callback
from charcnn.training.context import make_context
from charcnn.training.fit import fit_network
from charcnn.training.hardware.device import check_compiler, pick_device
from charcnn.training.hardware.distributed import ProcessGroup, process_group
from charcnn.training.history import EpochRecord
from charcnn.training.prepare import load_training_data
from charcnn.training.publish import write_version
from charcnn.training.resolve import resolve_config
from charcnn.training.resumable import open_run
from charcnn.training.varied import describe_training

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

    Raises:
        ConfigError: an unknown network or recipe, an option that the network lacks, a device that is not there.
        DatasetError: the data is missing, empty or cannot be split.
        TrainingError: the loss is not finite.
        ExportError: the network has a layer that ONNX lacks.
        ParityError: the exported ONNX file gives other answers than the network.
        TrainingInterrupted: stopped before the first epoch was finished; what was done is kept, and can be resumed.
        OSError: the registry cannot be written, or its disk is too full (raised before training starts).
    """
    draft = resolve_config(config)  # raises what is wrong before the images are read
    if config.name:
        check_name(config.name, "model name")
    request = _Request(registry or Registry(), callbacks, command, data, val)
    return _train(config, draft, None, request)


def resume(
    run: str,
    *,
    epochs: int | None = None,
    data: ImagesAndLabels | None = None,
    val: ImagesAndLabels | None = None,
    registry: Registry | None = None,
    callbacks: Sequence[Callback] = (),
    command: str = "",
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

    Raises:
        RunNotFoundError: there is no such run.
        ModelError: another process works on it.
        CardError: the run's files cannot be understood.
        ConfigError: fewer epochs than before, or another number of processes.
        DatasetError: the data is not what it was.

    It raises what `train` raises, too.
    """
    registry = registry or Registry()
    old = find_run(registry.root, run)
    settings = old.read_facts().config
    if epochs is not None and epochs < (settings.epochs or 0):
        raise ConfigError(
            f"{old.name} trains {pluralize(settings.epochs or 0, 'epoch')}: they can be raised, not lowered."
        )
    _check_in_memory(old, "data", IN_MEMORY in settings.data, data)
    _check_in_memory(old, "val", settings.val == IN_MEMORY, val)
    config = ResolvedConfig(**{**asdict(settings), "epochs": epochs or settings.epochs})
    return _train(config, config, old, _Request(registry, callbacks, command, data, val))


@dataclass(frozen=True)
class _Request:
    """What `train` and `resume` are given besides the settings."""

    registry: Registry
    callbacks: Sequence[Callback]
    command: str
    data: ImagesAndLabels | None
    val: ImagesAndLabels | None


def _train(config: TrainConfig | ResolvedConfig, draft: TrainSettings, old: Run | None, request: _Request) -> Trained:
    registry, device = request.registry, pick_device(draft.device)
    check_compiler(draft.compile, device)
    # a registry that cannot be written says so before the work; only the leading process writes
    with process_group(device) as group, registry.staging() if group.leads else nullcontext(Path()) as folder:
        parent = registry.open(draft.init_from) if draft.init_from and not old else None
        with _leader_first(group):  # it fills the cache
            data = load_training_data(draft, draft.size or 0, request.data, request.val)
        context = make_context(config, data, group=group, parent=parent)
        log.info("%s", describe_training(context.config, len(data.train_indices)))
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


def _check_in_memory(run: Run, name: str, was_in_memory: bool, arrays: ImagesAndLabels | None) -> None:
    """Check that a run is resumed on images in memory if, and only if, it was trained on them."""
    if was_in_memory and arrays is None:
        raise DatasetError(f"{run.name} was trained on images in memory.", f"Pass the same images as `{name}`.")
    if arrays is not None and not was_in_memory:
        raise DatasetError(f"{run.name} was not trained on images in memory.", f"Leave `{name}` out.")
