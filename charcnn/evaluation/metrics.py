"""Every figure from the confusion matrix, in numpy. scikit-learn's figures are the tests' oracle."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Confusion(NamedTuple):
    """Images of one label that were read as another."""

    truth: int
    read: int
    images: int


@dataclass(frozen=True)
class ConfusionMatrix:
    """How often each label was read as each.

    Attributes:
        counts: int64 `[C,C]`: row = truth, column = what was read.
    """

    counts: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.int64], read: NDArray[np.int64], classes: int) -> "ConfusionMatrix":
        """Counts pairs of labels, both int64 `[N]` in 0 … classes - 1."""
        return cls(np.bincount(truth * classes + read, minlength=classes**2).reshape(classes, classes))

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """Images per label, int64 `[C]`."""
        return np.asarray(self.counts.sum(1))

    @property
    def accuracy(self) -> float:
        """Share of images that were read right, 0 … 1; 0 where there are none."""
        return float(np.trace(self.counts) / max(1, self.counts.sum()))

    @cached_property
    def precision(self) -> Floats:
        """Of what was read as a label, the share that is, float64 `[C]`; 0 where nothing was."""
        return _ratio(np.diag(self.counts), self.counts.sum(0))

    @cached_property
    def recall(self) -> Floats:
        """Of a label's images, the share that was read as it, float64 `[C]`; 0 where there are none."""
        return _ratio(np.diag(self.counts), self.support)

    @cached_property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall, float64 `[C]`; 0 where both are."""
        return _ratio(2 * np.diag(self.counts), self.counts.sum(0) + self.support)

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the labels that occur, as truth or as what was read."""
        occurs = (self.counts.sum(0) + self.support) > 0
        return float(self.f1[occurs].mean()) if occurs.any() else 0.0

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the labels that have images."""
        present = self.support > 0
        return float(self.recall[present].mean()) if present.any() else 0.0

    def most_confused(self, count: int = 20) -> list[Confusion]:
        """Gives the most frequent mistakes, the most frequent first."""
        wrong = self.counts.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:count]
        pairs = (np.unravel_index(flat, wrong.shape) for flat in order)
        return [Confusion(int(i), int(j), int(wrong[i, j])) for i, j in pairs if wrong[i, j]]


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def cross_entropy(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Gives the mean of `-log p(truth)`, in nats.

    Args:
        probabilities: float32 `[N,C]`. One that vanished counts as the smallest normal float32 (a loss of 87.3).
        truth: int64 `[N]`.
    """
    own = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return float(-np.log(np.maximum(own, np.finfo(np.float32).tiny)).mean())


def top_k_accuracy(probabilities: NDArray[np.float32], truth: NDArray[np.int64], k: int) -> float:
    """Gives the share of images whose truth is among the `k` likeliest labels; of equals the earlier comes first."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == truth[:, None]).any(1).mean())
