"""The history of a training: a record of each finished epoch, and the weights of the best one."""

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from torch import Tensor, nn

from charcnn.networks.weights import copy_weights


class EpochRecord(NamedTuple):
    """The results of one epoch. `val_loss` and `val_accuracy` are None without validation images."""

    epoch: int
    lr: float
    loss: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class History:
    """The finished epochs of a training. Immutable, so an interrupt never leaves it half updated.

    Attributes:
        records: One record per finished epoch.
        weights: The weights after the best epoch, on the CPU.
        best_epoch: Number of the epoch with the highest validation accuracy, from 1. The later one of ties. See also
            `finalize`.
        last_improvement: Number of the last epoch with a higher validation accuracy than all before it.
        interrupted: Whether the training was stopped early.
    """

    records: tuple[EpochRecord, ...] = ()
    weights: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    last_improvement: int = 0
    interrupted: bool = False

    @property
    def best(self) -> EpochRecord:
        """The record of the best epoch. Requires at least one finished epoch."""
        return self.records[self.best_epoch - 1]

    @property
    def images_per_second(self) -> float:
        """Training speed over all finished epochs, without validation."""
        seconds = [record.seconds for record in self.records]
        images = [record.images_per_second * record.seconds for record in self.records]
        return sum(images) / sum(seconds)

    def is_out_of_patience(self, patience: int | None) -> bool:
        """Return whether the last `patience` epochs brought no improvement. Never if `patience` is None."""
        return patience is not None and len(self.records) - self.last_improvement >= patience

    def append(self, record: EpochRecord, network: nn.Module) -> "History":
        """Return the history with one more epoch. Without validation, the last epoch is the best."""
        current, best = record.val_accuracy, self.best.val_accuracy if self.records else None
        is_better = current is None or best is None or current > best
        if not is_better and current != best:
            return replace(self, records=(*self.records, record))
        return History(
            records=(*self.records, record),
            weights=copy_weights(network),
            best_epoch=record.epoch,
            last_improvement=record.epoch if is_better else self.last_improvement,
        )

    def finalize(self, network: nn.Module, images: int) -> "History":
        """Return the history after annealing: the last epoch is the best one unless another is clearly better.

        An epoch at a higher learning rate may have a slightly higher validation accuracy by chance. It remains the best
        only if it is better by more than one standard error.

        Args:
            network: The network after the last epoch.
            images: Number of validation images.

        Source:
            L. Breiman et al., Classification and Regression Trees, 1984.
        """
        last, best = self.records[-1].val_accuracy, self.best.val_accuracy
        if last is None or best is None or last < best - _standard_error(best, images):
            return self
        return replace(self, weights=copy_weights(network), best_epoch=len(self.records))


def _standard_error(accuracy: float, images: int) -> float:
    """Return the standard error of an accuracy. One added success and one added failure keep it above 0."""
    share = (accuracy * images + 1) / (images + 2)
    return math.sqrt(share * (1 - share) / images)
