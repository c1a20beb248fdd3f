"""Augment whole batches on the training device, with different random changes in every epoch.

Images are never flipped, because a mirrored character is a different character or none at all.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from charcnn.specs.choices import Augmentation
from charcnn.specs.image import ImageSpec

_KNOTS_PER_SIDE = 4
"""Knots per side of the grid of random displacements, which are interpolated smoothly."""


@dataclass(frozen=True)
class Strength:
    """The strength of the augmentation.

    `rotation`, `shear`, `scale`, `aspect` and `shift` are maximums: the change of each image is drawn uniformly from
    `[-maximum, maximum]`.

    Attributes:
        rotation: Rotation angle, in degrees.
        shear: Horizontal shear, as the slope of vertical lines.
        scale: Natural logarithm of the factor that scales width and height.
        aspect: Natural logarithm of the factor that multiplies the width and divides the height.
        shift: Shift in each direction, as a fraction of the side.
        warp: Standard deviation of the smooth displacement at a knot, as a fraction of the side.
        thickness: Fraction of the batch whose strokes become thicker or thinner, by up to a pixel on each side. The
            number of images is rounded, to 0 for small batches.
        erased: Fraction of the batch in which a rectangle is erased. The sides of the rectangle are 8 … 33 % of the
            image's sides. The number of images is rounded.
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
"""The strength of each `augment` setting."""


def augment_batch(images: Tensor, strength: Strength, spec: ImageSpec, generator: torch.Generator | None) -> Tensor:
    """Augment each image of a batch with different random changes.

    Args:
        images: Normalized float32 `[B,1,H,W]`, in random order, because some changes affect only the first or the last
            images.
        strength: The strength of the changes.
        spec: The mean and std of the normalization. They define the value of white paper, which fills new areas.
        generator: The CPU generator of all random numbers. torch's global generator if None.

    Returns:
        float32 `[B,1,H,W]`, on the device of the images.
    """
    paper = (1 - spec.mean) / spec.std
    ink = images - paper if paper else images
    ink = _warp(ink, strength, generator)
    ink = _change_thickness(ink, strength.thickness, generator)
    ink = _erase(ink, strength.erased, generator)
    return ink + paper if paper else ink


def _warp(ink: Tensor, strength: Strength, generator: torch.Generator | None) -> Tensor:
    """Apply an affine map and a smooth displacement in one resampling.

    The sampling positions are linear in the random numbers, so one matrix product computes all of them.
    """
    count, _, height, width = ink.shape
    angle, shear, size, shape, right, down = (torch.rand(6, count, generator=generator) * 2 - 1).unbind()
    angle, shear = angle * math.radians(strength.rotation), shear * strength.shear
    scale_x = torch.exp(-(size * strength.scale + shape * strength.aspect))
    scale_y = torch.exp(-(size * strength.scale - shape * strength.aspect))
    cos, sin = torch.cos(angle), torch.sin(angle)
    x = torch.stack([cos * scale_x, (shear * cos - sin) * scale_y, right * 2 * strength.shift], 1)  # [B,3]
    y = torch.stack([sin * scale_x, (shear * sin + cos) * scale_y, down * 2 * strength.shift], 1)
    knots = torch.randn(count, 2, _KNOTS_PER_SIDE**2, generator=generator) * (2 * strength.warp)
    drawn = torch.cat([torch.stack([x, y], 1), knots], 2).to(ink.device)  # [B,2,3+K]
    grid = drawn @ _basis(height, width, ink.device)  # [B,2,HW]
    grid = grid.transpose(1, 2).reshape(count, height, width, 2)
    return functional.grid_sample(ink, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@lru_cache(maxsize=8)
def _basis(height: int, width: int, device: torch.device) -> Tensor:
    """Return the effect of each coefficient on each pixel, `[3+K,HW]`: x, y, 1, and a cubic bump per knot."""
    xs, ys = ((torch.arange(side) * 2 + 1) / side - 1 for side in (width, height))
    grid_y, grid_x = torch.meshgrid(ys, xs, indexing="ij")
    bumps = functional.interpolate(
        torch.eye(_KNOTS_PER_SIDE**2).view(1, -1, _KNOTS_PER_SIDE, _KNOTS_PER_SIDE),
        (height, width),
        mode="bicubic",
        align_corners=True,
    )
    return torch.cat([torch.stack([grid_x, grid_y, torch.ones_like(grid_x)])[None], bumps], 1)[0].flatten(1).to(device)


def _change_thickness(ink: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Thicken the strokes of the first images, and thin those of as many more, by up to a pixel on each side."""
    half = round(len(ink) * share / 2)
    if not half:
        return ink
    before = ink[: 2 * half]  # ink is negative: its minimum is the darkest
    mix = torch.rand(2 * half, 1, 1, 1, generator=generator).to(ink.device)
    darkest = -functional.max_pool2d(-before[:half], 3, 1, 1)
    lightest = functional.max_pool2d(before[half:], 3, 1, 1)
    changed = torch.lerp(before, torch.cat([darkest, lightest]), mix)
    return torch.cat([changed, ink[2 * half :]])


def _erase(ink: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Erase a rectangle from each of the last images of the batch."""
    count = round(len(ink) * share)
    if not count:
        return ink
    drawn = torch.rand(4, count, 1, generator=generator).to(ink.device)
    centers, radii = drawn[:2], (0.08 + 0.25 * drawn[2:]) / 2  # as fractions of the sides: [2,count,1]
    outside = []
    for side, center, radius in zip(ink.shape[2:], centers, radii, strict=True):
        position = (torch.arange(side, device=ink.device) + 0.5) / side
        outside.append((position - center).abs() > radius)  # [count,side]
    keep = outside[0][:, None, :, None] | outside[1][:, None, None, :]
    return torch.cat([ink[:-count], ink[-count:] * keep])
