"""Read characters with an exported ONNX file and ONNX Runtime. Does not use torch.

The ONNX file contains everything that prediction needs: labels, `ImageSpec`, normalization and softmax. The same code
therefore serves versions in the registry and exported files.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ImageError
from charcnn.images.codec import read_image
from charcnn.images.fit import fit
from charcnn.images.load import load_images
from charcnn.inference.prediction import Guess, Prediction, top_indices
from charcnn.inference.session import check_is_onnx, open_model
from charcnn.machine import usable_cores
from charcnn.registry.references import is_path
from charcnn.registry.store import Registry
from charcnn.registry.version import ONNX_FILE, Version
from charcnn.specs.choices import Polarity
from charcnn.specs.image import ImageSpec

_BATCH_SIZE = 64
"""Images per call of ONNX Runtime: small enough that the activations stay in the processor's cache."""
_FILES_PER_CHUNK = 256
"""Files per chunk. One chunk is predicted in a thread while the next one is read."""
_MAX_PENDING_CHUNKS = 16
"""Maximum number of chunks that wait for their predictions. Limits memory use on large folders."""
_IMAGES_PER_CHUNK = 1024
"""Images in memory that are fitted at once. Limits memory use on large batches."""


class Predictor:
    """A loaded model that reads images.

    Args:
        path: An ONNX file that charcnn exported.
        reference: Name of the model in messages: `NAME@VERSION`. The path by default.
        version: The version that the file belongs to, if any.

    Raises:
        ModelError: the file is missing, damaged, or was not exported by charcnn.

    Attributes:
        labels: The label texts, in the order of the probabilities.
        spec: How images are preprocessed.

    Examples:
        >>> from pathlib import Path
        >>> import charcnn
        >>> predictor = charcnn.Predictor(Path("registry/abc/1/model.onnx"))
        >>> predictor.labels
        ('a', 'b', 'c')
        >>> predictor.spec.height, predictor.spec.width
        (28, 28)
    """

    def __init__(self, path: Path, reference: str | None = None, version: Version | None = None) -> None:
        self.reference = reference or str(path)
        self.version = version
        self._session, self.labels, self.spec = open_model(path)
        self._threads: tuple[int, ThreadPoolExecutor] | None = None

    @classmethod
    def load(cls, model: str | Path = "latest", registry: Registry | None = None) -> Self:
        """Load a model from the registry or from an ONNX file.

        Args:
            model: `latest`, `NAME`, `NAME@3`, `NAME@ALIAS`, the folder of a version, or an exported ONNX file.
            registry: The registry. The default one if omitted.

        Raises:
            ModelError: the model does not exist.
            IntegrityError: the model's file was modified after it was saved.

        Examples:
            >>> import charcnn
            >>> charcnn.load("abc@1").labels
            ('a', 'b', 'c')
            >>> charcnn.load("latest").reference
            'abc@1'
        """
        path = Path(model)
        if is_path(str(model)) and not path.is_dir():
            check_is_onnx(path)
            return cls(path)
        version = (registry or Registry()).open(str(model))
        return cls(version.file(ONNX_FILE), version.reference, version)

    def predict(self, image: Path | str | NDArray[np.uint8], top_k: int = 3) -> Prediction:
        """Return the prediction for one image.

        Args:
            image: Path of an image file, or gray pixels uint8 `[H,W]` of any size and polarity.
            top_k: Number of guesses to return.

        Raises:
            ImageError: the file cannot be read, or the array is not a gray image.

        Examples:
            >>> import charcnn
            >>> predictor = charcnn.load("abc")
            >>> prediction = predictor.predict("data/abc/test/b/1.png", top_k=2)
            >>> prediction.label
            'b'
            >>> [0 <= guess.probability <= 1 for guess in prediction.top]
            [True, True]
        """
        pixels = read_image(Path(image)) if isinstance(image, (str, Path)) else _check_gray(image, "The image")
        return self.predict_batch([pixels], top_k)[0]

    def predict_batch(
        self, images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], top_k: int = 3
    ) -> list[Prediction]:
        """Return the prediction for each image of a batch.

        Args:
            images: Gray pixels: uint8 `[N,H,W]`, or `N` arrays uint8 `[H,W]` of any size. If the spec's polarity is
                `auto`, the polarity of each image is detected separately.
            top_k: Number of guesses to return.

        Raises:
            ImageError: one of the arrays is not a gray image.
        """
        predictions: list[Prediction] = []
        for start in range(0, len(images), _IMAGES_PER_CHUNK):
            chunk = enumerate(images[start : start + _IMAGES_PER_CHUNK], start)
            fitted = np.stack([fit(_check_gray(image, f"images[{index}]"), self.spec) for index, image in chunk])
            predictions += self._to_predictions(self.probabilities(fitted), top_k)
        return predictions

    def predict_files(
        self,
        files: Sequence[Path | str],
        top_k: int = 3,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Iterator[Prediction]:
        """Yield the prediction for each image file, in order.

        The prediction for a file that cannot be read has the status `unreadable`.

        Args:
            files: Image files of any format and size.
            top_k: Number of guesses to return.
            on_progress: Called with the number of files read and the total.
        """

        def report(start: int) -> Callable[[int, int], None]:
            return lambda done, _total: on_progress(start + done, len(files))

        pending: deque[tuple[Mapping[int, str], Future[NDArray[np.float32]]]] = deque()
        try:
            for start in range(0, len(files), _FILES_PER_CHUNK):
                loaded = load_images(files[start : start + _FILES_PER_CHUNK], self.spec, report(start))
                pending.append((loaded.failures, self._pool().submit(self._run, loaded.images)))
                if len(pending) > _MAX_PENDING_CHUNKS:
                    yield from self._finish_chunk(*pending.popleft(), top_k)
            while pending:
                yield from self._finish_chunk(*pending.popleft(), top_k)
        finally:
            for _, probabilities in pending:
                probabilities.cancel()

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities of all labels for fitted images.

        Args:
            images: uint8 `[N,H,W]` of the spec's size, dark ink on white.

        Returns:
            float32 `[N,C]`. Each row sums to 1.

        Raises:
            ImageError: the array has the wrong shape or dtype.
        """
        size = (self.spec.height, self.spec.width)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != size:
            raise ImageError(f"Fitted images must be uint8 [N,{size[0]},{size[1]}], not {_describe(images)}.")
        if len(images) <= _BATCH_SIZE:
            return self._run(images)
        batches = (images[start : start + _BATCH_SIZE] for start in range(0, len(images), _BATCH_SIZE))
        return np.concatenate(list(self._pool().map(self._run, batches)))

    def with_polarity(self, polarity: Polarity) -> ImageSpec:
        """Return the spec with `auto` replaced by the given polarity. Any other polarity of the model is kept."""
        return self.spec.model_copy(update={"polarity": polarity}) if self.spec.polarity == "auto" else self.spec

    def _run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities, computed in the calling thread.

        Small batches in parallel threads are faster than one batch computed by many threads.
        """
        outputs = [
            self._session.run(
                ["probabilities"], {"image": np.ascontiguousarray(images[start : start + _BATCH_SIZE, None])}
            )
            for start in range(0, len(images), _BATCH_SIZE)
        ]
        return (
            np.concatenate([output for (output,) in outputs])
            if outputs
            else np.empty((0, len(self.labels)), np.float32)
        )

    def _pool(self) -> ThreadPoolExecutor:
        """Return the thread pool of this process. Threads do not survive a fork, so a forked child starts its own."""
        if self._threads is None or self._threads[0] != os.getpid():
            self._threads = (os.getpid(), ThreadPoolExecutor(usable_cores(), "charcnn-predict"))
        return self._threads[1]

    def _finish_chunk(
        self, failures: Mapping[int, str], probabilities: Future[NDArray[np.float32]], top_k: int
    ) -> Iterator[Prediction]:
        for index, prediction in enumerate(self._to_predictions(probabilities.result(), top_k)):
            yield Prediction("unreadable", reason=failures[index]) if index in failures else prediction

    def _to_predictions(self, probabilities: NDArray[np.float32], top_k: int) -> list[Prediction]:
        best = top_indices(probabilities, top_k)
        rows = np.take_along_axis(probabilities, best, axis=1).astype(float).tolist()
        return [
            Prediction("read", tuple(Guess(self.labels[i], p) for i, p in zip(indices, values, strict=True)))
            for indices, values in zip(best.tolist(), rows, strict=True)
        ]


def _check_gray(image: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if not isinstance(image, np.ndarray) or image.ndim != 2 or image.dtype != np.uint8 or not image.size:
        raise ImageError(f"{name} must be uint8 [H,W], not {_describe(image)}.")
    return image


def _describe(value: object) -> str:
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
