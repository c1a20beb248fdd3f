"""Inspect a sample of a dataset's images, to choose polarity and fit if the user left them open."""

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

_MAX_SAMPLE_IMAGES = 200
"""Maximum number of images inspected, spread evenly over the files and so over the classes."""


@dataclass(frozen=True)
class SampleStats:
    """Properties of a sample of images.

    Attributes:
        polarity: `light-on-dark` if most images are, else `dark-on-light`.
        one_square_size: Whether all images are square and of the same size.
        side: Median length of the longer side, in pixels.
        synthetic: Whether the images are synthetic handwriting.
    """

    polarity: Polarity
    one_square_size: bool
    side: int
    synthetic: bool = False

    @property
    def fit(self) -> Fit:
        """The recommended fit: `stretch` if all images have one square size and are not synthetic, else `ink`.

        Images of one square size were prepared for a network, so they are used whole. Synthetic images are fitted to
        their ink because the images to be read later are framed differently.
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
        raise DatasetError(f"None of the images sampled from {dataset.source} can be read.")
    synthetic = bool(dataset.files) and any(map(read_writers, dataset.files[0].absolute().parents[:3]))
    return _stats(images, synthetic)


def inspect_images(images: NDArray[np.uint8] | Sequence[Gray]) -> SampleStats:
    """Inspect an even sample of images in memory: uint8 `[N,H,W]`, or `N` images uint8 `[H,W]`; at least one."""
    return _stats(images[:: _step(len(images))], synthetic=False)


def _step(count: int) -> int:
    return -(-count // _MAX_SAMPLE_IMAGES)


def _stats(images: NDArray[np.uint8] | Sequence[Gray], synthetic: bool) -> SampleStats:
    light = sum(is_light_on_dark(image) for image in images)
    shapes = [image.shape for image in images]
    height, width = shapes[0]
    return SampleStats(
        polarity="light-on-dark" if light > len(images) / 2 else "dark-on-light",
        one_square_size=len(set(shapes)) == 1 and height == width,
        side=int(np.median([max(shape) for shape in shapes])),
        synthetic=synthetic,
    )


def _readable(files: Sequence[Path]) -> list[Gray]:
    images = []
    for path in files:
        try:
            images.append(read_image(path))
        except ImageError:  # reported when the whole dataset is read
            continue
    return images
