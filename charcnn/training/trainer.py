"""The training loop: read it from top to bottom.

The dataset is one uint8 tensor and a batch is an index into it: no loader, no workers, nothing per image.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from charcnn.errors import TrainingError
from charcnn.evaluation.metrics import cross_entropy, top_k_accuracy
from charcnn.networks.recognizer import Recognizer, normalize
from charcnn.specs.image import ImageSpec
from charcnn.specs.train_config import ResolvedConfig
from charcnn.training.checkpoint import NO_PARTIAL_EPOCH, Checkpoint, Generators, PartialEpoch, restore_state, state_of
from charcnn.training.hardware.distributed import ALONE, ProcessGroup
from charcnn.training.history import EpochRecord, History
from charcnn.training.optim.batch_augment import STRENGTHS, augment_batch
from charcnn.training.optim.losses import LossFunction
from charcnn.training.optim.schedules import learning_rate
from charcnn.training.torch_startup import take_step

_VAL_BATCH = 128
"""Small enough that what flows between two layers stays in the processor's cache."""


class Listener(Protocol):
    """Who is told how training goes. The loop itself never prints."""

    def on_start(self, epochs: int, images: int) -> None:
        """Training begins: so many epochs of so many images."""

    def on_batch(self, images: int) -> None:
        """So many more images of the epoch were trained on."""

    def on_epoch(self, record: EpochRecord, is_best: bool) -> None:
        """An epoch is finished."""


class Silence:
    """A listener that does not listen."""

    def on_start(self, epochs: int, images: int) -> None:
        """Does nothing."""

    def on_batch(self, images: int) -> None:
        """Does nothing."""

    def on_epoch(self, record: EpochRecord, is_best: bool) -> None:
        """Does nothing."""


class DeviceImages(NamedTuple):
    """Images and labels on the device.

    Attributes:
        images: uint8 `[N,1,H,W]`; on the CPU possibly mapped from a file larger than memory.
        labels: int64 `[N]`.
        indices: int64 `[M]`: those that count.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor


@dataclass
class Trainer:
    """Everything that a training needs.

    Attributes:
        config: What was asked, settled.
        spec: Gives mean and std.
        network: On the device.
        optimizer: Of the network's parameters.
        loss: What is made small.
        train: The images to learn from.
        val: The images that choose the best epoch; may be none.
        generators: Where it draws from; `order` is the same in every process.
        group: The processes that train together.
        listener: Who is told.
        keep: Is given a checkpoint after every epoch, and when training is stopped.
        stop_asked: Tells, after each step, whether to stop there.
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
    listener: Listener = field(default_factory=Silence)
    keep: Callable[[Checkpoint], None] = lambda _: None
    stop_asked: Callable[[], bool] = lambda: False

    def run(self, start: Checkpoint | None = None) -> History:
        """Trains.

        Args:
            start: Where an earlier run stopped; None: at the beginning.

        Returns:
            What was reached. After a stop: what was reached before; perhaps no epoch was finished.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        progress, under_way = History(), NO_PARTIAL_EPOCH
        if start:
            progress, under_way = start.progress, start.under_way
            restore_state(start.tensors, self.network, self.optimizer)
            self.generators.restore(start.tensors, self.group)
        self.listener.on_start(self.config.epochs, len(self.train.indices))
        try:
            answer = self.group.together(torch.compile(self.network) if self.config.compile else self.network)
            for epoch in range(len(progress.history) + 1, self.config.epochs + 1):
                order_before = self.generators.order.get_state()
                done = self._epoch(epoch, answer, under_way)
                if isinstance(done, PartialEpoch):
                    self.keep(self._checkpoint(progress, done, order_before))
                    return replace(progress, interrupted=True)
                under_way = NO_PARTIAL_EPOCH
                progress = progress.after(done, self.network)
                self.keep(self._checkpoint(progress, NO_PARTIAL_EPOCH, self.generators.order.get_state()))
                self.listener.on_epoch(done, is_best=progress.best_epoch == epoch)
                if self.config.patience and epoch - progress.improved >= self.config.patience:
                    break
                if epoch < self.config.epochs and self.group.any(self.stop_asked()):
                    return replace(progress, interrupted=True)
            if self.config.schedule != "constant" and len(progress.history) == self.config.epochs:
                progress = progress.at_rest(self.network, len(self.val.indices))
        except KeyboardInterrupt:
            return replace(progress, interrupted=True)
        return progress

    def _checkpoint(self, progress: History, under_way: PartialEpoch, order_before: Tensor) -> Checkpoint:
        states = self.generators.states(order_before, self.group)
        return Checkpoint(progress, under_way, {**state_of(self.network, self.optimizer), **states})

    def _epoch(
        self, epoch: int, answer: Callable[[Tensor], Tensor], under_way: PartialEpoch
    ) -> EpochRecord | PartialEpoch:
        """Trains for one epoch, or for what is left of one; gives what was done of it where a stop was asked for."""
        started = time.perf_counter() - under_way.seconds
        device, strength = self.train.labels.device, STRENGTHS[self.config.augment]
        self.network.train()
        batches = self._batches()
        losses = list(under_way.losses.to(device))
        for number, batch in enumerate(batches[len(losses) :], len(losses)):
            lr = learning_rate(self.config, (epoch - 1) * len(batches) + number, len(batches))
            for parameters in self.optimizer.param_groups:
                parameters["lr"] = lr
            index = self.group.share(batch)
            images = normalize(self.train.images[index], self.spec)  # [B,1,H,W]
            if strength:
                images = augment_batch(images, strength, self.spec, self.generators.changes)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
                logits = answer(images)  # [B,C]
            loss = self.loss(logits.float(), self.train.labels[index]) * (self.group.size * len(index) / len(batch))
            self.network.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            take_step(self.optimizer)
            losses.append(loss.detach())
            self.listener.on_batch(len(batch))
            if self.group.any(self.stop_asked()) and number + 1 < len(batches):
                return PartialEpoch(torch.stack(losses).cpu(), time.perf_counter() - started)
        sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
        seen = int(sizes.sum())
        mean = float(self.group.sum(torch.stack(losses).cpu().double() @ sizes)) / (seen * self.group.size)
        seconds = time.perf_counter() - started
        val_loss, val_accuracy = self._validate()
        if not np.isfinite([mean, val_loss if val_loss is not None else self._any_answer()]).all():
            bad = next((n for n, loss in enumerate(losses, 1) if not torch.isfinite(loss)), len(losses))
            raise TrainingError(
                f"The loss is no longer a number in epoch {epoch}, from batch {bad} of {len(losses)} on: "
                "the steps are too large.",
                f"Try a smaller learning rate: --lr {self.config.lr / 10:g}",
            )
        return EpochRecord(epoch, lr, mean, val_loss, val_accuracy, seconds, seen / seconds)

    def _any_answer(self) -> float:
        """Gives a number that is finite if what the last step left still gives numbers."""
        recogniser = Recognizer(self.network, self.spec).eval()
        with torch.inference_mode():
            return float(recogniser(self.train.images[self.train.indices[:_VAL_BATCH]]).sum())

    def _batches(self) -> list[Tensor]:
        """Indices of each batch, in a new order.

        What is left over at the end is left out where a process would get a single image: it has no batch statistics.
        """
        indices, size = self.train.indices, self.config.batch_size
        order = torch.randperm(len(indices), generator=self.generators.order).to(indices.device)
        batches = list(torch.split(indices[order], size))
        least = min(size, 2 * self.group.size)
        return batches[:-1] if len(batches) > 1 and len(batches[-1]) < least else batches

    def _validate(self) -> tuple[float | None, float | None]:
        """Loss and accuracy on the validation images, by the same functions as `evaluate`."""
        if not len(self.val.indices):
            return None, None
        self.group.align(self.network)
        recogniser = Recognizer(self.network, self.spec).eval()
        total = torch.zeros(2, dtype=torch.float64)  # of the loss, of right answers
        with torch.inference_mode():
            for index in torch.split(self.group.share(self.val.indices), _VAL_BATCH):
                if not len(index):
                    continue
                probabilities = recogniser(self.val.images[index]).cpu().numpy()
                truth = self.val.labels[index].cpu().numpy()
                right = round(top_k_accuracy(probabilities, truth, 1) * len(index))
                total += torch.tensor([cross_entropy(probabilities, truth) * len(index), right], dtype=torch.float64)
        loss, accuracy = (self.group.sum(total) / len(self.val.indices)).tolist()
        return loss, accuracy
