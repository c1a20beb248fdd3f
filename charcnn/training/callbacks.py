"""Callbacks, which are notified of the progress of a training and can stop it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line imports its callbacks without torch
    from torch import nn

    from charcnn.specs.resolved_config import ResolvedConfig
    from charcnn.training.history import EpochRecord, History
    from charcnn.training.step import StepResult


@dataclass(frozen=True)
class Batch:
    """One batch of an epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        number: Number of the batch within the epoch, from 1.
        count: Number of batches in the epoch.
        images: Number of images in the batch, over all processes.
        lr: Learning rate of the step.
    """

    epoch: int
    number: int
    count: int
    images: int
    lr: float


class Callback:
    """Base class of callbacks. By default, every method does nothing.

    In distributed training, each process calls its own callbacks. An exception in a method ends the training.

    Attributes:
        should_stop: Set it to True to stop the training after the current step. The training then counts as
            interrupted, and can be resumed from there.

    Examples:
        >>> import charcnn
        >>> class StopAtLoss(charcnn.Callback):
        ...     def on_epoch_end(self, record, is_best):
        ...         self.should_stop = record.loss < 0.8
        >>> config = charcnn.TrainConfig(data=("abc/train",), epochs=20)
        >>> trained = charcnn.train(config, callbacks=[StopAtLoss()])
        >>> trained.interrupted, trained.history[-1].loss < 0.8
        (True, True)
    """

    should_stop = False

    def on_train_begin(self, config: "ResolvedConfig", network: "nn.Module", images: int) -> None:
        """Handle the start of the training.

        Args:
            config: The resolved settings.
            network: The network on its device, with its initial weights.
            images: Number of images per epoch. Oversampled images count several times.
        """

    def on_epoch_begin(self, epoch: int) -> None:
        """Handle the start of an epoch, counted from 1. A resumed training may start in the middle of an epoch."""

    def on_batch_begin(self, batch: Batch) -> None:
        """Handle the start of a training step."""

    def on_batch_end(self, batch: Batch, result: "StepResult") -> None:
        """Handle the end of a training step. The parameters still have the gradients of the step."""

    def on_epoch_end(self, record: "EpochRecord", is_best: bool) -> None:
        """Handle the end of an epoch, after validation and the checkpoint.

        Args:
            record: Loss, accuracy and speed of the epoch.
            is_best: Whether its weights are kept: so far or, after the last epoch, in the end.
        """

    def on_train_end(self, history: "History", error: BaseException | None) -> None:
        """Handle the end of the training. Also called if `on_train_begin` of any callback raised an error.

        Args:
            history: The finished epochs.
            error: The exception that ended the training, such as `KeyboardInterrupt`. None without one.
        """
