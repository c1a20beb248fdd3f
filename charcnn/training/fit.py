"""Train a network without a registry, as needed for cross-validation and sweeps."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn

from charcnn.machine import usable_cpus
from charcnn.networks.catalogue import get_network
from charcnn.training.callbacks import Callback
from charcnn.training.checkpoint import Checkpoint, Generators
from charcnn.training.context import TrainingContext
from charcnn.training.device_images import DeviceImages
from charcnn.training.hardware.allocator import keep_freed_memory
from charcnn.training.hardware.core_sharing import CoreSharing
from charcnn.training.hardware.device import compute_settings
from charcnn.training.history import History
from charcnn.training.optim.losses import class_weights, make_loss
from charcnn.training.optim.optimizers import make_optimizer
from charcnn.training.resolve import network_options
from charcnn.training.trainer import Trainer
from charcnn.training.warm_start import copy_parent_weights


class Fitted(NamedTuple):
    """A trained network.

    Attributes:
        network: The network on the CPU, with the weights of the best epoch, or the latest weights if no epoch was
            finished.
        history: The finished epochs.
        seconds: Duration of the training, in seconds.
        fewest_threads: The fewest CPU threads used since the training was started or resumed.
    """

    network: nn.Module
    history: History
    seconds: float
    fewest_threads: int


def fit_network(
    context: TrainingContext,
    *,
    callbacks: Sequence[Callback] = (),
    start: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] = lambda _: None,
) -> Fitted:
    """Build a network and train it.

    torch's global generators, number of threads and denormal mode are restored afterwards. With glibc, the process
    keeps freed memory from then on (`keep_freed_memory`).

    Args:
        context: Settings, images and device.
        callbacks: Callbacks to notify.
        start: Checkpoint to resume from. None starts a new training.
        save: Called with a checkpoint after every epoch, and when the training is stopped.

    Raises:
        ConfigError: the network does not have an option, or the parent's weights do not fit it.
        TrainingError: the loss is not finite.
    """
    keep_freed_memory()
    config, device = context.config, context.device
    devices = [device] if device.type == "cuda" else []
    with compute_settings(config.threads), torch.random.fork_rng(devices=devices):
        started = time.perf_counter()
        torch.manual_seed(config.seed)
        sharing = CoreSharing(config.threads, len(usable_cpus()))
        trainer = _make_trainer(context, [*callbacks, *([sharing] if config.share_cores else [])], save)
        history = trainer.run(start)
        seconds = time.perf_counter() - started
    network = trainer.network.cpu()
    if history.records:
        network.load_state_dict(history.weights)
    return Fitted(network, history, seconds, sharing.fewest)


def _make_trainer(
    context: TrainingContext, callbacks: Sequence[Callback], save: Callable[[Checkpoint], None]
) -> Trainer:
    """Build the network, with random weights from torch's global generator, and its trainer."""
    config, data, device = context.config, context.data, context.device
    network = get_network(config.net).build(len(data.classes), network_options(config)).to(device)
    if context.parent:
        copy_parent_weights(network, context.parent, data.classes, data.spec)
    train = DeviceImages.from_labeled(data.train, data.train_indices, data.classes, device)
    weights = class_weights(config.class_weights, train.labels[train.indices], len(data.classes))
    return Trainer(
        config=config,
        spec=data.spec,
        network=network,
        optimizer=make_optimizer(config, network.parameters()),
        loss=make_loss(config, weights),
        train=train,
        val=DeviceImages.from_labeled(data.val, data.val_indices, data.classes, device),
        generators=Generators(
            order=torch.Generator().manual_seed(config.seed),
            changes=torch.Generator().manual_seed(config.seed + context.group.rank),
            device=device,
        ),
        group=context.group,
        callbacks=callbacks,
        save=save,
    )
