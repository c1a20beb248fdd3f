"""Where a training stands: one record per finished epoch, and the weights of the best one."""

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from torch import Tensor, nn

from charcnn.networks.weights import copy_weights


class EpochRecord(NamedTuple):
    """One line of the history. `val_loss` and `val_accuracy` are None where nothing is put aside for validation."""

    epoch: int
    lr: float
    loss: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class History:
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

    def after(self, record: EpochRecord, network: nn.Module) -> "History":
        """Gives where training stands after one more epoch. Without validation the last epoch is the best."""
        now, before = record.val_accuracy, self.best.val_accuracy if self.history else None
        better = now is None or before is None or now > before
        if not better and now != before:
            return replace(self, history=(*self.history, record))
        return History(
            history=(*self.history, record),
            weights=copy_weights(network),
            best_epoch=record.epoch,
            improved=record.epoch if better else self.improved,
        )

    def at_rest(self, network: nn.Module, images: int) -> "History":
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
        return replace(self, weights=copy_weights(network), best_epoch=len(self.history))


def _standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy measured on so many images; one right and one wrong answer more keep it above 0."""
    share = (accuracy * images + 1) / (images + 2)
    return math.sqrt(share * (1 - share) / images)
