"""Read characters with an exported ONNX file in ONNX Runtime. No torch.

Everything that reading needs (labels, `ImageSpec`, normalization, softmax) comes from the ONNX file itself, so that a
version in the registry and a file from elsewhere are read by the same code.
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

_BATCH = 64
"""Images per call of ONNX Runtime: what flows between two layers stays in the processor's cache."""
_FILES_PER_PART = 256
"""Files read before they are handed to a thread that recognizes them, while the next ones are read."""
_MAX_PARTS_AHEAD = 16
"""Such parts in progress: bounds the memory that a folder of any size takes."""
_IMAGES_PER_PART = 1024
"""Images in memory that are fitted and recognized at once: bounds the copies that a batch of any size needs."""


class Predictor:
    """A model, ready to read images.

    Args:
        path: An ONNX file that charcnn exported.
        reference: Its name in messages: `NAME@VERSION`, or the path.
        version: The version that it belongs to, if any.

    Raises:
        ModelError: the file is missing, damaged, or was not exported by charcnn.

    Attributes:
        labels: The label texts, in the order of the probabilities.
        spec: How an image becomes the input.
    """

    def __init__(self, path: Path, reference: str | None = None, version: Version | None = None) -> None:
        self.reference = reference or str(path)
        self.version = version
        self._session, self.labels, self.spec = open_model(path)
        self._threads: tuple[int, ThreadPoolExecutor] | None = None

    @classmethod
    def load(cls, model: str | Path = "latest", registry: Registry | None = None) -> Self:
        """Load a model.

        Args:
            model: `latest`, `NAME`, `NAME@3`, `NAME@ALIAS`, a version's folder, or an exported ONNX file.
            registry: Where references are looked up.

        Raises:
            ModelError: there is no such model.
            IntegrityError: its file is not the one that was saved.
        """
        path = Path(model)
        if is_path(str(model)) and not path.is_dir():
            check_is_onnx(path)
            return cls(path)
        version = (registry or Registry()).open(str(model))
        return cls(version.file(ONNX_FILE), version.reference, version)

    def predict(self, image: Path | str | NDArray[np.uint8], top_k: int = 3) -> Prediction:
        """Return what one image reads.

        Args:
            image: An image file, or gray pixels uint8 `[H,W]` of any size and polarity.
            top_k: The number of guesses.

        Raises:
            ImageError: the file cannot be read, or the array is not a gray image.
        """
        pixels = read_image(Path(image)) if isinstance(image, (str, Path)) else _check_gray(image, "The image")
        return self.predict_batch([pixels], top_k)[0]

    def predict_batch(
        self, images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], top_k: int = 3
    ) -> list[Prediction]:
        """Return what each image of a batch reads.

        Args:
            images: Gray pixels: uint8 `[N,H,W]`, or `N` arrays uint8 `[H,W]` of any size. With a spec of polarity
                `auto` each image decides for itself.
            top_k: The number of guesses.

        Raises:
            ImageError: one of them is not a gray image.
        """
        answers: list[Prediction] = []
        for start in range(0, len(images), _IMAGES_PER_PART):
            part = enumerate(images[start : start + _IMAGES_PER_PART], start)
            fitted = np.stack([fit(_check_gray(image, f"images[{index}]"), self.spec) for index, image in part])
            answers += self._predictions(self.probabilities(fitted), top_k)
        return answers

    def predict_files(
        self,
        files: Sequence[Path | str],
        top_k: int = 3,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Iterator[Prediction]:
        """Return what each image file reads, in order; one that cannot be read has the status `unreadable`.

        Args:
            files: Any image files.
            top_k: The number of guesses.
            on_progress: Called with files read and files in all.
        """

        def report(start: int) -> Callable[[int, int], None]:
            return lambda done, _total: on_progress(start + done, len(files))

        parts: deque[tuple[Mapping[int, str], Future[NDArray[np.float32]]]] = deque()
        try:
            for start in range(0, len(files), _FILES_PER_PART):
                loaded = load_images(files[start : start + _FILES_PER_PART], self.spec, report(start))
                parts.append((loaded.failures, self._pool().submit(self._run, loaded.images)))
                if len(parts) > _MAX_PARTS_AHEAD:
                    yield from self._outcomes(*parts.popleft(), top_k)
            while parts:
                yield from self._outcomes(*parts.popleft(), top_k)
        finally:
            for _, answers in parts:
                answers.cancel()

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities of all labels for images that are already fitted.

        Args:
            images: uint8 `[N,H,W]` of the spec's size, dark ink on white.

        Returns:
            float32 `[N,C]`, each row a distribution.

        Raises:
            ImageError: the array has another shape or type.
        """
        size = (self.spec.height, self.spec.width)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != size:
            raise ImageError(f"Fitted images must be uint8 [N,{size[0]},{size[1]}], not {_describe(images)}.")
        if len(images) <= _BATCH:
            return self._run(images)
        batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
        return np.concatenate(list(self._pool().map(self._run, batches)))

    def with_polarity(self, polarity: Polarity) -> ImageSpec:
        """Return the spec for a dataset whose polarity is known, where the model leaves it open."""
        return self.spec.model_copy(update={"polarity": polarity}) if self.spec.polarity == "auto" else self.spec

    def _run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities, computed in this thread: small batches in parallel beat one in many threads."""
        parts = [
            self._session.run(["probabilities"], {"image": np.ascontiguousarray(images[start : start + _BATCH, None])})
            for start in range(0, len(images), _BATCH)
        ]
        return np.concatenate([part for (part,) in parts]) if parts else np.empty((0, len(self.labels)), np.float32)

    def _pool(self) -> ThreadPoolExecutor:
        """Return this process's threads, started at the first call; a forked child does not inherit its parent's."""
        if self._threads is None or self._threads[0] != os.getpid():
            self._threads = (os.getpid(), ThreadPoolExecutor(usable_cores(), "charcnn-predict"))
        return self._threads[1]

    def _outcomes(
        self, failures: Mapping[int, str], answers: Future[NDArray[np.float32]], top_k: int
    ) -> Iterator[Prediction]:
        for index, prediction in enumerate(self._predictions(answers.result(), top_k)):
            yield Prediction("unreadable", reason=failures[index]) if index in failures else prediction

    def _predictions(self, probabilities: NDArray[np.float32], count: int) -> list[Prediction]:
        best = top_indices(probabilities, count)
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
