"""Honest splits: stratified by class, groups (duplicates, children) never torn apart, the same for the same seed."""

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import DatasetError


def split_indices(
    labels: NDArray[np.int64], groups: NDArray[np.generic], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Puts a share of each class aside, whole groups at a time.

    A group counts for the class of its first image, so that a duplicate under two labels stays on one side. A class of
    several groups has at least one on either side.

    Args:
        labels: int64 `[N]`.
        groups: `[N]`; images with equal values stay together.
        share: Share of each class to put aside, 0 … 1 (exclusive).
        seed: Drives which.

    Returns:
        Indices that stay and indices put aside, each sorted.

    Raises:
        DatasetError: nothing would be left, or nothing put aside.
    """
    rng = np.random.default_rng(seed)
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    sizes = np.bincount(member)
    aside = np.zeros(len(first), bool)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels[first] == label))
        if len(own) < 2:
            continue
        wanted = share * sizes[own].sum()
        before = np.cumsum(sizes[own]) - sizes[own] / 2  # a group goes where most of it fits
        count = int(np.clip(np.count_nonzero(before < wanted), 1, len(own) - 1))
        aside[own[:count]] = True
    put_aside = aside[member]
    if put_aside.all() or not put_aside.any():
        raise DatasetError(
            f"{len(labels)} images cannot be split: each class needs two different images at least.",
            "Add images, or train with --val-split 0 (no validation, the last epoch's weights).",
        )
    return np.flatnonzero(~put_aside), np.flatnonzero(put_aside)
