"""`ImageSpec` applied: polarity, ink box, size. The only preprocessing there is.

Training, evaluation, prediction and the exporters all come through `fit`.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from charcnn.images.codec import Gray
from charcnn.images.ink import MIN_CONTRAST, ink_box, is_light_on_dark, median_level, otsu_threshold, paper_level

if TYPE_CHECKING:  # processes that turn images need not wait for pydantic
    from charcnn.specs.image import ImageSpec


def fit(image: Gray, spec: "ImageSpec") -> Gray:
    """Fit any gray image to what a network sees.

    Args:
        image: uint8 `[H,W]`, any size of at least one pixel.
        spec: The size, how to reach it, and the polarity; `auto` is decided for this image alone.

    Returns:
        uint8 `[spec.height, spec.width]`, dark ink on white paper.
    """
    if spec.polarity == "light-on-dark" or (spec.polarity == "auto" and is_light_on_dark(image)):
        image = np.bitwise_not(image)
    if spec.fit == "ink":
        return _crop_ink(image, spec)
    if spec.fit == "pad":
        return _place_on_paper(image, spec, paper_level(image), margin=0.0)
    return _resize(image, spec.height, spec.width)


def _crop_ink(image: Gray, spec: "ImageSpec") -> Gray:
    """Cut the ink out and center it, its paper made white and its ink black. Ink is dark here."""
    level, contrast = otsu_threshold(image)
    if contrast < MIN_CONTRAST:
        return _place_on_paper(image, spec, paper_level(image), margin=0.0)
    mask = (image <= level).astype(np.uint8)
    top, bottom, left, right = ink_box(mask)
    inside = image[top:bottom, left:right]
    ink = mask[top:bottom, left:right].astype(bool)
    paper, black = median_level(image[mask == 0]), median_level(inside[ink])
    return _place_on_paper(_contrast_table(black, paper)[inside], spec, paper=255, margin=spec.margin)


@lru_cache
def _contrast_table(black: int, white: int) -> Gray:
    """Return the look-up table, uint8 `[256]`, that makes one level 0, another 255, and others proportional."""
    levels = (np.arange(256) - black) * (255 / max(white - black, 1))
    return np.asarray(np.rint(np.clip(levels, 0, 255)), np.uint8)


def _place_on_paper(image: Gray, spec: "ImageSpec", paper: int, margin: float) -> Gray:
    """Scale the image into the spec's size, aspect kept, `margin` (a share of the side) free all round; centered."""
    height, width = image.shape
    scale = (1 - 2 * margin) * min(spec.height / height, spec.width / width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    sheet = np.full((spec.height, spec.width), paper, np.uint8)
    top, left = (spec.height - size[0]) // 2, (spec.width - size[1]) // 2
    sheet[top : top + size[0], left : left + size[1]] = _resize(image, *size)
    return sheet


def _resize(image: Gray, height: int, width: int) -> Gray:
    """Scale to a size, by area where that is smaller. An image that has the size stays as it is."""
    if image.shape == (height, width):
        return np.ascontiguousarray(image)
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
