"""Train a network and save it as a version, or resume a stopped training."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from charcnn.datasets.arrays import ImagesAndLabels
from charcnn.datasets.scan import DatasetIndex
from charcnn.dependencies import require
from charcnn.networks.catalogue import get_network
from charcnn.registry.runs import Run
from charcnn.registry.store import Registry
from charcnn.registry.version import Version
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig, TrainSettings
from charcnn.training.callbacks import Callback
from charcnn.training.check_request import check_request, find_resumable
from charcnn.training.context import make_context
from charcnn.training.fit import fit_network
from charcnn.training.hardware.device import check_compiler, pick_device
from charcnn.training.hardware.distributed import ProcessGroup, process_group
from charcnn.training.history import EpochRecord
from charcnn.training.prepare import load_training_data
from charcnn.training.publish import write_version
from charcnn.training.resolve import DEFAULT_NETWORK, resolve_config
from charcnn.training.resumable import open_run
from charcnn.training.varied import describe_training

log = logging.getLogger(__name__)


class Trained(NamedTuple):
    """The result of a training.

    Attributes:
        version: The new version in the registry.
        history: One record per finished epoch.
        interrupted: Whether the training was stopped early. The version then has the best epoch so far.
        run: Name of the run, which `resume` takes. In distributed training, empty in all but the leading process.
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
    """Train a network and save the weights of the best epoch as a new version.

    On a CPU, the same config gives the same weights on the same machine, bit for bit, unless other programs kept cores
    busy. To rule that out, set `threads`, or `share_cores=False`. With `torchrun`, every process
    calls this function. The processes train together, the leading one writes the version, and all return it. A
    `KeyboardInterrupt` stops the training and saves the best epoch so far.

    Args:
        config: The settings. `resolve_config` fills in those that are not set.
        data: Images in memory and their labels, used instead of the datasets in `config.data`.
        val: Validation images in memory and their labels, used instead of `config.val` or a part of the data.
        registry: The registry for the version and for `init_from`. The default one if omitted.
        callbacks: Callbacks to notify.
        command: The command line, for the card.
        scanned: Datasets that were already scanned, by their names in the config. The others are scanned here.

    Raises:
        MissingDependencyError: a package that the export of the trained network needs is not installed.
        ConfigError: the network or recipe is unknown, the network does not have an option, the device is missing, or
            `threads` is more than the machine can use.
        ModelError: the name is not a valid model name, or `init_from` does not exist.
        DatasetError: the data is missing, empty or cannot be split.
        TrainingError: the loss is not finite.
        ExportError: the network has a layer that ONNX does not support.
        ParityError: the probabilities of the exported ONNX file differ from the network's.
        TrainingInterrupted: the training was stopped before the end of the first epoch. The run can be resumed.
        OSError: the registry cannot be written, or its disk is too full (raised before training starts).

    Examples:
        >>> import charcnn
        >>> folder = charcnn.synth("abc", per_class=40, test_per_class=10)
        >>> trained = charcnn.train(charcnn.TrainConfig(data=("abc/train",), epochs=4, name="letters"))
        >>> trained.version.reference
        'letters@1'
        >>> [record.epoch for record in trained.history]
        [1, 2, 3, 4]
        >>> charcnn.load("letters").labels
        ('a', 'b', 'c')
    """
    draft = resolve_config(config)  # raises errors before the images are read
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
    """Resume a stopped training, or train a finished one for more epochs.

    On a CPU, the weights equal those of an uninterrupted training, bit for bit, unless other programs kept cores busy
    (see `train`). With a constant learning rate, this
    also applies to additional epochs. Other schedules are stretched over the additional epochs.

    Args:
        run: Name of the run, or `last` for the newest unfinished one.
        epochs: Total number of epochs, including finished ones. As many as before if None.
        data: The images in memory that the run was trained on, if any.
        val: The validation images in memory of the run, if any.
        registry: The registry of the run and of the new version. The default one if omitted.
        callbacks: Callbacks to notify.
        command: The command line, for the card.
        scanned: Datasets that were already scanned, by their names in the config. The others are scanned here.

    Raises:
        RunNotFoundError: the run does not exist.
        ModelError: another process is training the run.
        CardError: the files of the run are damaged.
        ConfigError: `epochs` is lower than before, or not higher for a finished run; or the number of processes
            differs.
        DatasetError: the data has changed.
        TrainingError: see `train`.
        ExportError: see `train`.
        ParityError: see `train`.
        TrainingInterrupted: see `train`.
        OSError: see `train`.

    Examples:
        >>> import charcnn
        >>> trained = charcnn.train(charcnn.TrainConfig(data=("abc/train",), epochs=2, name="letters"))
        >>> resumed = charcnn.resume(trained.run, epochs=3)
        >>> len(resumed.history)
        3
        >>> resumed.version.reference
        'letters@2'
    """
    registry = registry or Registry()
    old, config = find_resumable(run, registry, epochs=epochs, data=data, val=val)
    return _train(config, config, old, _Request(registry, callbacks, command, data, val, scanned))


@dataclass(frozen=True)
class _Request:
    """The arguments of `train` and `resume` other than settings."""

    registry: Registry
    callbacks: Sequence[Callback]
    command: str
    data: ImagesAndLabels | None
    val: ImagesAndLabels | None
    scanned: Mapping[str, DatasetIndex] | None


def _train(config: TrainConfig | ResolvedConfig, draft: TrainSettings, old: Run | None, request: _Request) -> Trained:
    require("Training", "onnxscript")  # used by some networks at the very end, when the work is done
    registry, device = request.registry, pick_device(draft.device)
    check_compiler(draft.compile, device)
    # staging fails early if the registry cannot be written; only the leading process writes
    with process_group(device) as group, registry.staging() if group.leads else nullcontext(Path()) as folder:
        parent = registry.open(draft.init_from) if draft.init_from and not old else None
        with _leader_first(group):  # the leader fills the image cache
            data = load_training_data(
                draft, _sizes(config, draft.net, parent), request.data, request.val, request.scanned
            )
        context = make_context(config, data, group=group, parent=parent)
        registry.check_new_name(context.config.name)
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
                    run.finish(history)
        if not history.interrupted:  # interrupted processes do not wait for each other
            number = group.from_leader(number)
    version = registry.open(f"{context.config.name}@{number}")
    return Trained(version, history.records, history.interrupted, run.run.name if run.run else "")


def _sizes(config: TrainSettings, net: str | None, parent: Version | None) -> tuple[int, ...]:
    """Return the sizes of the network's input to choose from. A parent version's size is kept if none is set."""
    if config.size is not None:
        return (config.size,)
    sizes = get_network(net or DEFAULT_NETWORK).sizes
    return (parent.card.image.height,) if parent and parent.card.image.height in sizes else sizes


@contextmanager
def _leader_first(group: ProcessGroup) -> Iterator[None]:
    """Run a block in the leading process first, and then in the other processes."""
    if not group.leads:
        group.wait()
    yield
    if group.leads:
        group.wait()
