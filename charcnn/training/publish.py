"""What a training leaves in the registry: the weights, the ONNX file, the history, and the draft of the card."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from charcnn.export.onnx import write_onnx
from charcnn.registry.version import HISTORY_FILE, ONNX_FILE, WEIGHTS_FILE
from charcnn.specs.card import ModelCard, NetworkFacts, Scores, TrainingFacts
from charcnn.specs.train_config import ResolvedConfig
from charcnn.training.hardware.device import describe_environment
from charcnn.training.hardware.distributed import ProcessGroup
from charcnn.training.history import EpochRecord, History
from charcnn.training.prepare import TrainingData
from charcnn.training.resolve import network_options


def write_files(folder: Path, network: nn.Module, data: TrainingData, progress: History) -> None:
    """Writes what a version holds beside its card. Puts the best epoch's weights into the network."""
    network.cpu().load_state_dict(progress.weights)
    (folder / WEIGHTS_FILE).write_bytes(save(progress.weights))
    _write_history(folder / HISTORY_FILE, progress.history)
    write_onnx(network, data.classes, data.spec, folder / ONNX_FILE)


def draft_card(
    config: ResolvedConfig,
    network: nn.Module,
    data: TrainingData,
    progress: History,
    seconds: float,
    device: torch.device,
    group: ProcessGroup,
    parent: str | None,
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
        parent=parent,
    )


def _metric(config: ResolvedConfig, data: TrainingData) -> str:
    if not data.facts.val:
        return "none, the last epoch"
    annealed = "; the last epoch where none is ahead by more than a standard error"
    return "val_accuracy, highest" + ("" if config.schedule == "constant" else annealed)


def _scores(best: EpochRecord) -> Scores | None:
    if best.val_loss is None or best.val_accuracy is None:
        return None
    return Scores(loss=best.val_loss, accuracy=best.val_accuracy)


def _write_history(path: Path, history: Sequence[EpochRecord]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(EpochRecord._fields)
        writer.writerows(history)
