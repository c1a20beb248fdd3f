"""A `TrainConfig` → a version in the registry."""

import csv
import logging
import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from charcnn.datasets.arrays import Arrays
from charcnn.errors import ConfigError
from charcnn.inference.export import write_onnx
from charcnn.machine import usable_cores
from charcnn.models.catalogue import get_network
from charcnn.registry.references import check_name
from charcnn.registry.store import Registry
from charcnn.registry.version import HISTORY_FILE, ONNX_FILE, WEIGHTS_FILE, Version
from charcnn.spec import ModelCard, NetworkFacts, Scores, TrainConfig, TrainingFacts
from charcnn.training.data import TrainingData, default_model_name, load_training_data
from charcnn.training.distributed import ProcessGroup, process_group
from charcnn.training.environment import (
    check_compiler,
    computing_on,
    describe_environment,
    pick_device,
)
from charcnn.training.loop import EpochRecord, Images, Listener, Loop, Progress, Silence
from charcnn.training.losses import class_weights, make_loss
from charcnn.training.optimizers import make_optimizer
from charcnn.training.parent import start_from
from charcnn.training.precision import settle_precision
from charcnn.training.recipes import Settled, network_options, settle, settle_for

log = logging.getLogger(__name__)


class Trained(NamedTuple):
    """What `train` made.

    Attributes:
        version: The new version in the registry.
        history: One record per finished epoch.
        interrupted: Ctrl-C ended it early; the version holds the best epoch until then.
    """

    version: Version
    history: tuple[EpochRecord, ...]
    interrupted: bool


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
        KeyboardInterrupt: Ctrl-C before the first epoch was finished.
        OSError: the registry cannot be written (said before training starts).
    """
    registry = registry or Registry()
    asked = settle(config)
    if asked.name:
        check_name(asked.name, "model name")
    device = pick_device(asked.device)
    check_compiler(asked.compile, device)
    # before the work: a registry that cannot be written says so now; only the leading process writes
    with process_group(device) as group, registry.staging() if group.leads else nullcontext(Path()) as folder:
        parent = registry.open(asked.init_from) if asked.init_from else None
        if not group.leads:
            group.wait()  # the first one fills the cache
        data = load_training_data(asked, asked.size or 0)
        if group.leads:
            group.wait()
        threads = asked.threads or usable_cores()
        with computing_on(threads):
            settled = _settled(config, data, device, threads, group)
            _check_shares(settled, len(data.train_indices), group)
            log.info("%s", _in_words(settled))
            started = time.perf_counter()
            network, progress = _fit(settled, data, device, group, parent, listener or Silence())
            seconds = time.perf_counter() - started
            if progress.interrupted and not group.leads:
                raise KeyboardInterrupt
            number = 0
            if group.leads:
                card = _card(settled, network, data, progress, seconds, device, group, parent, command)
                _write_files(folder, network, data, progress)
                number = registry.publish(folder, card).card.version
            if not progress.interrupted:  # else each process stopped where it was, and none waits for another
                number = group.from_leader(number)
    return Trained(registry.open(f"{settled.name}@{number}"), progress.history, progress.interrupted)


def _settled(
    config: TrainConfig, data: TrainingData, device: torch.device, threads: int, group: ProcessGroup
) -> Settled:
    """Fills in what only data and machine tell."""
    asked = settle_for(config, len(data.train_indices))
    in_bf16 = group.leads and settle_precision(asked.precision or "auto", device, threads) == "bf16"
    return Settled.model_validate(
        {
            **get_network(asked.net or "").own_options,
            **asked.model_dump(exclude_none=True),
            "name": asked.name or default_model_name(asked, len(data.classes)),
            "fit": data.spec.fit,
            "margin": data.spec.margin,
            "device": device.type,
            "threads": threads,
            "precision": "bf16" if group.from_leader(in_bf16) else "fp32",
        }
    )


def _check_shares(config: Settled, images: int, group: ProcessGroup) -> None:
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


def _in_words(config: Settled) -> str:
    """What was chosen, in two lines."""
    augmentation = "no augmentation" if config.augment == "off" else f"{config.augment} augmentation"
    return (
        f"{config.net} {config.size} × {config.size}: {config.opt}, lr {config.lr:g} {config.schedule}, "
        f"batch {config.batch_size}, {augmentation}, {config.epochs} epochs\n"
        f"{config.device} in {config.precision}, threads: {config.threads}"
    )


def _write_files(folder: Path, network: nn.Module, data: TrainingData, progress: Progress) -> None:
    """Writes what a version holds beside its card. Puts the best epoch's weights into the network."""
    network.cpu().load_state_dict(progress.weights)
    (folder / WEIGHTS_FILE).write_bytes(save(progress.weights))
    _write_history(folder / HISTORY_FILE, progress.history)
    write_onnx(network, data.classes, data.spec, folder / ONNX_FILE)


def _card(
    config: Settled,
    network: nn.Module,
    data: TrainingData,
    progress: Progress,
    seconds: float,
    device: torch.device,
    group: ProcessGroup,
    parent: Version | None,
    command: str,
) -> ModelCard:
    """The facts, but for the number, the sequence and the files, which are settled when the version is published."""
    best, trained = progress.best, sum(record.seconds for record in progress.history)
    return ModelCard(
        name=config.name or "",
        version=0,
        sequence=0,
        created=datetime.now(UTC),
        labels=data.classes,
        image=data.spec,
        network=NetworkFacts(
            name=config.net,
            options=network_options(config),
            parameters=sum(weight.numel() for weight in network.parameters()),
        ),
        data=data.facts,
        training=TrainingFacts(
            config=config,
            command=command,
            epochs=len(progress.history),
            best_epoch=best.epoch,
            metric=_metric(config, data),
            seconds=seconds,
            images_per_second=data.facts.train * len(progress.history) / trained,
            interrupted=progress.interrupted,
        ),
        validation=_scores(best),
        environment=describe_environment(device, config.precision, config.threads, group.size),
        parent=parent.card.reference if parent else None,
    )


def _metric(config: Settled, data: TrainingData) -> str:
    if not data.facts.val:
        return "none, the last epoch"
    annealed = "; the last epoch where none is ahead by more than a standard error"
    return "val_accuracy, highest" + ("" if config.schedule == "constant" else annealed)


def _fit(
    config: Settled,
    data: TrainingData,
    device: torch.device,
    group: ProcessGroup,
    parent: Version | None,
    listener: Listener,
) -> tuple[nn.Module, Progress]:
    """Builds the network and trains it. torch's global generators are seeded here and put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        network = get_network(config.net).build(len(data.classes), network_options(config))
        network = network.to(device)
        if parent:
            start_from(network, parent, data.classes, data.spec)
        train = _on_device(data.train, data.train_indices, data.classes, device)
        weights = class_weights(config.class_weights, train.labels[train.indices], len(data.classes))
        loop = Loop(
            config=config,
            spec=data.spec,
            network=network,
            optimizer=make_optimizer(config, network.parameters()),
            loss=make_loss(config, weights),
            train=train,
            val=_on_device(data.val, data.val_indices, data.classes, device),
            order=torch.Generator().manual_seed(config.seed),
            changes=torch.Generator().manual_seed(config.seed + group.rank),
            group=group,
            listener=listener,
        )
        return network, loop.run()


def _on_device(arrays: Arrays, indices: NDArray[np.int64], classes: tuple[str, ...], device: torch.device) -> Images:
    """The images as tensors. On the CPU nothing is copied: a mapped file stays one. A GPU gets the chosen ones."""
    labels = torch.from_numpy(arrays.labels_in(classes))
    chosen = torch.from_numpy(indices)
    if device.type == "cpu":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return Images(torch.from_numpy(arrays.images).unsqueeze(1), labels, chosen)
    images = torch.from_numpy(arrays.images[indices]).unsqueeze(1)
    return Images(images.to(device), labels[chosen].to(device), torch.arange(len(indices), device=device))


def _scores(best: EpochRecord) -> Scores | None:
    if best.val_loss is None or best.val_accuracy is None:
        return None
    return Scores(loss=best.val_loss, accuracy=best.val_accuracy)


def _write_history(path: Path, history: Sequence[EpochRecord]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(EpochRecord._fields)
        writer.writerows(history)
