"""Score a model on labeled images, image by image, as the basis of metrics, reports and comparisons."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.arrays import LabeledImages
from charcnn.evaluation.metrics import image_losses
from charcnn.inference.prediction import top_indices
from charcnn.inference.predictor import Predictor

_MAX_IMAGES_PER_CHUNK = 8192
"""Maximum number of images scored at once."""
_MAX_PROBABILITIES_PER_CHUNK = 4_000_000
"""Maximum number of probabilities in memory at once. Only the best guesses of each image are kept."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The true and predicted labels of images, one row per image.

    Attributes:
        labels: The model's `C` label texts. `truth` and `top` are indices into them.
        truth: int64 `[N]`: the true label of each image.
        top: int64 `[N,K]`: the most likely labels of each image, best first.
        probabilities: float32 `[N,K]`: the probabilities of `top`.
        losses: float64 `[N]`: `-log p(truth)`, in nats, at most 87.3.
        files: The `N` image files. Empty for images in memory and packed datasets.
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
        """The most likely label of each image, int64 `[N]`."""
        return self.top[:, 0]


def score(
    predictor: Predictor,
    images: LabeledImages,
    *,
    top_k: int = 3,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Scored:
    """Score a model on labeled images, image by image.

    Args:
        predictor: The model.
        images: The images, fitted to the model's spec. They may lack some of the model's labels.
        top_k: Number of guesses to keep per image.
        on_progress: Called with the number of images scored and the total.

    Raises:
        UnknownLabelError: the images have labels that the model does not know.
        ImageError: the images do not have the model's input size.

    Examples:
        >>> import charcnn
        >>> import numpy as np
        >>> predictor = charcnn.load("abc")
        >>> pixels = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
        >>> images = charcnn.LabeledImages.from_arrays(pixels, ["a", "b", "c", "a"], predictor.spec)
        >>> scored = charcnn.score(predictor, images, top_k=2)
        >>> scored.top.shape
        (4, 2)
        >>> [scored.labels[index] for index in scored.truth]
        ['a', 'b', 'c', 'a']
    """
    truth = images.labels_in(predictor.labels)
    count, classes = len(truth), len(predictor.labels)
    top = np.empty((count, min(top_k, classes)), np.int64)
    kept = np.empty(top.shape, np.float32)
    losses = np.empty(count)
    step = min(_MAX_IMAGES_PER_CHUNK, max(1, _MAX_PROBABILITIES_PER_CHUNK // classes))
    for start in range(0, count, step):
        chunk = slice(start, start + step)
        probabilities = predictor.probabilities(images.images[chunk])
        top[chunk] = top_indices(probabilities, top_k)
        kept[chunk] = np.take_along_axis(probabilities, top[chunk], axis=1)
        losses[chunk] = image_losses(probabilities, truth[chunk])
        on_progress(min(start + step, count), count)
    return Scored(predictor.labels, truth, top, kept, losses, images.files)
