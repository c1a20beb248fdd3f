"""What a training reached: one record per finished epoch, and the weights of the best one."""

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from torch import Tensor, nn

from charcnn.networks.weights import copy_weights


class EpochRecord(NamedTuple):
    """One line of the history. `val_loss` and `val_accuracy` are None without validation images."""

    epoch: int
    lr: float
    loss: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class History:
    """What a training reached. Immutable, so that an interrupt never sees one that is half updated.

    Attributes:
        records: One per finished epoch.
        weights: The weights after the best epoch, on the CPU.
        best_epoch: Its number, from 1: of the highest validation accuracy, the later one of equals; see `finalize`.
        last_improvement: The last epoch that was strictly better than all before it.
        interrupted: Training was stopped before its end.
    """

    records: tuple[EpochRecord, ...] = ()
    weights: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    last_improvement: int = 0
    interrupted: bool = False

    @property
    def best(self) -> EpochRecord:
        """The best epoch's record; there is one once an epoch is finished."""
        return self.records[self.best_epoch - 1]

    @property
    def images_per_second(self) -> float:
        """Training speed over all finished epochs, validation left out."""
        seconds = [record.seconds for record in self.records]
        seen = [record.images_per_second * record.seconds for record in self.records]
        return sum(seen) / sum(seconds)

    def append(self, record: EpochRecord, network: nn.Module) -> "History":
        """Return the history with one more epoch. Without validation the last epoch is the best."""
        now, before = record.val_accuracy, self.best.val_accuracy if self.records else None
        is_better = now is None or before is None or now > before
        if not is_better and now != before:
            return replace(self, records=(*self.records, record))
        return History(
            records=(*self.records, record),
            weights=copy_weights(network),
            best_epoch=record.epoch,
            last_improvement=record.epoch if is_better else self.last_improvement,
        )

    def finalize(self, network: nn.Module, images: int) -> "History":
        """Return the history of a training whose learning rate fell to 0: the last epoch is the best if about as good.

        An earlier epoch, at a higher rate, may read some validation images more by chance alone. It stays the best only
        if it is ahead by more than one standard error (Breiman et al., Classification and Regression Trees, 1984).

        Args:
            network: As the last epoch left it.
            images: The number of validation images.
        """
        last, best = self.records[-1].val_accuracy, self.best.val_accuracy
        if last is None or best is None or last < best - _standard_error(best, images):
            return self
        return replace(self, weights=copy_weights(network), best_epoch=len(self.records))


def _standard_error(accuracy: float, images: int) -> float:
    """Return that of an accuracy; one more right and one more wrong answer keep it above 0."""
    share = (accuracy * images + 1) / (images + 2)
    return math.sqrt(share * (1 - share) / images)
