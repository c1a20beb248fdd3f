"""How images become the network's input."""

from pydantic import Field

from charcnn.specs.base import StrictModel
from charcnn.specs.choices import Fit, Polarity


class ImageSpec(StrictModel):
    """How an image becomes the network's input. Stored in the card, applied only by `charcnn.images.fit`.

    Inside charcnn an image is uint8 `[H,W]`, dark ink on white paper (255). The network sees
    `(pixel / 255 - mean) / std`; with the default mean of 1, paper is 0, the value that convolutions pad with.

    Examples:
        >>> import charcnn
        >>> import numpy as np
        >>> spec = charcnn.ImageSpec(height=32, width=32, fit="pad", polarity="dark-on-light")
        >>> pixels = [np.full((60, 40), 255, np.uint8), np.full((90, 90), 255, np.uint8)]
        >>> charcnn.LabeledImages.from_arrays(pixels, ["a", "b"], spec).images.shape
        (2, 32, 32)
    """

    height: int = Field(28, ge=8, le=512, description="pixels")
    width: int = Field(28, ge=8, le=512, description="pixels")
    fit: Fit = Field(
        "stretch",
        description="stretch: the whole image; pad: the whole image, aspect kept; ink: only the ink, aspect kept",
    )
    margin: float = Field(0.08, ge=0, le=0.4, description="margin around the ink, as a share of the side (fit ink)")
    polarity: Polarity = Field("auto", description="auto: light-on-dark images are inverted")
    mean: float = Field(1.0, description="subtracted from pixel / 255")
    std: float = Field(1.0, gt=0, description="divides pixel / 255 - mean")
