"""A `TrainConfig` → a version in the registry."""

import csv
import time
from collections.abc import Sequence
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
from charcnn.models.catalogue import Network, get_network
from charcnn.registry.references import check_name
from charcnn.registry.store import Registry
from charcnn.registry.version import HISTORY_FILE, ONNX_FILE, WEIGHTS_FILE, Version
from charcnn.spec import ModelCard, NetworkFacts, Scores, TrainConfig, TrainingFacts
from charcnn.training.data import TrainingData, default_model_name, load_training_data
from charcnn.training.environment import describe_environment, pick_device
from charcnn.training.loop import EpochRecord, Images, Listener, Loop, Progress, Silence
from charcnn.training.losses import class_weights, make_loss
from charcnn.training.optimizers import OPTIMIZERS, make_optimizer
from charcnn.training.parent import start_from


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

    The same config on the same machine gives the same weights, bit for bit, on the CPU.

    Args:
        config: What to train; what it leaves open is settled by the network, the optimizer and the data.
        registry: Where the version goes, and where `init_from` is looked up.
        listener: Who is told how it goes.
        command: What was typed, for the card.

    Raises:
        ConfigError: unknown network, an option that the network has no place for, a device that is not there.
        DatasetError: the data is missing, empty or cannot be split.
        TrainingError: the loss is no longer a number.
        ParityError: the exported ONNX file gives other answers than the network.
        KeyboardInterrupt: Ctrl-C before the first epoch was finished.
        OSError: the registry cannot be written (said before training starts).
    """
    registry = registry or Registry()
    network_info = get_network(config.net)
    config = settle(config, network_info)
    device = pick_device(config.device)
    if config.name:
        check_name(config.name, "model name")
    with registry.staging() as folder:  # before the work: a registry that cannot be written is said now
        parent = registry.open(config.init_from) if config.init_from else None
        data = load_training_data(config, network_info.size)
        config = config.model_copy(
            update={
                "name": config.name or default_model_name(config, len(data.classes)),
                "fit": data.spec.fit,
                "margin": data.spec.margin,
                "device": device.type,
                **network_info.own_options,
                **_options(config),
            }
        )
        started = time.perf_counter()
        network, progress = _fit(config, network_info, data, device, parent, listener or Silence())
        seconds = time.perf_counter() - started
        network.cpu().load_state_dict(progress.weights)
        (folder / WEIGHTS_FILE).write_bytes(save(progress.weights))
        _write_history(folder / HISTORY_FILE, progress.history)
        write_onnx(network, data.classes, data.spec, folder / ONNX_FILE)
        network_facts = NetworkFacts(
            name=network_info.name,
            options=_options(config),
            parameters=sum(weight.numel() for weight in network.parameters()),
        )
        version = registry.publish(
            folder, _card(config, network_facts, data, progress, seconds, device, parent, command)
        )
    return Trained(version, progress.history, progress.interrupted)


def _card(
    config: TrainConfig,
    network: NetworkFacts,
    data: TrainingData,
    progress: Progress,
    seconds: float,
    device: torch.device,
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
        network=network,
        data=data.facts,
        training=TrainingFacts(
            config=config,
            command=command,
            epochs=len(progress.history),
            best_epoch=best.epoch,
            metric="val_accuracy, highest" if data.facts.val else "none, the last epoch",
            seconds=seconds,
            images_per_second=data.facts.train * len(progress.history) / trained,
            interrupted=progress.interrupted,
        ),
        validation=_scores(best),
        environment=describe_environment(device),
        parent=parent.card.reference if parent else None,
    )


def settle(config: TrainConfig, network: Network) -> TrainConfig:
    """Fills in what a config leaves open: epochs by the network, lr, momentum and weight decay by the optimizer.

    Raises:
        ConfigError: an option that the network has no place for, a learning rate that falls to 0.
    """
    own = OPTIMIZERS[config.opt]
    epochs, lr = config.epochs or network.epochs, own.lr if config.lr is None else config.lr
    if lr + config.lr_increment * (epochs - 1) <= 0:
        raise ConfigError(
            f"--lr {lr:g} with --lr-increment {config.lr_increment:g} falls to 0 within {epochs} epochs.",
            "Give a smaller step, or fewer epochs.",
        )
    network.check_options(_options(config))
    return config.model_copy(
        update={
            "epochs": epochs,
            "lr": lr,
            "momentum": own.momentum if config.momentum is None else config.momentum,
            "weight_decay": own.weight_decay if config.weight_decay is None else config.weight_decay,
        }
    )


def _options(config: TrainConfig) -> dict[str, str | float | bool]:
    """The network's options that the config sets."""
    asked = {"activation": config.activation, "batch_norm": config.batch_norm, "dropout": config.dropout}
    return {key: value for key, value in asked.items() if value is not None}


def _fit(
    config: TrainConfig,
    network_info: Network,
    data: TrainingData,
    device: torch.device,
    parent: Version | None,
    listener: Listener,
) -> tuple[nn.Module, Progress]:
    """Builds the network and trains it. torch's global generators are seeded here and put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        network = network_info.build(len(data.classes), _options(config)).to(device)
        if parent:
            start_from(network, parent, data.classes)
        train = _on_device(data.train, data.train_indices, data.classes, device)
        weights = class_weights(config.class_weights, train.labels, len(data.classes))
        loop = Loop(
            config=config,
            spec=data.spec,
            network=network,
            optimizer=make_optimizer(config, network.parameters()),
            loss=make_loss(config, weights),
            train=train,
            val=_on_device(data.val, data.val_indices, data.classes, device),
            order=torch.Generator().manual_seed(config.seed),
            listener=listener,
        )
        return network, loop.run()


def _on_device(arrays: Arrays, indices: NDArray[np.int64], classes: tuple[str, ...], device: torch.device) -> Images:
    """The chosen images as tensors: uint8 `[N,1,H,W]`, int64 `[N]`."""
    images = torch.from_numpy(arrays.images[indices]).unsqueeze(1)
    labels = torch.from_numpy(arrays.labels_in(classes)[indices])
    return Images(images.to(device), labels.to(device))


def _scores(best: EpochRecord) -> Scores | None:
    if best.val_loss is None or best.val_accuracy is None:
        return None
    return Scores(loss=best.val_loss, accuracy=best.val_accuracy)


def _write_history(path: Path, history: Sequence[EpochRecord]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(EpochRecord._fields)
        writer.writerows(history)
