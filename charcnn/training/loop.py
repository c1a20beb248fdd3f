"""The training loop: read it from top to bottom.

The dataset is one uint8 tensor and a batch is an index into it: no loader, no workers, nothing per image.
"""

import math
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
from charcnn.inference.recogniser import Recogniser, normalised, weights_of
from charcnn.spec import ImageSpec
from charcnn.training.augment import STRENGTHS, augmented
from charcnn.training.distributed import ALONE, ProcessGroup
from charcnn.training.losses import LossFunction
from charcnn.training.optimizers import take_step
from charcnn.training.recipes import Settled
from charcnn.training.schedules import learning_rate

_VAL_BATCH = 128
"""Small enough that what flows between two layers stays in the processor's cache."""


class EpochRecord(NamedTuple):
    """One line of the history. `val_loss` and `val_accuracy` are None where nothing is put aside for validation."""

    epoch: int
    lr: float
    loss: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    images_per_second: float


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


class Images(NamedTuple):
    """Images and labels on the device.

    Attributes:
        images: uint8 `[N,1,H,W]`; on the CPU possibly mapped from a file larger than memory.
        labels: int64 `[N]`.
        indices: int64 `[M]`: those that count.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor


@dataclass(frozen=True)
class Progress:
    """Where a training stands after an epoch. A new one takes the old one's place at once, whenever Ctrl-C comes.

    Attributes:
        history: One record per finished epoch.
        weights: The weights after the best epoch, on the CPU.
        best_epoch: Its number, from 1: of the highest validation accuracy, the later one of equals; see `at_rest`.
        improved: The epoch that last was truly better than all before it.
        interrupted: Ctrl-C ended it.
    """

    history: tuple[EpochRecord, ...] = ()
    weights: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    improved: int = 0
    interrupted: bool = False

    @property
    def best(self) -> EpochRecord:
        """The best epoch's record; there is one as soon as an epoch is finished."""
        return self.history[self.best_epoch - 1]

    def after(self, record: EpochRecord, network: nn.Module) -> "Progress":
        """Gives where training stands after one more epoch. Without validation the last epoch is the best."""
        now, before = record.val_accuracy, self.best.val_accuracy if self.history else None
        better = now is None or before is None or now > before
        if not better and now != before:
            return replace(self, history=(*self.history, record))
        return Progress(
            history=(*self.history, record),
            weights=weights_of(network),
            best_epoch=record.epoch,
            improved=record.epoch if better else self.improved,
        )

    def at_rest(self, network: nn.Module, images: int) -> "Progress":
        """Gives the end of a training whose learning rate fell to nothing: its last epoch, if that is as good as any.

        An earlier epoch, at a higher rate, may read some validation images more by chance alone. It stays the best only
        if it is ahead by more than one standard error (Breiman et al., Classification and Regression Trees, 1984).

        Args:
            network: As the last epoch left it.
            images: The validation images.
        """
        last, best = self.history[-1].val_accuracy, self.best.val_accuracy
        if last is None or best is None or last < best - _standard_error(best, images):
            return self
        return replace(self, weights=weights_of(network), best_epoch=len(self.history))


def _standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy measured on so many images; one right and one wrong answer more keep it above 0."""
    share = (accuracy * images + 1) / (images + 2)
    return math.sqrt(share * (1 - share) / images)


@dataclass
class Loop:
    """Everything that a training needs.

    Attributes:
        config: What was asked, settled.
        spec: Gives mean and std.
        network: On the device.
        optimizer: Of the network's parameters.
        loss: What is made small.
        train: The images to learn from.
        val: The images that choose the best epoch; may be none.
        order: Draws the order of the images; the same in every process.
        changes: Draws how images are augmented.
        group: The processes that train together.
        listener: Who is told.
    """

    config: Settled
    spec: ImageSpec
    network: nn.Module
    optimizer: Optimizer
    loss: LossFunction
    train: Images
    val: Images
    order: torch.Generator
    changes: torch.Generator
    group: ProcessGroup = ALONE
    listener: Listener = field(default_factory=Silence)

    def run(self) -> Progress:
        """Trains.

        Returns:
            What was reached. After Ctrl-C: what was reached before, if an epoch was finished.

        Raises:
            KeyboardInterrupt: before the first epoch was finished.
            TrainingError: the loss is no longer a number.
        """
        progress = Progress()
        self.listener.on_start(self.config.epochs, len(self.train.indices))
        try:
            answer = self.group.together(torch.compile(self.network) if self.config.compile else self.network)
            for epoch in range(1, self.config.epochs + 1):
                record = self._epoch(epoch, answer)
                progress = progress.after(record, self.network)
                self.listener.on_epoch(record, is_best=progress.best_epoch == epoch)
                if self.config.patience and epoch - progress.improved >= self.config.patience:
                    break
            if self.config.schedule != "constant" and len(progress.history) == self.config.epochs:
                progress = progress.at_rest(self.network, len(self.val.indices))
        except KeyboardInterrupt:
            if not progress.history:
                raise
            return replace(progress, interrupted=True)
        return progress

    def _epoch(self, epoch: int, answer: Callable[[Tensor], Tensor]) -> EpochRecord:
        started = time.perf_counter()
        device, strength = self.train.labels.device, STRENGTHS[self.config.augment]
        self.network.train()
        batches = self._batches()
        losses = []
        for number, batch in enumerate(batches):
            lr = learning_rate(self.config, (epoch - 1) * len(batches) + number, len(batches))
            for parameters in self.optimizer.param_groups:
                parameters["lr"] = lr
            index = self.group.share(batch)
            images = normalised(self.train.images[index], self.spec)  # [B,1,H,W]
            if strength:
                images = augmented(images, strength, self.spec, self.changes)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
                logits = answer(images)  # [B,C]
            loss = self.loss(logits.float(), self.train.labels[index]) * (self.group.size * len(index) / len(batch))
            self.network.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            take_step(self.optimizer)
            losses.append(loss.detach())
            self.listener.on_batch(len(batch))
        sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
        seen = int(sizes.sum())
        mean = float(self.group.sum(torch.stack(losses).cpu().double() @ sizes)) / (seen * self.group.size)
        seconds = time.perf_counter() - started
        val_loss, val_accuracy = self._validate()
        if not np.isfinite([mean, val_loss if val_loss is not None else self._any_answer()]).all():
            raise TrainingError(
                f"The loss is no longer a number in epoch {epoch}: the steps are too large.",
                f"Try a smaller learning rate: --lr {self.config.lr / 10:g}",
            )
        return EpochRecord(epoch, lr, mean, val_loss, val_accuracy, seconds, seen / seconds)

    def _any_answer(self) -> float:
        """Gives a number that is finite if what the last step left still gives numbers."""
        recogniser = Recogniser(self.network, self.spec).eval()
        with torch.inference_mode():
            return float(recogniser(self.train.images[self.train.indices[:_VAL_BATCH]]).sum())

    def _batches(self) -> list[Tensor]:
        """Indices of each batch, in a new order.

        What is left over at the end is left out where a process would get a single image: it has no batch statistics.
        """
        indices, size = self.train.indices, self.config.batch_size
        order = torch.randperm(len(indices), generator=self.order).to(indices.device)
        batches = list(torch.split(indices[order], size))
        least = min(size, 2 * self.group.size)
        return batches[:-1] if len(batches) > 1 and len(batches[-1]) < least else batches

    def _validate(self) -> tuple[float | None, float | None]:
        """Loss and accuracy on the validation images, by the same functions as `evaluate`."""
        if not len(self.val.indices):
            return None, None
        self.group.align(self.network)
        recogniser = Recogniser(self.network, self.spec).eval()
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
