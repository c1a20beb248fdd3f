"""The training loop: read it from top to bottom.

The dataset is one uint8 tensor and a batch is an index into it: no loader, no workers, no work per image.
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
from charcnn.training.checkpoint import EMPTY_EPOCH, Checkpoint, Generators, PartialEpoch, restore_state, state_of
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
    """Everything that a training needs.

    Attributes:
        config: Every setting, resolved.
        spec: Its mean and std normalize the images.
        network: On the device.
        optimizer: Of the network's parameters.
        loss: What is minimized.
        train: The images to learn from.
        val: The images that select the best epoch; may be none.
        generators: Sources of randomness; `order` is the same in every process.
        group: The processes that train together.
        callbacks: Told how it goes; may ask to stop.
        save: Is given a checkpoint after every epoch, and when training is stopped.
        history: What was reached.
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
        """Train.

        Args:
            start: Where an earlier training stopped; None for the beginning.

        Returns:
            What was reached. After a stop or Ctrl-C: until then; perhaps no epoch was finished.

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
        for epoch in range(len(self.history.records) + 1, self.config.epochs + 1):
            order_before = self.generators.order.get_state()
            for callback in self.callbacks:
                callback.on_epoch_begin(epoch)
            done = self._train_epoch(epoch, network, partial)
            if isinstance(done, PartialEpoch):
                self.save(self._checkpoint(done, order_before))
                self.history = replace(self.history, interrupted=True)
                return
            partial = EMPTY_EPOCH
            self.history = self.history.append(done, self.network)
            self.save(self._checkpoint(EMPTY_EPOCH, self.generators.order.get_state()))
            self._finalize()  # after the checkpoint, so that more epochs can follow
            for callback in self.callbacks:
                callback.on_epoch_end(done, is_best=self.history.best_epoch == epoch)
            if self.config.patience and epoch - self.history.last_improvement >= self.config.patience:
                break
            if epoch < self.config.epochs and self._should_stop():
                self.history = replace(self.history, interrupted=True)
                return
        self._finalize()  # a resumed training may have no epoch left

    def _finalize(self) -> None:
        """After the last epoch of a falling learning rate, choose between it and the best one."""
        if self.config.schedule != "constant" and len(self.history.records) == self.config.epochs:
            self.history = self.history.finalize(self.network, len(self.val.indices))

    def _train_epoch(self, epoch: int, network: nn.Module, partial: PartialEpoch) -> EpochRecord | PartialEpoch:
        """Train for the rest of an epoch and validate; return what was done of it if a stop was asked for."""
        started = time.perf_counter() - partial.seconds
        self.network.train()
        batches = self._shuffled_batches()  # indices of images, each int64 [B]
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
        own = self.group.share(indices)  # int64 [B/processes]
        return train_step(
            network,
            self.optimizer,
            self.loss,
            self.train.images[own],  # uint8 [B/processes,1,H,W]
            self.train.labels[own],
            spec=self.spec,
            strength=STRENGTHS[self.config.augment],
            generator=self.generators.changes,
            precision=self.config.precision,
            loss_factor=self.group.size * len(own) / len(indices),  # gradients are averaged over the processes
        )

    def _shuffled_batches(self) -> list[Tensor]:
        """Return the indices of each batch, in a new order.

        The last batch is dropped if a process would get a single image of it, which has no batch statistics.
        """
        indices, size = self.train.indices, self.config.batch_size
        order = torch.randperm(len(indices), generator=self.generators.order).to(indices.device)
        batches = list(torch.split(indices[order], size))
        min_size = min(size, 2 * self.group.size)
        return batches[:-1] if len(batches) > 1 and len(batches[-1]) < min_size else batches

    def _should_stop(self) -> bool:
        """Return whether a callback asked to stop, in any process: all stop after the same step."""
        return self.group.any(any(callback.should_stop for callback in self.callbacks))

    def _restore(self, start: Checkpoint) -> PartialEpoch:
        self.history = start.history
        restore_state(start.tensors, self.network, self.optimizer)
        self.generators.restore(start.tensors, self.group)
        return start.partial

    def _checkpoint(self, partial: PartialEpoch, order_before: Tensor) -> Checkpoint:
        states = self.generators.states(order_before, self.group)
        return Checkpoint(self.history, partial, {**state_of(self.network, self.optimizer), **states})

    def _check_finite(self, record: EpochRecord, losses: Tensor) -> None:
        """Check that the losses of an epoch, `[steps]`, and what the network says after its last step, are finite."""
        outcome = self._any_output() if record.val_loss is None else record.val_loss
        if math.isfinite(record.loss) and math.isfinite(outcome):
            return
        finite = torch.isfinite(losses)
        bad = len(losses) if finite.all() else int((~finite).nonzero()[0]) + 1
        raise TrainingError(
            f"The loss is not finite in epoch {record.epoch}, from batch {bad} of {len(losses)} on: "
            "the steps are too large.",
            f"Try a smaller learning rate: `lr={self.config.lr / 10:g}`",
        )

    def _any_output(self) -> float:
        """Return a number that is finite if the network's outputs are."""
        recognizer = Recognizer(self.network, self.spec).eval()
        with torch.inference_mode():
            return float(recognizer(self.train.images[self.train.indices[:VAL_BATCH]]).sum())
