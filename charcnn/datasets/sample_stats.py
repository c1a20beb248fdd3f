"""A look at some images of a dataset, to choose what the person left open: polarity and fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.formats.packed import packed_images
from charcnn.datasets.provenance.synth_manifest import read_writers
from charcnn.datasets.scan import DatasetIndex
from charcnn.errors import DatasetError, ImageError
from charcnn.images.codec import Gray, read_image
from charcnn.images.ink import is_light_on_dark
from charcnn.specs.choices import Fit, Polarity

_MAX_SAMPLE = 200
"""Images looked at, at most: evenly spread over the files, and so over the classes."""


@dataclass(frozen=True)
class SampleStats:
    """What a sample of the images looks like.

    Attributes:
        polarity: `light-on-dark` where most images are, else `dark-on-light`.
        one_square_size: Every image has the same size, and is square.
        synthetic: The images are synthetic handwriting.
    """

    polarity: Polarity
    one_square_size: bool
    synthetic: bool = False

    @property
    def fit(self) -> Fit:
        """Images of one square size were made for a network: take them whole. Of others, look for the ink.

        So too where the images are synthetic: what shall be read later has another frame.
        """
        return "stretch" if self.one_square_size and not self.synthetic else "ink"


def inspect_sample(dataset: DatasetIndex) -> SampleStats:
    """Inspect an even sample of a dataset's images.

    Raises:
        DatasetError: no image of the sample can be read.
    """
    step = _step(len(dataset))
    packed = dataset.packed
    images = _readable(dataset.files[::step]) if packed is None else list(packed_images(packed)[::step])
    if not images:
        raise DatasetError(f"None of the images looked at in {dataset.source} can be read.")
    synthetic = bool(dataset.files) and any(map(read_writers, dataset.files[0].absolute().parents[:3]))
    return _stats(images, synthetic)


def inspect_images(images: NDArray[np.uint8] | Sequence[Gray]) -> SampleStats:
    """Inspect an even sample of images in memory: uint8 `[N,H,W]`, or `N` images uint8 `[H,W]`; at least one."""
    return _stats(images[:: _step(len(images))], synthetic=False)


def _step(count: int) -> int:
    return -(-count // _MAX_SAMPLE)


def _stats(images: NDArray[np.uint8] | Sequence[Gray], synthetic: bool) -> SampleStats:
    light = sum(is_light_on_dark(image) for image in images)
    sizes = {image.shape for image in images}
    height, width = next(iter(sizes))
    return SampleStats(
        polarity="light-on-dark" if light > len(images) / 2 else "dark-on-light",
        one_square_size=len(sizes) == 1 and height == width,
        synthetic=synthetic,
    )


def _readable(files: Sequence[Path]) -> list[Gray]:
    images = []
    for path in files:
        try:
            images.append(read_image(path))
        except ImageError:  # counted and named when the whole dataset is read
            continue
    return images
