"""Random rotation as in the original course, extended by shear, scale, shift and noise."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ConfigError
from charcnn.images.codec import Gray
from charcnn.images.ink import paper_level


@dataclass(frozen=True)
class AugmentRanges:
    """Ranges that parameters are drawn from. The defaults are those of the original course: rotations by 0 … 9 degrees.

    Attributes:
        min_angle, max_angle: Whole degrees, counter-clockwise, drawn from `[min_angle, max_angle)`.
        shear: Degrees, drawn from `[-shear, shear]`.
        scale: The scale factor is drawn from `[1 - scale, 1 + scale]`.
        shift: Share of the side, drawn from `[-shift, shift]` for each direction.
        noise: Standard deviation of Gaussian noise, in gray levels.

    Raises:
        ConfigError: a range is empty or too large.
    """

    min_angle: int = 0
    max_angle: int = 10
    shear: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.min_angle >= self.max_angle:
            raise ConfigError(f"must be below `max_angle={self.max_angle}`", field="min_angle", value=self.min_angle)
        for name, limit in (("shear", 45), ("scale", 0.9), ("shift", 0.5), ("noise", 128)):
            value = getattr(self, name)
            if not 0 <= value <= limit:
                raise ConfigError(f"must be in 0 … {limit}", field=name, value=value)


class Transform(NamedTuple):
    """Transform of one copy. Angles are in degrees, shifts are shares of the side, noise is in gray levels."""

    angle: int
    shear: float
    scale: float
    shift_x: float
    shift_y: float
    noise: float
    noise_seed: int

    @classmethod
    def draw(cls, ranges: AugmentRanges, count: int, seed: int) -> list[Self]:
        """Draw `count` transforms. Deterministic for a given seed."""
        rng = np.random.default_rng(seed)
        angles = rng.integers(ranges.min_angle, ranges.max_angle, count)
        shears, scales, xs, ys = (
            np.round(rng.uniform(-limit, limit, count), 4)
            for limit in (ranges.shear, ranges.scale, ranges.shift, ranges.shift)
        )
        seeds = rng.integers(0, 2**31, count)
        rows = zip(angles, shears, 1 + scales, xs, ys, seeds, strict=True)
        return [
            cls(int(angle), float(shear), float(scale), float(x), float(y), ranges.noise, int(noise_seed))
            for angle, shear, scale, x, y, noise_seed in rows
        ]

    def apply(self, image: Gray) -> Gray:
        """Transform an image about its center. Uncovered corners get the paper level of the image.

        Args:
            image: uint8 `[H,W]`, either polarity.

        Returns:
            uint8 `[H,W]`.
        """
        height, width = image.shape
        matrix = _matrix(height, width, *self[:5])
        turned = cv2.warpAffine(image, matrix, (width, height), borderValue=(paper_level(image),))
        if self.noise:
            grain = np.random.default_rng(self.noise_seed).normal(0, self.noise, turned.shape)
            turned = np.clip(np.rint(turned + grain), 0, 255).astype(np.uint8)
        return np.asarray(turned, np.uint8)


@lru_cache(1024)
def _matrix(
    height: int, width: int, angle: int, shear: float, scale: float, shift_x: float, shift_y: float
) -> NDArray[np.float64]:
    """Return the affine map of points, float64 `[2,3]`."""
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    if shear:
        slope = np.tan(np.radians(shear))
        lean = np.array([[1, slope, -slope * height / 2], [0, 1, 0], [0, 0, 1]])
        matrix = matrix @ lean
    return np.asarray(matrix + np.array([[0, 0, shift_x * width], [0, 0, shift_y * height]]), np.float64)
