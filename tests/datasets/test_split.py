"""A split keeps groups together, leaves no class out, and is the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.scan import scan
from charcnn.datasets.split import split_indices
from charcnn.errors import DatasetError
from charcnn.specs.image import ImageSpec

Labelled = tuple[NDArray[np.int64], NDArray[np.int64]]


@st.composite
def _labelled(draw: st.DrawFn) -> Labelled:
    """Labels and groups of images in any order; every group has one label, and the first class has two groups."""
    about = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), min_size=1, max_size=40))
    about += [(0, 1), (0, 2)]
    labels = np.concatenate([np.full(size, label) for label, size in about])
    groups = np.concatenate([np.full(size, 7 * number) for number, (_, size) in enumerate(about)])
    order = np.random.default_rng(draw(st.integers(0, 1000))).permutation(len(labels))
    return labels[order].astype(np.int64), groups[order].astype(np.int64)


SHARES, SEEDS = st.floats(0.01, 0.99), st.integers(0, 2**32)


@settings(deadline=None)
@given(data=_labelled(), share=SHARES, seed=SEEDS)
def test_every_image_is_on_one_side(data: Labelled, share: float, seed: int) -> None:
    stays, aside = split_indices(*data, share, seed)
    assert sorted([*stays, *aside]) == list(range(len(data[0])))
    assert stays.tolist() == sorted(stays)
    assert aside.tolist() == sorted(aside)
    assert len(stays) > 0
    assert len(aside) > 0


@settings(deadline=None)
@given(data=_labelled(), share=SHARES, seed=SEEDS)
def test_no_group_is_on_both_sides(data: Labelled, share: float, seed: int) -> None:
    stays, aside = split_indices(*data, share, seed)
    assert not set(data[1][stays]) & set(data[1][aside])


@settings(deadline=None)
@given(data=_labelled(), share=SHARES, seed=SEEDS, other=st.integers(0, 5))
def test_a_group_with_several_labels_stays_on_one_side(data: Labelled, share: float, seed: int, other: int) -> None:
    labels = data[0].copy()
    labels[1::3] = other
    try:
        stays, aside = split_indices(labels, data[1], share, seed)
    except DatasetError:
        return  # now no class may have two groups
    assert sorted([*stays, *aside]) == list(range(len(labels)))
    assert not set(data[1][stays]) & set(data[1][aside])


@settings(deadline=None)
@given(data=_labelled(), share=SHARES, seed=SEEDS)
def test_a_class_with_two_groups_is_on_both_sides_and_with_one_stays(data: Labelled, share: float, seed: int) -> None:
    labels, groups = data
    stays, aside = split_indices(labels, groups, share, seed)
    for label in np.unique(labels):
        several = len(np.unique(groups[labels == label])) > 1
        assert label in labels[stays]
        assert (label in labels[aside]) == several


@settings(deadline=None)
@given(data=_labelled(), share=SHARES, seed=SEEDS)
def test_the_share_is_right_to_within_one_group(data: Labelled, share: float, seed: int) -> None:
    labels, groups = data
    _, aside = split_indices(labels, groups, share, seed)
    for label in np.unique(labels):
        _, sizes = np.unique(groups[labels == label], return_counts=True)
        if len(sizes) > 1:
            assert abs((labels[aside] == label).sum() - share * sizes.sum()) <= sizes.max()


@settings(deadline=None)
@given(data=_labelled(), share=SHARES, seed=SEEDS)
def test_the_same_seed_gives_the_same_split(data: Labelled, share: float, seed: int) -> None:
    one, again = (split_indices(*data, share, seed) for _ in range(2))
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])


@pytest.mark.parametrize("share", [0.05, 0.2, 0.7])
def test_the_share_is_right_in_each_class_if_writers_wrote_them_all(share: float) -> None:
    labels, writers = np.repeat(np.arange(12), 100), np.tile(np.arange(100), 12)
    stays, aside = split_indices(labels, writers, share, seed=1)
    assert np.bincount(labels[aside]).tolist() == [round(100 * share)] * 12
    assert not set(writers[stays]) & set(writers[aside])


@pytest.mark.parametrize("seed", range(20))
def test_a_class_written_by_few_writers_is_on_both_sides(seed: int) -> None:
    labels = np.concatenate([np.repeat(np.arange(5), 60), np.full(3, 5)])
    writers = np.concatenate([np.tile(np.arange(60), 5), np.arange(3)])
    stays, aside = split_indices(labels, writers, 0.2, seed)
    assert set(labels[stays]) == set(labels[aside]) == set(range(6))
    assert not set(writers[stays]) & set(writers[aside])


@settings(deadline=None, max_examples=50)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4)), min_size=2, max_size=60), share=SHARES, seed=SEEDS
)
def test_groups_that_span_classes_leave_every_class_in_training(
    pairs: list[tuple[int, int]], share: float, seed: int
) -> None:
    groups, labels = np.array(pairs).T
    try:
        stays, aside = split_indices(labels, groups, share, seed)
    except DatasetError:
        return
    assert set(labels[stays]) == set(labels)
    assert not set(groups[stays]) & set(groups[aside])


def test_another_seed_gives_another_split() -> None:
    labels, groups = np.repeat(np.arange(4), 50), np.arange(200)
    splits = {tuple(split_indices(labels, groups, 0.2, seed)[1]) for seed in range(5)}
    assert len(splits) == 5
    assert {len(split) for split in splits} == {40}


@pytest.mark.parametrize("groups", [[0, 0, 1, 1], [0, 0, 0, 0]])
def test_classes_with_one_group_each_cannot_be_split(groups: list[int]) -> None:
    with pytest.raises(DatasetError, match="4 images cannot be split") as caught:
        split_indices(np.array([0, 0, 1, 1]), np.array(groups), 0.2, 0)
    assert "`val_split=0`" in caught.value.hint


def test_no_images_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="0 images"):
        split_indices(np.array([], np.int64), np.array([], np.int64), 0.2, 0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_real_duplicate_is_on_both_sides(fudan12: Path, seed: int) -> None:
    arrays = LabeledImages.load(scan(fudan12 / "train"), ImageSpec(polarity="dark-on-light"))
    stays, aside = split_indices(arrays.labels, arrays.groups, 0.2, seed)
    digests = [{arrays.digests[index].tobytes() for index in side} for side in (stays, aside)]
    assert not digests[0] & digests[1]
    pixels = [{arrays.images[index].tobytes() for index in side} for side in (stays, aside)]
    assert not pixels[0] & pixels[1]
    assert np.bincount(arrays.labels[aside]) == pytest.approx(124, abs=2)
