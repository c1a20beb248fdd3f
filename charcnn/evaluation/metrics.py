"""Classification metrics in numpy. The tests compare them with scikit-learn's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from charcnn.inference.prediction import top_indices

Floats = NDArray[np.float64]


class Confusion(NamedTuple):
    """A pair of a true and a predicted label, as indices, and its number of images."""

    truth: int
    read: int
    images: int


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """A sparse confusion matrix, which needs little memory even for thousands of labels.

    Attributes:
        classes: The number of labels, C.
        truth: int64 `[P]`, in 0 … C - 1: the true label of each pair. Pairs are sorted by `truth`, then by `read`.
        read: int64 `[P]`, in 0 … C - 1: the predicted label of each pair.
        images: int64 `[P]`: the number of images of each pair, at least 1.
    """

    classes: int
    truth: NDArray[np.int64]
    read: NDArray[np.int64]
    images: NDArray[np.int64]

    @classmethod
    def count(cls, truth: NDArray[np.int64], read: NDArray[np.int64], classes: int) -> Self:
        """Return the confusion matrix of true and predicted labels, both int64 `[N]` in 0 … classes - 1."""
        pairs, images = np.unique(truth * classes + read, return_counts=True)
        return cls(classes, pairs // classes, pairs % classes, images.astype(np.int64))

    @classmethod
    def count_labels(cls, truth: Sequence[str], read: Sequence[str], labels: Sequence[str]) -> Self:
        """Return the confusion matrix of true and predicted label texts, `N` each, all in `labels`."""
        index = {label: position for position, label in enumerate(labels)}
        true_indices, read_indices = (
            np.array([index[label] for label in column], np.int64) for column in (truth, read)
        )
        return cls.count(true_indices, read_indices, len(labels))

    def to_dense(self) -> NDArray[np.int64]:
        """Return the matrix as int64 `[C,C]`, with a row per true label and a column per predicted label."""
        dense = np.zeros((self.classes, self.classes), np.int64)
        dense[self.truth, self.read] = self.images
        return dense

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """Number of images of each label, int64 `[C]`."""
        return self._sum_by(self.truth)

    @cached_property
    def _read_as(self) -> NDArray[np.int64]:
        return self._sum_by(self.read)

    @cached_property
    def _correct(self) -> NDArray[np.int64]:
        return self._sum_by(self.truth, self.truth == self.read)

    def _sum_by(self, column: NDArray[np.int64], where: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.int64]:
        sums = np.zeros(self.classes, np.int64)
        np.add.at(sums, column[where], self.images[where])
        return sums

    @property
    def accuracy(self) -> float:
        """Fraction of images that were read correctly, 0 … 1. 0 without images."""
        return float(self._correct.sum() / max(1, self.images.sum()))

    @cached_property
    def precision(self) -> Floats:
        """Precision of each label, float64 `[C]`. 0 if no image was read as the label."""
        return _ratio(self._correct, self._read_as)

    @cached_property
    def recall(self) -> Floats:
        """Recall of each label, float64 `[C]`. 0 if the label has no images."""
        return _ratio(self._correct, self.support)

    @cached_property
    def f1(self) -> Floats:
        """F1 of each label, the harmonic mean of precision and recall, float64 `[C]`. 0 if both are 0."""
        return _ratio(2 * self._correct, self._read_as + self.support)

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the labels that occur, as true or predicted label."""
        occurs = (self._read_as + self.support) > 0
        return float(self.f1[occurs].mean()) if occurs.any() else 0.0

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the labels that have images."""
        present = self.support > 0
        return float(self.recall[present].mean()) if present.any() else 0.0

    def most_confused(self, count: int = 20) -> list[Confusion]:
        """Return the most frequent mistakes, most frequent first. Ties keep the order of the labels."""
        mistakes = np.flatnonzero(self.truth != self.read)
        order = mistakes[np.argsort(-self.images[mistakes], kind="stable")][:count]
        return [Confusion(*pair) for pair in self.triplets(order)]

    def triplets(self, which: NDArray[np.int64] | slice = slice(None)) -> list[tuple[int, int, int]]:
        """Return all or some of the pairs as (truth, read, images)."""
        columns = (column[which].tolist() for column in (self.truth, self.read, self.images))
        return list(zip(*columns, strict=True))

    @classmethod
    def from_triplets(cls, triplets: Sequence[tuple[int, int, int]], classes: int) -> Self:
        """Return the matrix of sorted pairs (truth, read, images)."""
        columns = np.array(triplets, np.int64).reshape(-1, 3).T
        return cls(classes, *columns)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def image_losses(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> Floats:
    """Return `-log p(truth)` of each image, in nats, float64 `[N]`.

    Args:
        probabilities: float32 `[N,C]`. Values below the smallest normal float32 count as that (a loss of 87.3).
        truth: int64 `[N]`, the index of each image's label.
    """
    own = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return -np.log(np.maximum(own, np.finfo(np.float32).tiny))


def cross_entropy(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Return the mean of `image_losses`, in nats."""
    return float(image_losses(probabilities, truth).mean())


def share_among(top: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Return the fraction of images whose label, int64 `[N]`, is among their top labels, int64 `[N,K]`."""
    return float((top == truth[:, None]).any(1).mean())


def top_k_accuracy(probabilities: NDArray[np.float32], truth: NDArray[np.int64], k: int) -> float:
    """Return the top-k accuracy: the fraction of images whose label is among the `k` most likely ones.

    Args:
        probabilities: float32 `[N,C]`. Ties keep the order of the labels.
        truth: int64 `[N]`, the index of each image's label.
        k: Number of labels that count.
    """
    return share_among(top_indices(probabilities, k), truth)
