"""Arrange many small images on one contact sheet."""

from collections.abc import Sequence

import cv2
import numpy as np

from charcnn.images.codec import Gray

_GAP_PIXELS = 4
"""Width of the gaps between images, in pixels."""
_BACKGROUND_LEVEL = 225
"""Gray level of the gaps."""


def contact_sheet(rows: Sequence[Sequence[Gray]], side: int = 48) -> Gray:
    """Return a contact sheet of rows of images.

    Args:
        rows: Images uint8 `[H,W]` of any size. Rows may have different lengths.
        side: Height and width of each image on the sheet, in pixels.

    Returns:
        uint8 `[R * (side + 4) + 4, C * (side + 4) + 4]` for `R` rows and `C` columns.
    """
    step = side + _GAP_PIXELS
    columns = max(map(len, rows), default=0)
    sheet = np.full((len(rows) * step + _GAP_PIXELS, columns * step + _GAP_PIXELS), _BACKGROUND_LEVEL, np.uint8)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
            top, left = row * step + _GAP_PIXELS, column * step + _GAP_PIXELS
            sheet[top : top + side, left : left + side] = small
    return sheet
