"""The training loop.

The dataset is a single uint8 tensor, and batches are selected from it by index. This needs no data loader, no worker
processes and no work per image.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from charcnn.errors import TrainingError
from charcnn.networks.recognizer import Recognizer
from charcnn.specs.image import ImageSpec
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.checkpoint import EMPTY_EPOCH, Checkpoint, Generators, PartialEpoch, copy_state, restore_state
from charcnn.training.device_images import DeviceImages
from charcnn.training.hardware.distributed import ALONE, ProcessGroup
from charcnn.training.history import EpochRecord, History
from charcnn.training.optim.batch_augment import STRENGTHS
from charcnn.training.optim.losses import LossFunction
from charcnn.training.optim.schedules import learning_rate
from charcnn.training.step import StepResult, train_step
from charcnn.training.validate import VAL_BATCH, validate


@dataclass
class Trainer:
    """The training loop and its state.

    Attributes:
        config: The resolved settings.
        spec: The mean and std for normalization.
        network: The network, on the training device.
        optimizer: Optimizer of the network's parameters.
        loss: The loss function to minimize.
        train: The training images.
        val: The validation images. May be empty.
        generators: Random generators. `order` has the same state in every process.
        group: The processes that train together.
        callbacks: Callbacks to notify.
        save: Called with a checkpoint after every epoch, and when the training is stopped.
        history: The finished epochs.
    """

    config: ResolvedConfig
    spec: ImageSpec
    network: nn.Module
    optimizer: Optimizer
    loss: LossFunction
    train: DeviceImages
    val: DeviceImages
    generators: Generators
    group: ProcessGroup = ALONE
    callbacks: Sequence[Callback] = ()
    save: Callable[[Checkpoint], None] = lambda _: None
    history: History = field(default_factory=History)

    def run(self, start: Checkpoint | None = None) -> History:
        """Train the network.

        Args:
            start: Checkpoint to resume from. None starts a new training.

        Returns:
            The finished epochs. There may be none if the training was stopped.

        Raises:
            TrainingError: the loss is not finite.
        """
        error: BaseException | None = None
        try:
            partial = self._restore(start) if start else EMPTY_EPOCH
            for callback in self.callbacks:
                callback.on_train_begin(self.config, self.network, len(self.train.indices))
            self._train_epochs(partial)
        except KeyboardInterrupt as interrupt:
            error = interrupt
            self.history = replace(self.history, interrupted=True)
        except BaseException as fault:
            error = fault
            raise
        finally:
            for callback in self.callbacks:
                callback.on_train_end(self.history, error)
        return self.history

    def _train_epochs(self, partial: PartialEpoch) -> None:
        compiled = cast("nn.Module", torch.compile(self.network)) if self.config.compile else self.network
        network = self.group.together(compiled)
        while not self._is_done():  # also for a resumed training, which may have nothing left to do
            epoch = len(self.history.records) + 1
            order_before = self.generators.order.get_state()
            for callback in self.callbacks:
                callback.on_epoch_begin(epoch)
            result = self._train_epoch(epoch, network, partial)
            if isinstance(result, PartialEpoch):
                self.save(self._make_checkpoint(result, order_before))
                self.history = replace(self.history, interrupted=True)
                return
            partial = EMPTY_EPOCH
            self.history = self.history.append(result, self.network)
            self.save(self._make_checkpoint(EMPTY_EPOCH, self.generators.order.get_state()))
            self._finalize()  # after the checkpoint, so that more epochs can follow
            for callback in self.callbacks:
                callback.on_epoch_end(result, is_best=self.history.best_epoch == epoch)
            if not self._is_done() and self._should_stop():
                self.history = replace(self.history, interrupted=True)
                return
        self._finalize()  # a resumed training may have no epoch left

    def _is_done(self) -> bool:
        return len(self.history.records) >= self.config.epochs or self.history.is_out_of_patience(self.config.patience)

    def _finalize(self) -> None:
        """After the last epoch of a falling learning rate, choose between it and the best one."""
        if self.config.schedule != "constant" and len(self.history.records) == self.config.epochs:
            self.history = self.history.finalize(self.network, len(self.val.indices))

    def _train_epoch(self, epoch: int, network: nn.Module, partial: PartialEpoch) -> EpochRecord | PartialEpoch:
        """Train for the rest of an epoch and validate. Return a `PartialEpoch` if a callback stops the training."""
        started = time.perf_counter() - partial.seconds
        self.network.train()
        batches = self._shuffled_batches()  # image indices, each int64 [B]
        losses = list(partial.losses.to(self.train.labels.device))  # scalars, one per step
        for number, indices in enumerate(batches[len(losses) :], len(losses)):
            lr = learning_rate(self.config, (epoch - 1) * len(batches) + number, len(batches))
            batch = Batch(epoch, number + 1, len(batches), len(indices), lr)
            for callback in self.callbacks:
                callback.on_batch_begin(batch)
            result = self._step(network, indices, lr)
            losses.append(result.loss)
            for callback in self.callbacks:
                callback.on_batch_end(batch, result)
            if self._should_stop() and batch.number < batch.count:
                return PartialEpoch(torch.stack(losses).cpu(), time.perf_counter() - started)
        sizes = torch.tensor([len(indices) for indices in batches], dtype=torch.float64)  # [steps]
        seen = int(sizes.sum())
        total = float(self.group.sum(torch.stack(losses).cpu().double() @ sizes))
        seconds = time.perf_counter() - started
        val_loss, val_accuracy = validate(self.network, self.spec, self.val, self.group)
        record = EpochRecord(
            epoch, lr, total / (seen * self.group.size), val_loss, val_accuracy, seconds, seen / seconds
        )
        self._check_finite(record, torch.stack(losses))
        return record

    def _step(self, network: nn.Module, indices: Tensor, lr: float) -> StepResult:
        """Take one step on this process's share of a batch `[B]`."""
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = lr
        share = self.group.share(indices)  # int64 [B/processes]
        return train_step(
            network,
            self.optimizer,
            self.loss,
            self.train.images[share],  # uint8 [B/processes,1,H,W]
            self.train.labels[share],
            spec=self.spec,
            strength=STRENGTHS[self.config.augment],
            generator=self.generators.changes,
            precision=self.config.precision,
            loss_factor=self.group.size * len(share) / len(indices),  # gradients are averaged over the processes
        )

    def _shuffled_batches(self) -> list[Tensor]:
        """Return the indices of each batch, in a new random order.

        The last batch is dropped if a process would get only one image of it, because batch norm needs at least two.
        """
        indices, size = self.train.indices, self.config.batch_size
        order = torch.randperm(len(indices), generator=self.generators.order).to(indices.device)
        batches = list(torch.split(indices[order], size))
        min_size = min(size, 2 * self.group.size)
        return batches[:-1] if len(batches) > 1 and len(batches[-1]) < min_size else batches

    def _should_stop(self) -> bool:
        """Return whether a callback of any process wants to stop, so that all processes stop after the same step."""
        return self.group.any(any(callback.should_stop for callback in self.callbacks))

    def _restore(self, start: Checkpoint) -> PartialEpoch:
        self.history = start.history
        restore_state(start.tensors, self.network, self.optimizer)
        self.generators.restore(start.tensors, self.group)
        return start.partial

    def _make_checkpoint(self, partial: PartialEpoch, order_before: Tensor) -> Checkpoint:
        states = self.generators.states(order_before, self.group)
        return Checkpoint(self.history, partial, {**copy_state(self.network, self.optimizer), **states})

    def _check_finite(self, record: EpochRecord, losses: Tensor) -> None:
        """Check that the losses of an epoch, `[steps]`, and the network's outputs after it are finite.

        Raises:
            TrainingError: a loss or an output is not finite.
        """
        final = self._sum_outputs() if record.val_loss is None else record.val_loss
        if math.isfinite(record.loss) and math.isfinite(final):
            return
        finite = torch.isfinite(losses)
        first_bad = len(losses) if finite.all() else int((~finite).nonzero()[0]) + 1
        raise TrainingError(
            f"The loss became NaN or infinite in epoch {record.epoch}, at batch {first_bad} of {len(losses)}.",
            f"Try a smaller learning rate: `lr={self.config.lr / 10:g}`",
        )

    def _sum_outputs(self) -> float:
        """Return the sum of the network's outputs for some training images, which is finite if they are."""
        recognizer = Recognizer(self.network, self.spec).eval()
        with torch.inference_mode():
            return float(recognizer(self.train.images[self.train.indices[:VAL_BATCH]]).sum())
