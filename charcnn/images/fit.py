"""`ImageSpec` applied: polarity, ink box, size. The only preprocessing there is.

Training, evaluation, prediction and the exporters all come through `fit`.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.images.io import Gray

if TYPE_CHECKING:  # processes that turn images need not wait for pydantic
    from charcnn.specs.image import ImageSpec

_LEAST_CONTRAST = 24
"""Gray levels between ink and paper under which an image counts as blank."""
_SMALL = 4096
"""Pixels: for images of no more, the places along the edge are remembered by size, which is twice as fast."""
_SPECK = 0.01
"""A connected piece of ink smaller than this share of the largest one is dirt, not a dot of the character."""


def fit(image: Gray, spec: "ImageSpec") -> Gray:
    """Make any grey image into what a network sees.

    Args:
        image: uint8 `[H,W]`, any size of at least one pixel.
        spec: The size, how to reach it, and the polarity; `auto` is decided for this image alone.

    Returns:
        uint8 `[spec.height, spec.width]`, dark ink on white paper.
    """
    if spec.polarity == "light-on-dark" or (spec.polarity == "auto" and is_light_on_dark(image)):
        image = np.bitwise_not(image)
    if spec.fit == "ink":
        return _ink_on_white(image, spec)
    if spec.fit == "pad":
        return _on_paper(image, spec, paper_level(image), margin=0.0)
    return _resized(image, spec.height, spec.width)


def is_light_on_dark(image: Gray) -> bool:
    """Return whether most of the image's border is darker than the middle between its ink and its paper.

    Args:
        image: uint8 `[H,W]`.

    Returns:
        False also for an image without contrast, where nothing can be told.
    """
    threshold, contrast = _threshold(image)
    if contrast < _LEAST_CONTRAST:
        return False
    dark = _share_up_to(threshold, _border(image))
    if 0.4 < dark < 0.6:  # ink all along the edge: ask the whole image, where paper is the larger part
        dark = _share_up_to(threshold, image)
    return dark > 0.5


def paper_level(image: Gray) -> int:
    """Return the grey level of the paper, 0 … 255: the median of the image's border. Works for either polarity."""
    edge = _border(image)
    light = edge.tobytes().count(b"\xff")
    return 255 if 2 * light > edge.size else _median(edge)  # most paper is white


def _median(levels: Gray) -> int:
    """The (upper) median; np.median takes five times as long on the few pixels that an image has."""
    flat = levels.reshape(-1)
    return int(np.partition(flat, flat.size // 2)[flat.size // 2])


def _share_up_to(threshold: int, levels: Gray) -> float:
    if threshold == 0:  # black and white: counting bytes is faster
        return levels.tobytes().count(b"\0") / levels.size
    return int(np.count_nonzero(levels <= threshold)) / levels.size


def _border(image: Gray) -> Gray:
    """The pixels along the edge, uint8 `[P]`."""
    if image.size <= _SMALL:
        return image.take(_edge(*image.shape))
    wide = max(1, min(image.shape) // 16)
    edges = (image[:wide], image[-wide:], image[wide:-wide, :wide], image[wide:-wide, -wide:])
    return np.concatenate([edge.reshape(-1) for edge in edges])


@lru_cache(1024)
def _edge(height: int, width: int) -> NDArray[np.intp]:
    """Where the pixels along the edge lie in a flat image, int64 `[P]`."""
    wide = max(1, min(height, width) // 16)
    inside = np.zeros((height, width), bool)
    inside[wide:-wide, wide:-wide] = True
    return np.flatnonzero(~inside)


def _threshold(image: Gray) -> tuple[int, int]:
    """Otsu's threshold (IEEE Trans. SMC 9(1), 1979), and the distance of the means on its two sides, in grey levels."""
    pixels = image.tobytes()
    white = pixels.count(b"\xff")
    if white + pixels.count(b"\0") == image.size:  # a scan in black and white
        return 0, 255 if 0 < white < image.size else 0
    level, mask = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light = cv2.countNonZero(mask)
    if not 0 < light < image.size:
        return int(level), 0
    above = cv2.mean(image, mask)[0]
    below = (cv2.sumElems(image)[0] - above * light) / (image.size - light)
    return int(level), round(above - below)


def _ink_on_white(image: Gray, spec: "ImageSpec") -> Gray:
    """Cut the ink out and centres it, its paper made white and its ink black. Ink is dark here."""
    threshold, contrast = _threshold(image)
    if contrast < _LEAST_CONTRAST:
        return _on_paper(image, spec, paper_level(image), margin=0.0)
    mask = (image <= threshold).astype(np.uint8)
    top, bottom, left, right = _ink_box(mask)
    inside = image[top:bottom, left:right]
    ink = mask[top:bottom, left:right].astype(bool)
    paper, black = _median(image[mask == 0]), _median(inside[ink])
    whitened = _stretch(black, paper)[inside]
    return _on_paper(whitened, spec, paper=255, margin=spec.margin)


@lru_cache
def _stretch(black: int, white: int) -> Gray:
    """The look-up table, uint8 `[256]`, that makes one level 0, another 255, and what lies between proportional."""
    levels = (np.arange(256) - black) * (255 / max(white - black, 1))
    return np.asarray(np.rint(np.clip(levels, 0, 255)), np.uint8)


def _ink_box(mask: Gray) -> tuple[int, int, int, int]:
    """The box (top, bottom, left, right; ends exclusive) round all ink but specks. `mask` is 1 where ink is."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    pieces = stats[1:]
    pieces = pieces[pieces[:, cv2.CC_STAT_AREA] >= _SPECK * pieces[:, cv2.CC_STAT_AREA].max()]
    x, y = pieces[:, cv2.CC_STAT_LEFT], pieces[:, cv2.CC_STAT_TOP]
    right, bottom = (x + pieces[:, cv2.CC_STAT_WIDTH]).max(), (y + pieces[:, cv2.CC_STAT_HEIGHT]).max()
    return int(y.min()), int(bottom), int(x.min()), int(right)


def _on_paper(image: Gray, spec: "ImageSpec", paper: int, margin: float) -> Gray:
    """Scale the image into the spec's size, aspect kept, `margin` (a share of the side) free all round; centred."""
    height, width = image.shape
    scale = (1 - 2 * margin) * min(spec.height / height, spec.width / width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    sheet = np.full((spec.height, spec.width), paper, np.uint8)
    top, left = (spec.height - size[0]) // 2, (spec.width - size[1]) // 2
    sheet[top : top + size[0], left : left + size[1]] = _resized(image, *size)
    return sheet


def _resized(image: Gray, height: int, width: int) -> Gray:
    """Scale to a size, by area where that is smaller. An image that has the size stays as it is."""
    if image.shape == (height, width):
        return np.ascontiguousarray(image)
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
