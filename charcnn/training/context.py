"""The context of a training: resolved config, images, device and processes."""

import os
from dataclasses import dataclass, replace
from typing import Literal, cast

import torch

from charcnn.errors import ConfigError
from charcnn.machine import usable_cores
from charcnn.registry.version import Version
from charcnn.specs.choices import Device
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainConfig
from charcnn.training.hardware.device import pick_device
from charcnn.training.hardware.distributed import ALONE, ProcessGroup
from charcnn.training.hardware.precision import choose_precision
from charcnn.training.prepare import TrainingData, default_model_name
from charcnn.training.resolve import ImageFacts, MachineFacts, resolve_config


@dataclass(frozen=True)
class TrainingContext:
    """Everything that a training depends on.

    Attributes:
        config: The resolved settings.
        data: The images.
        device: The device to train on.
        group: The processes that train together.
        parent: The version whose weights the training starts from.
    """

    config: ResolvedConfig
    data: TrainingData
    device: torch.device
    group: ProcessGroup = ALONE
    parent: Version | None = None


def make_context(
    config: TrainConfig | ResolvedConfig,
    data: TrainingData,
    *,
    group: ProcessGroup = ALONE,
    parent: Version | None = None,
) -> TrainingContext:
    """Resolve a config for images and this machine, and return the context to train with it.

    Raises:
        ConfigError: the config does not fit the network, the machine or the number of processes.
    """
    device = pick_device(config.device)
    resolved = config if isinstance(config, ResolvedConfig) else _resolve(config, data, device, group)
    _check_batch_sharing(resolved, len(data.train_indices), group)
    return TrainingContext(resolved, data, device, group, parent)


def _resolve(config: TrainConfig, data: TrainingData, device: torch.device, group: ProcessGroup) -> ResolvedConfig:
    """Resolve a config for images and this machine. The leading process chooses the precision for all."""
    config = replace(config, data=data.facts.sources, val=data.facts.val_source)
    threads = config.threads or usable_cores()
    requested = resolve_config(config).precision or "auto"
    use_bf16 = group.leads and choose_precision(requested, device, threads) == "bf16"
    images = ImageFacts(
        count=len(data.train_indices),
        fit=data.spec.fit,
        margin=data.spec.margin,
        name=default_model_name(data.facts.sources[0], len(data.classes)),
        size=data.spec.height,
    )
    precision: Literal["fp32", "bf16"] = "bf16" if group.from_leader(use_bf16) else "fp32"
    if group.size > 1:  # each process would take the others for other programs
        config = replace(config, share_cores=False)
    # a compiled network would be compiled again for each number of threads
    share_cores = device.type == "cpu" and not config.compile and "OMP_NUM_THREADS" not in os.environ
    machine = MachineFacts(cast("Device", device.type), threads, precision, share_cores)
    return resolve_config(config, images, machine)


def _check_batch_sharing(config: ResolvedConfig, images: int, group: ProcessGroup) -> None:
    """Check that the batches can be split among the processes.

    Raises:
        ConfigError: the batches are too small, or class weights are set.
    """
    if group.size > 1 and min(config.batch_size, images) < 2 * group.size:
        raise ConfigError(
            f"{group.size} processes cannot share batches of {min(config.batch_size, images)} images: "
            "each process needs at least 2 images.",
            "Start fewer processes, or increase `batch_size`.",
        )
    if group.size > 1 and config.class_weights != "none":
        raise ConfigError(
            "class weights need the whole batch, but each process sees only a part of it",
            "Train in one process.",
            field="class_weights",
            value=config.class_weights,
        )
