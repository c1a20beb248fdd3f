"""The training loop: read it from top to bottom.

The dataset is one uint8 tensor and a batch is an index into it: no loader, no workers, nothing per image.
"""

import time
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from charcnn.errors import TrainingError
from charcnn.evaluation.metrics import cross_entropy, top_k_accuracy
from charcnn.inference.recogniser import Recogniser, normalised
from charcnn.spec import ImageSpec, TrainConfig
from charcnn.training.losses import LossFunction
from charcnn.training.schedules import learning_rate

_VAL_BATCH = 1024


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
    """Images and labels on the device: uint8 `[N,1,H,W]` and int64 `[N]`."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Progress:
    """Where a training stands after an epoch. A new one takes the old one's place at once, whenever Ctrl-C comes.

    Attributes:
        history: One record per finished epoch.
        weights: The weights after the best epoch, on the CPU.
        best_epoch: Its number, from 1: of the highest validation accuracy, the later one of equals.
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
            weights={name: value.cpu().clone().contiguous() for name, value in network.state_dict().items()},
            best_epoch=record.epoch,
            improved=record.epoch if better else self.improved,
        )


@dataclass
class Loop:
    """Everything that a training needs.

    Attributes:
        config: Settled: epochs, lr, momentum and weight decay are filled in.
        spec: Gives mean and std.
        network: On the device.
        optimizer: Of the network's parameters.
        loss: What is made small.
        train: The images to learn from, on the device.
        val: The images that choose the best epoch, on the device; may be empty.
        order: Draws the order of the images.
        listener: Who is told.
    """

    config: TrainConfig
    spec: ImageSpec
    network: nn.Module
    optimizer: Optimizer
    loss: LossFunction
    train: Images
    val: Images
    order: torch.Generator
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
        self.listener.on_start(self._epochs, len(self.train.labels))
        try:
            for epoch in range(1, self._epochs + 1):
                record = self._epoch(epoch)
                progress = progress.after(record, self.network)
                self.listener.on_epoch(record, is_best=progress.best_epoch == epoch)
                if self.config.patience and epoch - progress.improved >= self.config.patience:
                    break
        except KeyboardInterrupt:
            if not progress.history:
                raise
            return replace(progress, interrupted=True)
        return progress

    @property
    def _epochs(self) -> int:
        return self.config.epochs or 1

    def _epoch(self, epoch: int) -> EpochRecord:
        started = time.perf_counter()
        self.network.train()
        batches = self._batches()
        total = torch.zeros((), device=self.train.labels.device)
        seen = 0
        for number, index in enumerate(batches):
            lr = learning_rate(self.config, (epoch - 1) * len(batches) + number, len(batches))
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            images = normalised(self.train.images[index], self.spec)  # [B,1,H,W]
            loss = self.loss(self.network(images), self.train.labels[index])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            total += loss.detach() * len(index)
            seen += len(index)
            self.listener.on_batch(len(index))
        mean = float(total) / seen
        seconds = time.perf_counter() - started
        val_loss, val_accuracy = self._validate()
        if not (np.isfinite(mean) and np.isfinite(val_loss or 0.0) and self._answers_are_finite()):
            raise TrainingError(
                f"The loss is no longer a number in epoch {epoch}: the steps are too large.",
                f"Try a smaller learning rate: --lr {(self.config.lr or 0.0) / 10:g}",
            )
        return EpochRecord(epoch, lr, mean, val_loss, val_accuracy, seconds, seen / seconds)

    def _answers_are_finite(self) -> bool:
        """Tells whether what the last step left still gives numbers."""
        recogniser = Recogniser(self.network, self.spec).eval()
        with torch.inference_mode():
            return bool(recogniser(self.train.images[: self.config.batch_size]).isfinite().all())

    def _batches(self) -> list[Tensor]:
        """Indices of each batch, in a new order. A single image left over is left out: it has no batch statistics."""
        count, size = len(self.train.labels), self.config.batch_size
        order = torch.randperm(count, generator=self.order).to(self.train.labels.device)
        batches = list(torch.split(order, size))
        return batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 and size > 1 else batches

    def _validate(self) -> tuple[float | None, float | None]:
        """Loss and accuracy on the validation images, by the same functions as `evaluate`."""
        if not len(self.val.labels):
            return None, None
        recogniser = Recogniser(self.network, self.spec).eval()
        with torch.inference_mode():
            parts = [recogniser(images).cpu() for images in torch.split(self.val.images, _VAL_BATCH)]
        probabilities, truth = torch.cat(parts).numpy(), self.val.labels.cpu().numpy()
        return cross_entropy(probabilities, truth), top_k_accuracy(probabilities, truth, 1)
