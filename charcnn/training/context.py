"""What a training works with: a config is resolved on its images and this machine."""

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
    """What a training works with.

    Attributes:
        config: Every setting, resolved.
        data: The images.
        device: Where it computes.
        group: The processes that train together.
        parent: The version whose weights it starts from.
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
    """Return what a training of a config on some images works with.

    Raises:
        ConfigError: the config asks for what the network, the machine or the number of processes does not allow.
    """
    device = pick_device(config.device)
    resolved = config if isinstance(config, ResolvedConfig) else _resolve(config, data, device, group)
    _check_shares(resolved, len(data.train_indices), group)
    return TrainingContext(resolved, data, device, group, parent)


def _resolve(config: TrainConfig, data: TrainingData, device: torch.device, group: ProcessGroup) -> ResolvedConfig:
    """Return what the config comes to on these images and this machine; the leading process chooses the precision."""
    config = replace(config, data=data.facts.sources, val=data.facts.val_source)
    threads = config.threads or usable_cores()
    asked = resolve_config(config).precision or "auto"
    in_bf16 = group.leads and choose_precision(asked, device, threads) == "bf16"
    images = ImageFacts(
        count=len(data.train_indices),
        fit=data.spec.fit,
        margin=data.spec.margin,
        name=default_model_name(data.facts.sources[0], len(data.classes)),
    )
    precision: Literal["fp32", "bf16"] = "bf16" if group.from_leader(in_bf16) else "fp32"
    return resolve_config(config, images, MachineFacts(cast("Device", device.type), threads, precision))


def _check_shares(config: ResolvedConfig, images: int, group: ProcessGroup) -> None:
    """Check that several processes can share the batches."""
    if group.size > 1 and min(config.batch_size, images) < 2 * group.size:
        raise ConfigError(
            f"{group.size} processes cannot share batches of {min(config.batch_size, images)} images: "
            "each needs at least 2.",
            "Start fewer processes, or raise `batch_size`.",
        )
    if group.size > 1 and config.class_weights != "none":
        raise ConfigError(
            "class weights apply to a whole batch, and each of several processes sees a part of it",
            "Train in one process.",
            field="class_weights",
            value=config.class_weights,
        )
