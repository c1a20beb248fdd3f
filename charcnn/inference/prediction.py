"""The prediction for one image."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ConfigError

Status = Literal["read", "unreadable"]
"""`read`: the image was read. `unreadable`: its file could not be opened or decoded."""

_MAX_K_WITHOUT_SORT = 8
"""Largest `k` for which `k` searches for the maximum are faster than sorting."""


class Guess(NamedTuple):
    """A label and its probability, 0 … 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image.

    Attributes:
        status: Whether the image was read.
        top: The most likely labels, best first. Empty if the image was not read.
        reason: Why the image was not read. Empty if it was.
    """

    status: Status
    top: tuple[Guess, ...] = ()
    reason: str = ""

    @property
    def label(self) -> str:
        """The most likely label. Empty if the image was not read."""
        return self.top[0].label if self.top else ""

    @property
    def probability(self) -> float | None:
        """The probability of the most likely label, 0 … 1. None if the image was not read."""
        return self.top[0].probability if self.top else None


def top_indices(probabilities: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the indices of the `k` largest values of each row, largest first. Ties keep the order of the columns.

    Args:
        probabilities: Nonnegative float32 `[N,C]`.
        k: Number of indices per row, at least 1.

    Returns:
        int64 `[N,min(k,C)]`.

    Raises:
        ConfigError: `k` is below 1.
    """
    if k < 1:
        raise ConfigError("must be at least 1", field="top_k", value=k)
    count, classes = probabilities.shape
    k = min(k, classes)
    if k > _MAX_K_WITHOUT_SORT:
        return np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    best = np.empty((count, k), np.int64)
    best[:, :1] = probabilities.argmax(1)[:, None]
    rest = probabilities.copy() if k > 1 else probabilities
    for rank in range(1, k):
        np.put_along_axis(rest, best[:, rank - 1 : rank], -1, axis=1)
        best[:, rank] = rest.argmax(1)
    return best
