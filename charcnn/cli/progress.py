"""Progress of a training on the terminal."""

import time
from typing import TYPE_CHECKING, Any

from charcnn.cli import output
from charcnn.training.callbacks import Batch, Callback

if TYPE_CHECKING:
    from torch import nn

    from charcnn.specs.resolved_config import ResolvedConfig
    from charcnn.training.history import EpochRecord
    from charcnn.training.step import StepResult

_REFRESH_S = 0.1
"""Seconds between two updates of the bar: drawing it may take longer than a batch."""


class TrainingProgress(Callback):
    """Show a line for each finished epoch and, on a terminal, a progress bar."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._epochs = self._images = 0
        self._shown = 0.0

    def __enter__(self) -> "TrainingProgress":
        if output.is_live():
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(),
                TextColumn("{task.fields[rate]} images/s"),
                TimeRemainingColumn(),
                TextColumn("left"),
                console=output.message_console(),
                transient=True,
            )
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar and self._epochs:
            self._bar.stop()

    def on_train_begin(self, config: "ResolvedConfig", network: "nn.Module", images: int) -> None:
        """Show the table's header."""
        self._epochs, self._images = config.epochs, images
        output.say(f"{'epoch':>9}  {'loss':>8}  {'val loss':>8}  {'val acc':>8}  {'lr':>8}  {'images/s':>8}")

    def on_epoch_begin(self, epoch: int) -> None:
        """Show the number of the epoch. The first one is later than 1 in a resumed run."""
        if not self._bar:
            return
        done, name = (epoch - 1) * self._images, f"{epoch}/{self._epochs}"
        if self._bar.tasks:
            self._bar.update(0, completed=done, epoch=name)
        else:
            self._bar.add_task("train", total=self._epochs * self._images, completed=done, epoch=name, rate="")
            self._bar.start()

    def on_batch_end(self, batch: Batch, result: "StepResult") -> None:
        """Move the bar."""
        if not self._bar:
            return
        now = time.monotonic()
        if now - self._shown > _REFRESH_S or batch.number == batch.count:
            speed = self._bar.tasks[0].speed
            done = self._images * (batch.epoch - 1 + batch.number / batch.count)
            self._bar.update(0, completed=done, rate=f"{speed:,.0f}" if speed else "…")
            self._shown = now

    def on_epoch_end(self, record: "EpochRecord", is_best: bool) -> None:
        """Show the line of the epoch."""
        val_loss = "-" if record.val_loss is None else f"{record.val_loss:.4f}"
        val_accuracy = "-" if record.val_accuracy is None else f"{record.val_accuracy:.2%}"
        output.say(
            f"{f'{record.epoch}/{self._epochs}':>9}  {record.loss:8.4f}  {val_loss:>8}  {val_accuracy:>8}"
            f"  {record.lr:8.2g}  {record.images_per_second:8,.0f}{'  kept' if is_best else ''}"
        )
