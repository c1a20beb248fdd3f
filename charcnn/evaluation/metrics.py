"""Metrics of a classifier from its confusion matrix, in numpy. The tests compare them with scikit-learn's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from charcnn.inference.prediction import top_indices

Floats = NDArray[np.float64]


class Confusion(NamedTuple):
    """How many images of one label were read as another."""

    truth: int
    read: int
    images: int


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """How often each label was read as each, without the zeros: thousands of labels need little memory.

    Attributes:
        classes: The number of labels, C.
        truth: int64 `[P]`, in 0 … C - 1: what the images show. Pairs are sorted by `truth`, then by `read`.
        read: int64 `[P]`, in 0 … C - 1: what they were read as.
        images: int64 `[P]`: how many images of each pair there are, at least 1.
    """

    classes: int
    truth: NDArray[np.int64]
    read: NDArray[np.int64]
    images: NDArray[np.int64]

    @classmethod
    def count(cls, truth: NDArray[np.int64], read: NDArray[np.int64], classes: int) -> Self:
        """Count the pairs of two int64 arrays `[N]`, both in 0 … classes - 1."""
        pairs, images = np.unique(truth * classes + read, return_counts=True)
        return cls(classes, pairs // classes, pairs % classes, images.astype(np.int64))

    @classmethod
    def count_labels(cls, truth: Sequence[str], read: Sequence[str], labels: Sequence[str]) -> Self:
        """Count the pairs of two lists of `N` labels, both among `labels`."""
        index = {label: position for position, label in enumerate(labels)}
        shown, answered = (np.array([index[label] for label in column], np.int64) for column in (truth, read))
        return cls.count(shown, answered, len(labels))

    def to_dense(self) -> NDArray[np.int64]:
        """Return the matrix as int64 `[C,C]`: row = truth, column = what was read."""
        dense = np.zeros((self.classes, self.classes), np.int64)
        dense[self.truth, self.read] = self.images
        return dense

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """Images per label, int64 `[C]`."""
        return self._sum_by(self.truth)

    @cached_property
    def _read_as(self) -> NDArray[np.int64]:
        return self._sum_by(self.read)

    @cached_property
    def _right(self) -> NDArray[np.int64]:
        return self._sum_by(self.truth, self.truth == self.read)

    def _sum_by(self, column: NDArray[np.int64], where: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.int64]:
        sums = np.zeros(self.classes, np.int64)
        np.add.at(sums, column[where], self.images[where])
        return sums

    @property
    def accuracy(self) -> float:
        """Share of images that were read correctly, 0 … 1; 0 where there are none."""
        return float(self._right.sum() / max(1, self.images.sum()))

    @cached_property
    def precision(self) -> Floats:
        """Of the images read as a label, the share that show it, float64 `[C]`; 0 where none were."""
        return _ratio(self._right, self._read_as)

    @cached_property
    def recall(self) -> Floats:
        """Of the images that show a label, the share that were read as it, float64 `[C]`; 0 where there are none."""
        return _ratio(self._right, self.support)

    @cached_property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall, float64 `[C]`; 0 where both are."""
        return _ratio(2 * self._right, self._read_as + self.support)

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the labels that occur, as truth or as what was read."""
        occurs = (self._read_as + self.support) > 0
        return float(self.f1[occurs].mean()) if occurs.any() else 0.0

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the labels that have images."""
        present = self.support > 0
        return float(self.recall[present].mean()) if present.any() else 0.0

    def most_confused(self, count: int = 20) -> list[Confusion]:
        """Return the most frequent mistakes, the most frequent first; of equals the one of the earlier label."""
        wrong = np.flatnonzero(self.truth != self.read)
        order = wrong[np.argsort(-self.images[wrong], kind="stable")][:count]
        return [Confusion(*pair) for pair in self.triplets(order)]

    def triplets(self, which: NDArray[np.int64] | slice = slice(None)) -> list[tuple[int, int, int]]:
        """Return the pairs, or some of them, as (truth, read, images)."""
        columns = (column[which].tolist() for column in (self.truth, self.read, self.images))
        return list(zip(*columns, strict=True))

    @classmethod
    def from_triplets(cls, triplets: Sequence[tuple[int, int, int]], classes: int) -> Self:
        """Return the matrix of pairs (truth, read, images), sorted."""
        columns = np.array(triplets, np.int64).reshape(-1, 3).T
        return cls(classes, *columns)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def image_losses(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> Floats:
    """Return `-log p(truth)` of each image, in nats, float64 `[N]`.

    Args:
        probabilities: float32 `[N,C]`. One that vanished counts as the smallest normal float32 (a loss of 87.3).
        truth: int64 `[N]`.
    """
    own = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return -np.log(np.maximum(own, np.finfo(np.float32).tiny))


def cross_entropy(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Return the mean of the `image_losses`, in nats."""
    return float(image_losses(probabilities, truth).mean())


def share_among(top: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Return the share of images whose truth, int64 `[N]`, is among their likeliest labels, int64 `[N,K]`."""
    return float((top == truth[:, None]).any(1).mean())


def top_k_accuracy(probabilities: NDArray[np.float32], truth: NDArray[np.int64], k: int) -> float:
    """Return the share of images whose truth is among the `k` likeliest labels; of equals the earlier comes first."""
    return share_among(top_indices(probabilities, k), truth)
