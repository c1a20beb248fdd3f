"""Ink and paper: the threshold between them, the paper's level, the polarity, the box round the ink."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.images.codec import Gray

MIN_CONTRAST = 24
"""Gray levels between ink and paper under which an image counts as blank."""
_MAX_PIXELS_OF_CACHED_BORDER = 4096
"""For images of up to so many pixels, the places along the border are kept by size, which is twice as fast."""
_MIN_SPECK_SHARE = 0.01
"""A connected piece of ink smaller than this share of the largest one is dirt, not a dot of the character."""


class Threshold(NamedTuple):
    """The gray level up to which a pixel is on the dark side, and the distance of the means of both sides, in levels.

    The contrast is 0 where all pixels are on one side.
    """

    level: int
    contrast: int


class Box(NamedTuple):
    """A part of an image, in pixels; `bottom` and `right` are exclusive."""

    top: int
    bottom: int
    left: int
    right: int


def otsu_threshold(image: Gray) -> Threshold:
    """Return Otsu's threshold of a gray image.

    Args:
        image: uint8 `[H,W]`, either polarity.

    Source:
        N. Otsu, IEEE Trans. SMC 9(1), 1979.
    """
    pixels = image.tobytes()
    white = pixels.count(b"\xff")
    if white + pixels.count(b"\0") == image.size:  # a scan in black and white
        return Threshold(0, 255 if 0 < white < image.size else 0)
    level, mask = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light = cv2.countNonZero(mask)
    if not 0 < light < image.size:
        return Threshold(int(level), 0)
    above = cv2.mean(image, mask)[0]
    below = (cv2.sumElems(image)[0] - above * light) / (image.size - light)
    return Threshold(int(level), round(above - below))


def is_light_on_dark(image: Gray) -> bool:
    """Return whether most of the image's border is darker than the threshold between its ink and its paper.

    Args:
        image: uint8 `[H,W]`.

    Returns:
        False also for an image without contrast, which has no polarity.
    """
    level, contrast = otsu_threshold(image)
    if contrast < MIN_CONTRAST:
        return False
    dark = _share_up_to(level, _border(image))
    if 0.4 < dark < 0.6:  # ink all along the border: ask the whole image, where paper is the larger part
        dark = _share_up_to(level, image)
    return dark > 0.5


def paper_level(image: Gray) -> int:
    """Return the gray level of the paper, 0 … 255: the median of the image's border. Works for either polarity."""
    border = _border(image)
    white = border.tobytes().count(b"\xff")
    return 255 if 2 * white > border.size else median_level(border)  # most paper is white


def median_level(levels: Gray) -> int:
    """Return the (upper) median; np.median takes five times as long on the few pixels that an image has."""
    flat = levels.reshape(-1)
    return int(np.partition(flat, flat.size // 2)[flat.size // 2])


def ink_box(mask: Gray) -> Box:
    """Return the box round all ink but specks.

    Args:
        mask: uint8 `[H,W]`, 1 where ink is: one pixel at least.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    pieces = stats[1:]
    pieces = pieces[pieces[:, cv2.CC_STAT_AREA] >= _MIN_SPECK_SHARE * pieces[:, cv2.CC_STAT_AREA].max()]
    x, y = pieces[:, cv2.CC_STAT_LEFT], pieces[:, cv2.CC_STAT_TOP]
    right, bottom = (x + pieces[:, cv2.CC_STAT_WIDTH]).max(), (y + pieces[:, cv2.CC_STAT_HEIGHT]).max()
    return Box(int(y.min()), int(bottom), int(x.min()), int(right))


def _share_up_to(level: int, levels: Gray) -> float:
    if level == 0:  # black and white: counting bytes is faster
        return levels.tobytes().count(b"\0") / levels.size
    return int(np.count_nonzero(levels <= level)) / levels.size


def _border(image: Gray) -> Gray:
    """Return the pixels along the border, uint8 `[P]`."""
    if image.size <= _MAX_PIXELS_OF_CACHED_BORDER:
        return image.take(_border_indices(*image.shape))
    wide = _border_width(*image.shape)
    sides = (image[:wide], image[-wide:], image[wide:-wide, :wide], image[wide:-wide, -wide:])
    return np.concatenate([side.reshape(-1) for side in sides])


def _border_width(height: int, width: int) -> int:
    return max(1, min(height, width) // 16)


@lru_cache(1024)
def _border_indices(height: int, width: int) -> NDArray[np.intp]:
    """Return where the pixels along the border lie in a flat image, int64 `[P]`."""
    wide = _border_width(height, width)
    inside = np.zeros((height, width), bool)
    inside[wide:-wide, wide:-wide] = True
    return np.flatnonzero(~inside)
