"""Callbacks: who is told how a training goes, and may ask it to stop."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line's own callbacks load before torch
    from torch import nn

    from charcnn.specs.resolved_config import ResolvedConfig
    from charcnn.training.history import EpochRecord, History
    from charcnn.training.step import StepResult


@dataclass(frozen=True)
class Batch:
    """One batch of an epoch.

    Attributes:
        epoch: From 1.
        number: From 1, within the epoch.
        count: Batches in the epoch.
        images: Images in it, of all processes together.
        lr: The learning rate of its step.
    """

    epoch: int
    number: int
    count: int
    images: int
    lr: float


class Callback:
    """Base class of callbacks. Override what you need: every method does nothing.

    In training by several processes each has its own callbacks. What a method raises ends the training.

    Attributes:
        should_stop: Set it to True to end training after the current step; a checkpoint of the epoch so far is kept.
            The training counts as interrupted, and can be resumed.
    """

    should_stop = False

    def on_train_begin(self, config: "ResolvedConfig", network: "nn.Module", images: int) -> None:
        """Training begins.

        Args:
            config: Every setting, resolved.
            network: On its device, with its first weights.
            images: Images of an epoch; one that is seen several times counts as often.
        """

    def on_epoch_begin(self, epoch: int) -> None:
        """An epoch begins or, in a resumed training, continues. They are counted from 1."""

    def on_batch_begin(self, batch: Batch) -> None:
        """A training step begins."""

    def on_batch_end(self, batch: Batch, result: "StepResult") -> None:
        """A training step is done; the gradients that led it are still in the parameters."""

    def on_epoch_end(self, record: "EpochRecord", is_best: bool) -> None:
        """An epoch is finished, validated, and its checkpoint written.

        Args:
            record: What it came to.
            is_best: Whether its weights are the ones that are kept, so far or, after the last epoch, for good.
        """

    def on_train_end(self, history: "History", error: BaseException | None) -> None:
        """Training ends. Called whenever `on_train_begin` was, of this or of another callback.

        Args:
            history: What was reached.
            error: What ended the training before its time, `KeyboardInterrupt` included; None where nothing did.
        """
