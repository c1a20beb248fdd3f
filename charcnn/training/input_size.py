"""Choose the size of a network's input: larger for characters with many strokes."""

import logging
from collections.abc import Collection, Sequence

import numpy as np

from charcnn.handwriting.kaishu import count_strokes

log = logging.getLogger(__name__)

DENSE_SIZE = 48
"""Height and width of the input for characters with many strokes, in pixels."""
_MIN_STROKES = 8.0
"""Average number of strokes per character from which the larger input pays off."""


def has_choice(sizes: Sequence[int]) -> bool:
    """Return whether a network that supports these sizes, its own first, may get a larger input."""
    return sizes[0] < DENSE_SIZE and DENSE_SIZE in sizes


def choose_size(sizes: Sequence[int], labels: Collection[str], side: int) -> int:
    """Return the height and width of the input for some characters, in pixels.

    At 28 pixels, the strokes of characters such as 寨 and 察 merge. The larger input is chosen for Chinese characters
    with many strokes, if the images have that many pixels. Training takes about twice as long.

    Args:
        sizes: The sizes that the network supports, its own first.
        labels: The label texts. Labels without known strokes are ignored.
        side: Typical length of the longer side of the images, in pixels.
    """
    if not has_choice(sizes) or side < DENSE_SIZE:
        return sizes[0]
    strokes = [count for label in labels if len(label) == 1 and (count := count_strokes(label))]
    if not strokes or np.mean(strokes) < _MIN_STROKES:
        return sizes[0]
    log.info(
        "Characters have %.1f strokes on average, so `size=%d`. `size=%d` trains twice as fast, less accurately.",
        np.mean(strokes),
        DENSE_SIZE,
        sizes[0],
    )
    return DENSE_SIZE
