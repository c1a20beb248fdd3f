"""Write the files of a trained version: weights, ONNX file, history and model card."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from safetensors.torch import save

from charcnn.export.onnx import write_onnx
from charcnn.registry.version import HISTORY_FILE, ONNX_FILE, WEIGHTS_FILE
from charcnn.specs.card import ModelCard, NetworkFacts, Scores, TrainingFacts
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.training.context import TrainingContext
from charcnn.training.fit import Fitted
from charcnn.training.hardware.device import describe_environment
from charcnn.training.history import EpochRecord
from charcnn.training.prepare import TrainingData
from charcnn.training.resolve import network_options
from charcnn.training.resumable import OpenRun
from charcnn.training.varied import varied_settings


def write_version(folder: Path, context: TrainingContext, fitted: Fitted, run: OpenRun) -> ModelCard:
    """Write a trained network's weights, ONNX file and history into a folder, and return a draft of its card.

    Raises:
        ExportError: the network has a layer that ONNX does not support.
        ParityError: the probabilities of the ONNX file differ from the network's.
    """
    (folder / WEIGHTS_FILE).write_bytes(save(fitted.history.weights))
    _write_history(folder / HISTORY_FILE, fitted.history.records)
    write_onnx(fitted.network, context.data.classes, context.data.spec, folder / ONNX_FILE)
    return _draft_card(context, fitted, run)


def _draft_card(context: TrainingContext, fitted: Fitted, run: OpenRun) -> ModelCard:
    """Return the card without version, sequence and files, which the registry fills in."""
    config, data, history = context.config, context.data, fitted.history
    return ModelCard(
        name=config.name,
        version=0,
        sequence=0,
        created=datetime.now(UTC),
        labels=data.classes,
        image=data.spec,
        network=NetworkFacts(
            name=config.net,
            options=network_options(config),
            parameters=sum(weight.numel() for weight in fitted.network.parameters()),
        ),
        data=data.facts,
        training=TrainingFacts(
            config=config,
            command=run.command,
            epochs=len(history.records),
            best_epoch=history.best.epoch,
            metric=_describe_metric(config, data),
            seconds=fitted.seconds,
            images_per_second=history.images_per_second,
            interrupted=history.interrupted,
            varied=tuple(varied_settings(config, len(data.train_indices))),
        ),
        validation=_validation_scores(history.best),
        environment=describe_environment(
            context.device, config.precision, config.threads, fitted.fewest_threads, context.group.size
        ),
        parent=run.facts.parent,
    )


def _describe_metric(config: ResolvedConfig, data: TrainingData) -> str:
    if not data.facts.val:
        return "none, the last epoch"
    annealed = ", or the last epoch if no other is better by more than one standard error"
    return "val_accuracy, highest" + ("" if config.schedule == "constant" else annealed)


def _validation_scores(best: EpochRecord) -> Scores | None:
    if best.val_loss is None or best.val_accuracy is None:
        return None
    return Scores(loss=best.val_loss, accuracy=best.val_accuracy)


def _write_history(path: Path, history: Sequence[EpochRecord]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(EpochRecord._fields)
        writer.writerows(history)
