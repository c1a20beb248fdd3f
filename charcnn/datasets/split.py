"""Splits, stratified by class, that keep groups (duplicates, copies, writers) together; the same for the same seed."""

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import DatasetError
from charcnn.text import pluralize


def split_indices(
    labels: NDArray[np.int64], groups: NDArray[np.generic], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split off a share of each class, whole groups at a time.

    A group counts for the class of its first image, so that a duplicate under two labels stays on one side; so does
    all that one writer wrote, and where each wrote every class, the share is right in all of them. A class of several
    groups has at least one on either side, as far as groups of several classes allow it; it always keeps one.

    Args:
        labels: int64 `[N]`.
        groups: `[N]`; images with equal values stay together.
        share: Share of each class to split off, 0 … 1 (exclusive).
        seed: Random seed.

    Returns:
        Indices that stay and indices that are split off, each sorted.

    Raises:
        DatasetError: one side would be empty.
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
    _ensure_both_sides(aside, member, labels, rng)
    put_aside = aside[member]
    if put_aside.all() or not put_aside.any():
        raise DatasetError(
            f"{pluralize(len(labels), 'image')} cannot be split: each class needs at least two distinct images.",
            "Add images. Training can do without validation: `val_split=0`.",
        )
    return np.flatnonzero(~put_aside), np.flatnonzero(put_aside)


def _ensure_both_sides(
    aside: NDArray[np.bool_], member: NDArray[np.intp], labels: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Move groups to the side where a class of several groups has none, as groups of several classes can lead to that.

    Not scikit-learn's `StratifiedGroupKFold`: it makes k folds of 1/k each, not any share, and does not ensure that
    every class is on both sides.

    Args:
        aside: bool `[G]`: which groups are split off; changed in place.
        member: int `[N]`: the group of each image.
        labels: int64 `[N]`.
        rng: Chooses which.
    """
    group, label = np.unique(np.stack([member, labels]), axis=1) if len(labels) else (member, labels)
    has = np.bincount(label, minlength=1)
    stay = np.bincount(label[~aside[group]], minlength=len(has))
    for poor in np.flatnonzero((has > 1) & (stay == has)):
        if stay[poor] < has[poor]:
            continue  # one that was moved for another class had some of this one too
        for candidate in rng.permutation(group[label == poor]):
            touched = label[group == candidate]
            if (stay[touched] > 1).all():
                aside[candidate] = True
                stay[touched] -= 1
                break
    for poor in np.flatnonzero((has > 0) & (stay == 0)):
        if stay[poor] == 0:
            back = rng.choice(group[label == poor])
            aside[back] = False
            stay[label[group == back]] += 1
