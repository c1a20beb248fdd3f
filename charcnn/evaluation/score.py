"""A model and labeled images → what it answered to each image. Metrics, reports and comparisons are made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.arrays import LabeledImages
from charcnn.evaluation.metrics import image_losses
from charcnn.inference.prediction import top_indices
from charcnn.inference.predictor import Predictor

_MAX_IMAGES_PER_PART = 8192
_MAX_PROBABILITIES_PER_PART = 4_000_000
"""Bound what is held for all labels at once; of each image only the best guesses are kept."""


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model answered to labeled images, and what they show.

    Attributes:
        labels: The model's `C` label texts; indices below refer to them.
        truth: int64 `[N]`: the label of each image.
        top: int64 `[N,K]`: the likeliest labels of each image, the likeliest first.
        probabilities: float32 `[N,K]`: the probabilities of `top`.
        losses: float64 `[N]`: `-log p(truth)`, in nats; 87.3 at most.
        files: The `N` image files; empty where the images come from arrays or a packed dataset.
    """

    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    top: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    losses: NDArray[np.float64]
    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def read(self) -> NDArray[np.int64]:
        """The likeliest label of each image, int64 `[N]`."""
        return self.top[:, 0]


def score(
    predictor: Predictor,
    images: LabeledImages,
    *,
    top_k: int = 3,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Scored:
    """Return what a model answers to each of some labeled images.

    Args:
        predictor: The model.
        images: The images, fitted by the model's spec. Their labels may be some of the model's only.
        top_k: The number of guesses kept of each image.
        on_progress: Called with images scored and images in all.

    Raises:
        UnknownLabelError: there is a label that the model does not know.
        ImageError: the images have another size than the model's.
    """
    truth = images.labels_in(predictor.labels)
    count, classes = len(truth), len(predictor.labels)
    top = np.empty((count, min(top_k, classes)), np.int64)
    kept = np.empty(top.shape, np.float32)
    losses = np.empty(count)
    step = min(_MAX_IMAGES_PER_PART, max(1, _MAX_PROBABILITIES_PER_PART // classes))
    for start in range(0, count, step):
        part = slice(start, start + step)
        probabilities = predictor.probabilities(images.images[part])
        top[part] = top_indices(probabilities, top_k)
        kept[part] = np.take_along_axis(probabilities, top[part], axis=1)
        losses[part] = image_losses(probabilities, truth[part])
        on_progress(min(start + step, count), count)
    return Scored(predictor.labels, truth, top, kept, losses, images.files)
