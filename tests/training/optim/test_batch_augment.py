"""Batch augmentation: images change in every epoch, but remain the same character."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from charcnn.registry.version import WEIGHTS_FILE
from charcnn.specs.image import ImageSpec
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.optim.batch_augment import STRENGTHS, Strength, augment_batch
from charcnn.training.step import StepResult
from charcnn.training.train import Trained

STILL = Strength(0, 0, 0, 0, 0, 0, 0, 0)
KINDS = [name for name, strength in STRENGTHS.items() if strength]
SPECS = [ImageSpec(), ImageSpec(mean=0.5, std=0.5)]
seeds = st.integers(0, 2**31)


def of(kind: str) -> Strength:
    strength = STRENGTHS[kind]  # type: ignore[index]
    assert strength
    return strength


def shown(ink: Tensor, spec: ImageSpec) -> Tensor:
    """Convert ink (0 for paper … 1) to normalized images."""
    return ((1 - ink) - spec.mean) / spec.std


def ink_of(images: Tensor, spec: ImageSpec) -> Tensor:
    """Convert normalized images to ink, the inverse of `shown`."""
    return 1 - (images * spec.std + spec.mean)


def change(ink: Tensor, strength: Strength, seed: int = 0, spec: ImageSpec = SPECS[0]) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return ink_of(augment_batch(shown(ink, spec), strength, spec, generator), spec)


def blob(count: int, height: int = 28, width: int = 28) -> Tensor:
    """A filled rectangle in the middle, half as high and wide as the image."""
    ink = torch.zeros(count, 1, height, width)
    ink[..., height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
    return ink


def noise(count: int) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_alone_decides(kind: str) -> None:
    before = torch.get_rng_state()
    one, same, other = (change(noise(8), of(kind), seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_batch_continues_the_random_sequence() -> None:
    generator = torch.Generator().manual_seed(0)
    images = shown(noise(4), SPECS[0])
    one, other = (augment_batch(images, of("light"), SPECS[0], generator) for _ in range(2))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("height", "width"), [(28, 28), (32, 32), (20, 36)])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_shape_and_dtype_do_not_change(kind: str, height: int, width: int, count: int) -> None:
    images = blob(count, height, width) - 1
    before = images.clone()
    changed = augment_batch(images, of(kind), SPECS[0], torch.Generator().manual_seed(0))
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert torch.equal(images, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_blank_paper_stays_blank(kind: str, spec: ImageSpec) -> None:
    for seed in range(5):
        assert change(torch.zeros(16, 1, 28, 28), of(kind), seed, spec).abs().max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SPECS, ids=str)
@settings(deadline=None, max_examples=40)
@given(seed=seeds)
def test_ink_is_neither_lost_nor_inverted_nor_created(kind: str, spec: ImageSpec, seed: int) -> None:
    before, after = blob(16), change(blob(16), of(kind), seed, spec)
    assert after.min() > -1e-5
    assert after.max() < 1 + 1e-5
    share = after.sum((1, 2, 3)) / before.sum((1, 2, 3))
    assert share.min() > 0.2
    assert share.max() < 3
    assert after.amax((1, 2, 3)).min() > 0.9  # the darkest pixels stay dark


@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_augmentation_off_changes_nothing(seed: int) -> None:
    for spec in SPECS:
        torch.testing.assert_close(change(noise(4), STILL, seed, spec), noise(4), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "strength",
    [
        replace(STILL, rotation=8),
        replace(STILL, shear=0.1),
        replace(STILL, scale=0.1),
        replace(STILL, aspect=0.1),
        replace(STILL, shift=0.05),
        replace(STILL, warp=0.02),
        replace(STILL, thickness=1.0),
        replace(STILL, erased=1.0),
    ],
    ids=str,
)
def test_each_image_is_changed_in_its_own_way(strength: Strength) -> None:
    full = torch.ones(6, 1, 28, 28) if strength.erased else blob(6)
    after = change(full, strength).flatten(1)
    assert (torch.cdist(after, full.flatten(1)[:1]) > 0.01).all()
    distances = torch.cdist(after, after)
    assert (distances + torch.eye(6) > 0.01).all()


def test_an_image_does_not_depend_on_the_rest_of_the_batch() -> None:
    alone = noise(8)
    alone[3:5] = 0
    together, apart = change(noise(8), of("strong")), change(alone, of("strong"))
    for index in (0, 1, 2, 5, 6, 7):
        assert torch.equal(together[index], apart[index])


def corner() -> Tensor:
    """A thick L, which differs clearly from its mirror images and rotations."""
    ink = torch.zeros(1, 1, 28, 28)
    ink[..., 4:24, 4:11] = 1
    ink[..., 17:24, 4:24] = 1
    return ink


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=25)
@given(seed=seeds)
def test_images_are_never_mirrored_or_turned_upside_down(kind: str, seed: int) -> None:
    """A few images may be warped beyond recognition, but half of them would be mirrored."""
    after = change(corner().expand(64, -1, -1, -1), replace(of(kind), erased=0.0), seed)
    near = (after - corner()).square().sum((1, 2, 3))
    for mirrored in (corner().flip(3), corner().flip(2), corner().flip(2, 3), corner().transpose(2, 3)):
        assert (near < (after - mirrored).square().sum((1, 2, 3))).float().mean() > 0.9


def test_only_a_fraction_of_the_images_changes_thickness() -> None:
    mass = blob(1).sum()
    for seed in range(4):
        after = change(blob(8), replace(STILL, thickness=0.5), seed).sum((1, 2, 3))
        assert (after[:2] > mass + 0.01).all()
        assert (after[2:4] < mass - 0.01).all()
        torch.testing.assert_close(after[4:], mass.expand(4), rtol=1e-4, atol=0)


def test_only_a_fraction_of_the_images_loses_a_rectangle() -> None:
    full = torch.ones(8, 1, 24, 30)
    still = change(full, STILL)  # resampling may soften the edge
    for seed in range(4):
        after = change(full, replace(STILL, erased=0.5), seed)
        assert torch.equal(after[:4], still[:4])
        for image in after[4:, 0]:
            gone = image < 0.01
            rows, columns = gone.any(1), gone.any(0)
            assert torch.equal(gone, rows[:, None] & columns[None])  # one rectangle
            assert 1 <= rows.sum() <= 0.34 * 24 + 1
            assert 1 <= columns.sum() <= 0.34 * 30 + 1


# in training


def weights_hash(trained: Trained) -> str:
    return trained.version.card.files[WEIGHTS_FILE]


class Inputs(Callback):
    """A callback that keeps the inputs of the network, one tensor per batch."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        self.seen.append(result.inputs)


def closest_two(inputs: Inputs) -> float:
    """Return the distance between the two most similar images."""
    images = torch.cat(inputs.seen).flatten(1)
    return float((torch.cdist(images, images) + 1000 * torch.eye(len(images))).min())


def test_training_changes_each_image_in_each_epoch(draw: Callable[..., Path], run: Callable[..., Trained]) -> None:
    data, off, light = draw("small"), Inputs(), Inputs()
    run(data, off, epochs=2, val_split=0, augment="off")
    run(data, light, epochs=2, val_split=0, augment="light")
    assert [len(batch) for batch in light.seen] == [8] * 6
    assert closest_two(off) < 0.01  # the second epoch shows the same images
    assert closest_two(light) > 0.01


def test_training_with_augmentation_is_the_same_twice(draw: Callable[..., Path], run: Callable[..., Trained]) -> None:
    data = draw("small")
    kinds = (("light", 1), ("light", 1), ("light", 2), ("off", 1))
    one, same, other, none = (run(data, augment=augment, seed=seed) for augment, seed in kinds)
    assert weights_hash(one) == weights_hash(same)
    assert len({weights_hash(trained) for trained in (one, other, none)}) == 3
    assert one.version.card.training.config.augment == "light"


def test_validation_images_are_never_changed(draw: Callable[..., Path], run: Callable[..., Trained]) -> None:
    """With a tiny learning rate, the same network is validated on the same images."""
    data = draw("small")
    still: dict[str, Any] = {"opt": "gd", "lr": 1e-30}
    off, strong = (run(data, augment=augment, epochs=1, **still).history[0] for augment in ("off", "strong"))
    assert (off.val_loss, off.val_accuracy) == (strong.val_loss, strong.val_accuracy)
    assert off.loss != strong.loss
