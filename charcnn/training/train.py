"""A `TrainConfig` → a version in the registry."""

import csv
import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import nn

from charcnn.datasets.arrays import Arrays
from charcnn.errors import ConfigError, ModelError
from charcnn.inference.export import write_onnx
from charcnn.inference.recogniser import load_network
from charcnn.models.catalogue import Network, classifier_name, get_network
from charcnn.registry.references import check_name, is_path
from charcnn.registry.store import Registry
from charcnn.registry.version import HISTORY_FILE, ONNX_FILE, WEIGHTS_FILE, Version, open_version
from charcnn.spec import ModelCard, NetworkFacts, Scores, TrainConfig, TrainingFacts
from charcnn.training.data import TrainingData, default_model_name, load_training_data
from charcnn.training.environment import describe_environment
from charcnn.training.loop import EpochRecord, Images, Listener, Loop, Progress, Silence
from charcnn.training.losses import class_weights, make_loss
from charcnn.training.optimizers import OPTIMIZERS, make_optimizer

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


def train(config: TrainConfig, *, registry: Registry | None = None, listener: Listener | None = None) -> Trained:
    """Trains a network and saves the best epoch's weights as a new version.

    The same config on the same machine gives the same weights, bit for bit.

    Args:
        config: What to train; what it leaves open is settled by the network, the optimizer and the data.
        registry: Where the version goes, and where `init_from` is looked up.
        listener: Who is told how it goes.

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
    device = _device(config)
    if config.name:
        check_name(config.name, "model name")
    with registry.staging() as folder:  # before the work: a registry that cannot be written is said now
        parent = _open_parent(config, registry)
        data = load_training_data(config, network_info.size)
        name = config.name or default_model_name(config, len(data.classes))
        started = time.perf_counter()
        network, progress = _fit(config, network_info, data, device, parent, listener or Silence())
        seconds = time.perf_counter() - started
        assert progress.best is not None  # noqa: S101 - the loop ends with a best epoch or raises
        network.cpu().load_state_dict(progress.weights)
        save_file({key: value.contiguous() for key, value in progress.weights.items()}, folder / WEIGHTS_FILE)
        _write_history(folder / HISTORY_FILE, progress.history)
        write_onnx(network, data.classes, data.spec, folder / ONNX_FILE)
        card = ModelCard(
            name=name,
            version=0,
            sequence=0,
            created=datetime.now(UTC),
            labels=data.classes,
            image=data.spec,
            network=NetworkFacts(
                name=network_info.name,
                options={**network_info.own_options, **_options(config)},
                parameters=sum(weight.numel() for weight in network.parameters()),
            ),
            data=data.facts,
            training=TrainingFacts(
                config=config.model_copy(update={"name": name}),
                command=" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
                epochs=len(progress.history),
                best_epoch=progress.best.epoch,
                metric="val_accuracy, highest" if len(data.val_indices) else "none, the last epoch",
                seconds=seconds,
                images_per_second=len(data.train_indices)
                * len(progress.history)
                / sum(record.seconds for record in progress.history),
                interrupted=progress.interrupted,
            ),
            validation=_scores(progress.best),
            environment=describe_environment(device),
            parent=parent.card.reference if parent else None,
        )
        version = registry.publish(folder, card)
    return Trained(version, tuple(progress.history), progress.interrupted)


def settle(config: TrainConfig, network: Network) -> TrainConfig:
    """Fills in what a config leaves open: epochs by the network, lr, momentum and weight decay by the optimizer.

    Raises:
        ConfigError: an option that the network has no place for.
    """
    own = OPTIMIZERS[config.opt]
    network.check_options(_options(config))
    return config.model_copy(
        update={
            "epochs": config.epochs or network.epochs,
            "lr": own.lr if config.lr is None else config.lr,
            "momentum": own.momentum if config.momentum is None else config.momentum,
            "weight_decay": own.weight_decay if config.weight_decay is None else config.weight_decay,
        }
    )


def _options(config: TrainConfig) -> dict[str, str | float | bool]:
    """The network's options that the config sets."""
    asked = {"activation": config.activation, "batch_norm": config.batch_norm, "dropout": config.dropout}
    return {key: value for key, value in asked.items() if value is not None}


def _device(config: TrainConfig) -> torch.device:
    """The device asked for; for `auto`, the fastest one there is.

    Raises:
        ConfigError: it is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if config.device == "auto":
        return torch.device(next(name for name, present in there.items() if present))
    if not there[config.device]:
        raise ConfigError(f"This machine has no device {config.device}.", "Leave --device out, or use --device cpu.")
    return torch.device(config.device)


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
            _start_from(network, parent, data.classes)
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


def _on_device(
    arrays: Arrays, indices: "torch.Tensor | object", classes: tuple[str, ...], device: torch.device
) -> Images:
    """The chosen images as tensors: uint8 `[N,1,H,W]`, int64 `[N]`."""
    images = torch.from_numpy(arrays.images[indices]).unsqueeze(1)  # type: ignore[index]
    labels = torch.from_numpy(arrays.labels_in(classes)[indices])  # type: ignore[index]
    return Images(images.to(device), labels.to(device))


def _open_parent(config: TrainConfig, registry: Registry) -> Version | None:
    if config.init_from is None:
        return None
    if not is_path(config.init_from):
        return registry.open(config.init_from)
    if not Path(config.init_from).is_dir():
        raise ModelError(
            f"{config.init_from} is no version of a model: --init-from needs its weights and its card.",
            "charcnn models list shows what there is.",
        )
    return open_version(Path(config.init_from))


def _start_from(network: nn.Module, parent: Version, classes: tuple[str, ...]) -> None:
    """Copies a version's weights; the last layer's rows go where their labels are, new labels keep fresh rows.

    Raises:
        ConfigError: the networks are not the same.
    """
    old, new = load_network(parent).state_dict(), network.state_dict()
    head = classifier_name(network)
    rows = {label: row for row, label in enumerate(parent.card.labels)}
    shared = [(index, rows[label]) for index, label in enumerate(classes) if label in rows]
    for name, target in new.items():
        is_head = name.rpartition(".")[0] == head
        if name not in old or (old[name].shape[1:] if is_head else old[name].shape) != (
            target.shape[1:] if is_head else target.shape
        ):
            raise ConfigError(
                f"{parent.card.reference} is a {parent.card.network.name}: its weights do not fit this network.",
                f"Train with --net {parent.card.network.name} and the same options.",
            )
        if not is_head:
            target.copy_(old[name])
        for index, row in shared if is_head else []:
            target[index] = old[name][row]
    log.info("Started from %s: %d of %d labels are known to it.", parent.card.reference, len(shared), len(classes))


def _scores(best: EpochRecord) -> Scores | None:
    if best.val_loss is None or best.val_accuracy is None:
        return None
    return Scores(loss=best.val_loss, accuracy=best.val_accuracy)


def _write_history(path: Path, history: list[EpochRecord]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(EpochRecord._fields)
        writer.writerows(history)
