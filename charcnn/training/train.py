"""A `TrainConfig` → a version in the registry."""

import logging
import time
import warnings
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from charcnn.datasets.arrays import LabeledImages
from charcnn.errors import ConfigError
from charcnn.machine import usable_cores
from charcnn.networks.catalogue import get_network
from charcnn.registry.references import check_name
from charcnn.registry.runs import Run, find_run, remove_finished_runs
from charcnn.registry.store import Registry
from charcnn.registry.version import Version
from charcnn.specs.train_config import ResolvedConfig, TrainConfig, TrainSettings
from charcnn.text import pluralize
from charcnn.training.checkpoint import Checkpoint, Generators
from charcnn.training.hardware.device import check_compiler, compute_settings, pick_device
from charcnn.training.hardware.distributed import ProcessGroup, process_group
from charcnn.training.hardware.precision import choose_precision
from charcnn.training.history import EpochRecord, History
from charcnn.training.interrupts import stop_requests
from charcnn.training.optim.losses import class_weights, make_loss
from charcnn.training.optim.optimizers import make_optimizer
from charcnn.training.prepare import TrainingData, default_model_name, load_training_data
from charcnn.training.publish import draft_card, write_files
from charcnn.training.resolve import ImageFacts, MachineFacts, network_options, resolve_config
from charcnn.training.resumable import check_space, keeper, open_run
from charcnn.training.trainer import DeviceImages, Listener, Silence, Trainer
from charcnn.training.warm_start import copy_parent_weights

if TYPE_CHECKING:
    from charcnn.specs.choices import Device

log = logging.getLogger(__name__)


class Trained(NamedTuple):
    """What `train` made.

    Attributes:
        version: The new version in the registry.
        history: One record per finished epoch.
        interrupted: Ctrl-C or SIGTERM ended it early; the version holds the best epoch until then.
        run: What `resume` takes, to go on or for more epochs; empty in processes that write nothing.
    """

    version: Version
    history: tuple[EpochRecord, ...]
    interrupted: bool
    run: str


def train(
    config: TrainConfig, *, registry: Registry | None = None, listener: Listener | None = None, command: str = ""
) -> Trained:
    """Trains a network and saves the best epoch's weights as a new version.

    The same config on the same machine gives the same weights, bit for bit, on the CPU. Under `torchrun` every process
    calls this; they train together, the first one writes the version, and all are given it.

    Args:
        config: What to train; what it leaves open is settled by recipe, network, optimizer, machine and data.
        registry: Where the version goes, and where `init_from` is looked up.
        listener: Who is told how it goes.
        command: What was typed, for the card.

    Raises:
        ConfigError: unknown network or recipe, an option that the network has no place for, a device that is not there.
        DatasetError: the data is missing, empty or cannot be split.
        TrainingError: the loss is no longer a number.
        ParityError: the exported ONNX file gives other answers than the network.
        TrainingInterrupted: stopped before the first epoch was finished; what was done is kept, and can be resumed.
        OSError: the registry cannot be written, or is too full (said before training starts).
    """
    draft = resolve_config(config)  # says what is wrong before the images are read
    if config.name:
        check_name(config.name, "model name")
    return _trained(config, draft, None, registry or Registry(), listener or Silence(), command)


def resume(
    run: str,
    *,
    epochs: int | None = None,
    registry: Registry | None = None,
    listener: Listener | None = None,
    command: str = "",
) -> Trained:
    """Goes on with a training that was stopped, or gives one that finished more epochs.

    On the CPU the weights are, bit for bit, those of a training that was never stopped. More epochs than were asked
    for lead there too where the learning rate is constant; a schedule that falls is stretched from here on.

    Args:
        run: The run's name, or `last`: the newest that is not finished.
        epochs: How many in all, the finished ones included; as before where not given.
        registry: Where the run is, and the version goes.
        listener: Who is told how it goes.
        command: What was typed, for the card.

    Raises:
        ModelError: there is no such run, or another process is at work on it.
        CardError: the run's files cannot be understood.
        ConfigError: fewer epochs than before, or another number of processes.
        DatasetError: the data is not what it was.

    It raises what `train` raises, too.
    """
    registry = registry or Registry()
    old = find_run(registry.root, run)
    config = old.read_facts().config
    if epochs is not None and epochs < (config.epochs or 0):
        raise ConfigError(
            f"{old.name} trains {pluralize(config.epochs or 0, 'epoch')}: they can be raised, not lowered."
        )
    config = ResolvedConfig(**{**asdict(config), "epochs": epochs or config.epochs})
    return _trained(config, config, old, registry, listener or Silence(), command)


def _trained(
    config: TrainConfig | ResolvedConfig,
    draft: TrainSettings,
    old: Run | None,
    registry: Registry,
    listener: Listener,
    command: str,
) -> Trained:
    device = pick_device(draft.device)
    check_compiler(draft.compile, device)
    # before the work: a registry that cannot be written says so now; only the leading process writes
    with process_group(device) as group, registry.staging() if group.leads else nullcontext(Path()) as folder:
        parent = registry.open(draft.init_from) if draft.init_from and not old else None
        if not group.leads:
            group.wait()  # the first one fills the cache
        data = load_training_data(draft, draft.size or 0)
        if group.leads:
            group.wait()
        threads = draft.threads or usable_cores()
        with compute_settings(threads):
            settled = config if isinstance(config, ResolvedConfig) else _resolved(config, data, device, threads, group)
            _check_shares(settled, len(data.train_indices), group)
            log.info("%s", _in_words(settled))
            with open_run(old, settled, registry, data, parent, group, command) as (run, facts):
                started = time.perf_counter()
                network, progress = _fit(
                    settled, data, device, group, parent, listener, run, old.checkpoint_file if old else None
                )
                seconds = time.perf_counter() - started
                if progress.interrupted and not (group.leads and progress.history):
                    raise KeyboardInterrupt
                number = 0
                if run:
                    card = draft_card(settled, network, data, progress, seconds, device, group, facts.parent, command)
                    write_files(folder, network, data, progress)
                    number = registry.publish(folder, card).card.version
                    if not progress.interrupted:
                        run.write_facts(facts.model_copy(update={"finished": True}))
                        remove_finished_runs(registry.root, keep=run.name)
            if not progress.interrupted:  # else each process stopped where it was, and none waits for another
                number = group.from_leader(number)
    version = registry.open(f"{settled.name}@{number}")
    return Trained(version, progress.history, progress.interrupted, run.name if run else "")


def _resolved(
    config: TrainConfig, data: TrainingData, device: torch.device, threads: int, group: ProcessGroup
) -> ResolvedConfig:
    """What the config comes to on these images and this machine; the leading process chooses the precision."""
    asked = resolve_config(config).precision or "auto"
    in_bf16 = group.leads and choose_precision(asked, device, threads) == "bf16"
    images = ImageFacts(
        count=len(data.train_indices),
        fit=data.spec.fit,
        margin=data.spec.margin,
        name=default_model_name(config, len(data.classes)),
    )
    precision: Literal["fp32", "bf16"] = "bf16" if group.from_leader(in_bf16) else "fp32"
    return resolve_config(config, images, MachineFacts(cast("Device", device.type), threads, precision))


def _check_shares(config: ResolvedConfig, images: int, group: ProcessGroup) -> None:
    """Checks that what is asked can be shared among the processes."""
    if group.size > 1 and min(config.batch_size, images) < 2 * group.size:
        raise ConfigError(
            f"{group.size} processes cannot share batches of {config.batch_size} of {images} images: "
            "each needs two at least.",
            "Start fewer processes, or give a larger --batch-size.",
        )
    if group.size > 1 and config.class_weights != "none":
        raise ConfigError(
            "--class-weights weighs a whole batch, and several processes see a part each.",
            "Train in one process: charcnn train …",
        )


def _in_words(config: ResolvedConfig) -> str:
    """What was chosen, in two lines."""
    augmentation = "no augmentation" if config.augment == "off" else f"{config.augment} augmentation"
    return (
        f"{config.net} {config.size} × {config.size}: {config.opt}, lr {config.lr:g} {config.schedule}, "
        f"batch {config.batch_size}, {augmentation}, {pluralize(config.epochs, 'epoch')}\n"
        f"{config.device} in {config.precision}, threads: {config.threads}"
    )


def _fit(
    config: ResolvedConfig,
    data: TrainingData,
    device: torch.device,
    group: ProcessGroup,
    parent: Version | None,
    listener: Listener,
    run: Run | None,
    resumed: Path | None,
) -> tuple[nn.Module, History]:
    """Builds the network and trains it. torch's global generators are seeded here and put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        network = get_network(config.net).build(len(data.classes), network_options(config))
        if run:
            check_space(run.folder, network)
        network = network.to(device)
        if parent:
            copy_parent_weights(network, parent, data.classes, data.spec)
        train = _on_device(data.train, data.train_indices, data.classes, device)
        weights = class_weights(config.class_weights, train.labels[train.indices], len(data.classes))
        loop = Trainer(
            config=config,
            spec=data.spec,
            network=network,
            optimizer=make_optimizer(config, network.parameters()),
            loss=make_loss(config, weights),
            train=train,
            val=_on_device(data.val, data.val_indices, data.classes, device),
            generators=Generators(
                order=torch.Generator().manual_seed(config.seed),
                changes=torch.Generator().manual_seed(config.seed + group.rank),
                device=device,
            ),
            group=group,
            listener=listener,
            keep=keeper(run),
        )
        start = Checkpoint.from_bytes(resumed.read_bytes(), str(resumed)) if resumed and resumed.is_file() else None
        with stop_requests() as loop.stop_asked:
            return network, loop.run(start)


def _on_device(
    arrays: LabeledImages, indices: NDArray[np.int64], classes: tuple[str, ...], device: torch.device
) -> DeviceImages:
    """The images as tensors. On the CPU nothing is copied: a mapped file stays one. A GPU gets the chosen ones."""
    labels = torch.from_numpy(arrays.labels_in(classes))
    chosen = torch.from_numpy(indices)
    if device.type == "cpu":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return DeviceImages(torch.from_numpy(arrays.images).unsqueeze(1), labels, chosen)
    images = torch.from_numpy(arrays.images[indices]).unsqueeze(1)
    return DeviceImages(images.to(device), labels[chosen].to(device), torch.arange(len(indices), device=device))
