"""Stratified splits that keep groups (duplicates, copies, writers) together. Deterministic for a given seed."""

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import DatasetError
from charcnn.text import pluralize


def split_indices(
    labels: NDArray[np.int64], groups: NDArray[np.generic], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split off a share of each class, in whole groups.

    A group counts toward the class of its first image and is never divided: a duplicate under two labels stays on one
    side, and so do the images of one writer. If every writer wrote every class, the share is right in each class. A
    class with several groups gets at least one on each side, unless groups that span classes prevent it. At least one
    always stays.

    Args:
        labels: int64 `[N]`.
        groups: `[N]`; images with equal values stay together.
        share: Share of each class to split off, between 0 and 1 (exclusive).
        seed: Random seed.

    Returns:
        Indices of the images that stay and of those that are split off, each sorted.

    Raises:
        DatasetError: one side would be empty.
    """
    rng = np.random.default_rng(seed)
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    sizes = np.bincount(member)
    is_split_off = np.zeros(len(first), bool)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels[first] == label))
        if len(own) < 2:
            continue
        wanted = share * sizes[own].sum()
        before = np.cumsum(sizes[own]) - sizes[own] / 2  # a group goes to the side where most of it fits
        count = int(np.clip(np.count_nonzero(before < wanted), 1, len(own) - 1))
        is_split_off[own[:count]] = True
    _ensure_both_sides(is_split_off, member, labels, rng)
    chosen = is_split_off[member]
    if chosen.all() or not chosen.any():
        raise DatasetError(
            f"{pluralize(len(labels), 'image')} cannot be split: each class needs at least two distinct images.",
            "Add images, or train without validation: `val_split=0`.",
        )
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _ensure_both_sides(
    is_split_off: NDArray[np.bool_], member: NDArray[np.intp], labels: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Move groups so that each class with several groups is on both sides, which groups that span classes can prevent.

    scikit-learn's `StratifiedGroupKFold` does not fit: it makes k folds of equal size rather than any share, and does
    not ensure that every class is on both sides.

    Args:
        is_split_off: bool `[G]`: whether each group is split off; changed in place.
        member: int `[N]`: the group of each image.
        labels: int64 `[N]`.
        rng: Selects the groups to move.
    """
    group, label = np.unique(np.stack([member, labels]), axis=1) if len(labels) else (member, labels)
    total = np.bincount(label, minlength=1)
    staying = np.bincount(label[~is_split_off[group]], minlength=len(total))
    for lacking in np.flatnonzero((total > 1) & (staying == total)):
        if staying[lacking] < total[lacking]:
            continue  # a group that was moved for another class contains this class too
        for candidate in rng.permutation(group[label == lacking]):
            touched = label[group == candidate]
            if (staying[touched] > 1).all():
                is_split_off[candidate] = True
                staying[touched] -= 1
                break
    for lacking in np.flatnonzero((total > 0) & (staying == 0)):
        if staying[lacking] == 0:
            back = rng.choice(group[label == lacking])
            is_split_off[back] = False
            staying[label[group == back]] += 1
