"""Separate ink from paper: threshold, paper level, polarity and bounding box of the ink."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.images.codec import Gray

MIN_CONTRAST = 24
"""Minimum difference between ink and paper, in gray levels. Images with less count as blank."""
_MAX_PIXELS_OF_CACHED_BORDER = 4096
"""Size, in pixels, up to which the indices of the border are cached. This makes `_border` twice as fast."""
_MIN_SPECK_SHARE = 0.01
"""Minimum area of a connected piece of ink, as a fraction of the largest one. Smaller pieces count as dirt."""


class Threshold(NamedTuple):
    """A threshold between ink and paper.

    Attributes:
        level: The highest gray level of the dark pixels, 0 … 255.
        contrast: Difference between the means of light and dark pixels, in gray levels. 0 if all pixels are on one
            side.
    """

    level: int
    contrast: int


class Box(NamedTuple):
    """A rectangle in an image, in pixels. `bottom` and `right` are exclusive."""

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
    if white + pixels.count(b"\0") == image.size:  # a black-and-white scan
        return Threshold(0, 255 if 0 < white < image.size else 0)
    level, mask = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light = cv2.countNonZero(mask)
    if not 0 < light < image.size:
        return Threshold(int(level), 0)
    above = cv2.mean(image, mask)[0]
    below = (cv2.sumElems(image)[0] - above * light) / (image.size - light)
    return Threshold(int(level), round(above - below))


def is_light_on_dark(image: Gray) -> bool:
    """Return whether an image is light on dark: whether most of its border is below Otsu's threshold.

    Args:
        image: uint8 `[H,W]`.

    Returns:
        Whether the ink is lighter than the paper. False for an image without contrast, which has no polarity.
    """
    level, contrast = otsu_threshold(image)
    if contrast < MIN_CONTRAST:
        return False
    dark = _fraction_up_to(level, _border(image))
    if 0.4 < dark < 0.6:  # the ink touches much of the border: use the whole image, which is mostly paper
        dark = _fraction_up_to(level, image)
    return dark > 0.5


def paper_level(image: Gray) -> int:
    """Return the gray level of the paper, 0 … 255: the median of the image's border, whatever its polarity."""
    border = _border(image)
    white = border.tobytes().count(b"\xff")
    return 255 if 2 * white > border.size else median_level(border)  # shortcut for white paper


def median_level(levels: Gray) -> int:
    """Return the upper median. `np.median` takes five times as long for the few pixels of an image."""
    flat = levels.reshape(-1)
    return int(np.partition(flat, flat.size // 2)[flat.size // 2])


def ink_box(mask: Gray) -> Box:
    """Return the bounding box of the ink, without specks.

    Args:
        mask: uint8 `[H,W]`, 1 for ink. Must contain ink.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    pieces = stats[1:]
    pieces = pieces[pieces[:, cv2.CC_STAT_AREA] >= _MIN_SPECK_SHARE * pieces[:, cv2.CC_STAT_AREA].max()]
    x, y = pieces[:, cv2.CC_STAT_LEFT], pieces[:, cv2.CC_STAT_TOP]
    right, bottom = (x + pieces[:, cv2.CC_STAT_WIDTH]).max(), (y + pieces[:, cv2.CC_STAT_HEIGHT]).max()
    return Box(int(y.min()), int(bottom), int(x.min()), int(right))


def _fraction_up_to(level: int, levels: Gray) -> float:
    """Return the fraction of pixels that are not lighter than a level."""
    if level == 0:  # black-and-white scans: counting bytes is faster
        return levels.tobytes().count(b"\0") / levels.size
    return int(np.count_nonzero(levels <= level)) / levels.size


def _border(image: Gray) -> Gray:
    """Return the pixels along the border, uint8 `[P]`, in any order."""
    if image.size <= _MAX_PIXELS_OF_CACHED_BORDER:
        return image.take(_border_indices(*image.shape))
    wide = _border_width(*image.shape)
    sides = (image[:wide], image[-wide:], image[wide:-wide, :wide], image[wide:-wide, -wide:])
    return np.concatenate([side.reshape(-1) for side in sides])


def _border_width(height: int, width: int) -> int:
    """Return the width of the border, in pixels."""
    return max(1, min(height, width) // 16)


@lru_cache(1024)
def _border_indices(height: int, width: int) -> NDArray[np.intp]:
    """Return the indices of the border's pixels in a flattened image, int64 `[P]`."""
    wide = _border_width(height, width)
    inside = np.zeros((height, width), bool)
    inside[wide:-wide, wide:-wide] = True
    return np.flatnonzero(~inside)
