"""Augmentation of a whole batch on its device, in a few operations: every epoch changes every image in another way.

Nothing is ever flipped: a mirrored character is another character, or none.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from charcnn.specs.choices import Augmentation
from charcnn.specs.image import ImageSpec

_KNOTS = 4
"""The displacement field is drawn on a grid of so many knots a side and is smooth between them."""


@dataclass(frozen=True)
class Strength:
    """How far an image may be changed.

    Attributes:
        rotation: Degrees, drawn from `[-rotation, rotation]`, as all that follow but the last three.
        shear: Slope of what was upright.
        scale: Natural logarithm of the factor by which both sides grow.
        aspect: Natural logarithm of the factor by which the width grows and the height shrinks.
        shift: Share of the side, for each direction.
        warp: Share of the side: standard deviation of the smooth displacement at a knot.
        thickness: Share of the batch whose strokes grow or shrink by up to a pixel on each side; rounded, so that a
            batch of fewer than five stays as it is.
        erased: Share of the batch, rounded, in which a rectangle, of 8 … 33 % of each side, becomes paper.
    """

    rotation: float
    shear: float
    scale: float
    aspect: float
    shift: float
    warp: float
    thickness: float
    erased: float


STRENGTHS: dict[Augmentation, Strength | None] = {
    "off": None,
    "light": Strength(8, 0.1, 0.1, 0.08, 0.05, 0.02, 0.0, 0.0),
    "strong": Strength(12, 0.2, 0.15, 0.15, 0.08, 0.05, 0.25, 0.25),
}


def augment_batch(images: Tensor, strength: Strength, spec: ImageSpec, generator: torch.Generator | None) -> Tensor:
    """Change each image of a batch in its own way.

    Args:
        images: float32 `[B,1,H,W]`, normalized by `spec`, in random order: a share of the batch is its first images.
        strength: How far.
        spec: Its mean and std give the value of paper, which fills what comes into view.
        generator: On the CPU; every draw comes from it.

    Returns:
        float32 `[B,1,H,W]`, on the images' device.
    """
    paper = (1 - spec.mean) / spec.std
    ink = images - paper if paper else images
    ink = _warp(ink, strength, generator)
    ink = _change_thickness(ink, strength.thickness, generator)
    ink = _erase(ink, strength.erased, generator)
    return ink + paper if paper else ink


def _warp(ink: Tensor, strength: Strength, generator: torch.Generator | None) -> Tensor:
    """Apply an affine map and a smooth displacement in one: sampling positions are linear in the drawn numbers."""
    count, _, height, width = ink.shape
    turn, lean, size, shape, right, down = (torch.rand(6, count, generator=generator) * 2 - 1).unbind()
    angle, lean = turn * math.radians(strength.rotation), lean * strength.shear
    across = torch.exp(-(size * strength.scale + shape * strength.aspect))
    along = torch.exp(-(size * strength.scale - shape * strength.aspect))
    cos, sin = torch.cos(angle), torch.sin(angle)
    x = torch.stack([cos * across, (lean * cos - sin) * along, right * 2 * strength.shift], 1)  # [B,3]
    y = torch.stack([sin * across, (lean * sin + cos) * along, down * 2 * strength.shift], 1)
    knots = torch.randn(count, 2, _KNOTS**2, generator=generator) * (2 * strength.warp)
    drawn = torch.cat([torch.stack([x, y], 1), knots], 2).to(ink.device)  # [B,2,3+K]
    grid = drawn @ _basis(height, width, ink.device)  # [B,2,HW]
    grid = grid.transpose(1, 2).reshape(count, height, width, 2)
    return functional.grid_sample(ink, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@lru_cache(maxsize=8)
def _basis(height: int, width: int, device: torch.device) -> Tensor:
    """Return what each drawn number adds to each pixel, `[3+K,HW]`: x, y, 1, and a cubic bump around each knot."""
    xs, ys = ((torch.arange(side) * 2 + 1) / side - 1 for side in (width, height))
    grid_y, grid_x = torch.meshgrid(ys, xs, indexing="ij")
    bumps = functional.interpolate(
        torch.eye(_KNOTS**2).view(1, -1, _KNOTS, _KNOTS), (height, width), mode="bicubic", align_corners=True
    )
    return torch.cat([torch.stack([grid_x, grid_y, torch.ones_like(grid_x)])[None], bumps], 1)[0].flatten(1).to(device)


def _change_thickness(ink: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Thicken half of the share of the images, and thin the other half, by up to a pixel."""
    each = round(len(ink) * share / 2)
    if not each:
        return ink
    before = ink[: 2 * each]  # ink is negative: its minimum is the darkest
    mix = torch.rand(2 * each, 1, 1, 1, generator=generator).to(ink.device)
    darkest = -functional.max_pool2d(-before[:each], 3, 1, 1)
    lightest = functional.max_pool2d(before[each:], 3, 1, 1)
    changed = torch.lerp(before, torch.cat([darkest, lightest]), mix)
    return torch.cat([changed, ink[2 * each :]])


def _erase(ink: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Erase one rectangle of each of the last images of the batch."""
    count = round(len(ink) * share)
    if not count:
        return ink
    drawn = torch.rand(4, count, 1, generator=generator).to(ink.device)
    middle, half = drawn[:2], (0.08 + 0.25 * drawn[2:]) / 2  # shares of the side: [2,count,1]
    outside = []
    for side, center, reach in zip(ink.shape[2:], middle, half, strict=True):
        at = (torch.arange(side, device=ink.device) + 0.5) / side
        outside.append((at - center).abs() > reach)  # [count,side]
    keep = outside[0][:, None, :, None] | outside[1][:, None, None, :]
    return torch.cat([ink[:-count], ink[-count:] * keep])
