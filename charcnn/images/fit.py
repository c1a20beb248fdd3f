"""Fit images to an `ImageSpec`: polarity, ink box and size.

Training, evaluation, prediction and export all preprocess images with `fit`.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from charcnn.images.codec import Gray
from charcnn.images.ink import MIN_CONTRAST, ink_box, is_light_on_dark, median_level, otsu_threshold, paper_level

if TYPE_CHECKING:  # keeps pydantic out of the processes that rotate images
    from charcnn.specs.image import ImageSpec


def fit(image: Gray, spec: "ImageSpec") -> Gray:
    """Fit a gray image to the input of a network.

    Args:
        image: uint8 `[H,W]`, of at least one pixel.
        spec: Output size, fit and polarity. With the polarity `auto`, the polarity of this image is detected.

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
    """Crop a dark-on-light image to its ink, make paper white and ink black, and center it."""
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
    """Return the lookup table, uint8 `[256]`, that maps the level `black` to 0 and `white` to 255, linearly."""
    levels = (np.arange(256) - black) * (255 / max(white - black, 1))
    return np.asarray(np.rint(np.clip(levels, 0, 255)), np.uint8)


def _place_on_paper(image: Gray, spec: "ImageSpec", paper: int, margin: float) -> Gray:
    """Scale an image to the spec's size, keep its aspect ratio, and center it with a margin.

    Args:
        image: uint8 `[H,W]`.
        spec: The output size.
        paper: Gray level of the background.
        margin: Width of the empty border, as a fraction of the output size.
    """
    height, width = image.shape
    scale = (1 - 2 * margin) * min(spec.height / height, spec.width / width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    sheet = np.full((spec.height, spec.width), paper, np.uint8)
    top, left = (spec.height - size[0]) // 2, (spec.width - size[1]) // 2
    sheet[top : top + size[0], left : left + size[1]] = _resize(image, *size)
    return sheet


def _resize(image: Gray, height: int, width: int) -> Gray:
    """Resize an image, by area interpolation to shrink it and bilinear interpolation otherwise."""
    if image.shape == (height, width):
        return np.ascontiguousarray(image)
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
