"""Reading characters: an exported ONNX file in ONNX Runtime. No torch.

Everything that reading needs (labels, `ImageSpec`, normalisation, softmax) comes from the ONNX file itself, so that a
version in the registry and a file that somebody sent are read by the same code.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from charcnn.errors import ImageError, ModelError
from charcnn.images.fit import fit
from charcnn.images.io import read_image
from charcnn.images.load import load_images
from charcnn.machine import usable_cores
from charcnn.registry.references import is_path
from charcnn.registry.store import Registry
from charcnn.registry.version import ONNX_FILE, Version
from charcnn.specs.choices import Polarity
from charcnn.specs.image import ImageSpec
from charcnn.text import best_file_match

_BATCH = 64
"""Small enough that what flows between two layers stays in the processor's cache."""
_FILES = 256
"""Files read before they are handed to a thread that recognises them, while the next ones are read."""
_AHEAD = 16
"""Such parts under way: bounds the memory that a folder of any size takes."""


class Guess(NamedTuple):
    """A label and its probability, 0 … 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What one image was read as.

    Attributes:
        top: The best guesses, the likeliest first.
    """

    top: tuple[Guess, ...]

    @property
    def label(self) -> str:
        """The likeliest label."""
        return self.top[0].label

    @property
    def probability(self) -> float:
        """The probability of the likeliest label, 0 … 1."""
        return self.top[0].probability


@dataclass(frozen=True)
class Unreadable:
    """Why one file could not be read."""

    reason: str


class Predictor:
    """A recogniser, ready to read.

    Args:
        path: An ONNX file that charcnn exported.
        reference: What to call it: `NAME@VERSION`, or the path.
        version: The version that it belongs to, where it belongs to one.

    Raises:
        ModelError: the file is missing, damaged, or was not exported by charcnn.

    Attributes:
        labels: The label texts, in the order of the probabilities.
        spec: How an image becomes the input.
    """

    def __init__(self, path: Path, reference: str | None = None, version: Version | None = None) -> None:
        self.reference = reference or str(path)
        self.version = version
        self._session = _session(path)
        metadata = self._session.get_modelmeta().custom_metadata_map
        try:
            self.labels = _labels(metadata["labels"])
            self.spec = ImageSpec.model_validate_json(metadata["image"])
        except (KeyError, ValueError, RecursionError):
            raise ModelError(
                f"{path} carries no labels and no image specification: charcnn did not export it.",
                "charcnn export --format onnx -o FILE writes one that does.",
            ) from None
        ends = [
            (end.name, end.type, end.shape[1:]) for end in (*self._session.get_inputs(), *self._session.get_outputs())
        ]
        expected = [
            ("image", "tensor(uint8)", [1, self.spec.height, self.spec.width]),
            ("probabilities", "tensor(float)", [len(self.labels)]),
        ]
        if ends != expected:
            size = f"{self.spec.height} × {self.spec.width}"
            raise ModelError(
                f"{path} describes {len(self.labels)} labels and images of {size}, but its graph has {ends}."
            )

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Reads images that are already fitted.

        Args:
            images: uint8 `[N,H,W]` of the spec's size, dark ink on white.

        Returns:
            float32 `[N,classes]`, each row a distribution.
        """
        if len(images) <= _BATCH:
            return self._in_one_thread(images)
        with ThreadPoolExecutor(usable_cores()) as pool:
            batches = (images[at : at + _BATCH] for at in range(0, len(images), _BATCH))
            return np.concatenate(list(pool.map(self._in_one_thread, batches)))

    def _in_one_thread(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What `probabilities` gives; many small batches side by side are faster than one batch in many threads."""
        parts = [
            self._session.run(["probabilities"], {"image": np.ascontiguousarray(images[at : at + _BATCH, None])})[0]
            for at in range(0, len(images), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)), np.float32)

    def predict(self, image: Path | str | NDArray[np.uint8], top_k: int = 3) -> Prediction:
        """Reads one image.

        Args:
            image: An image file, or grey pixels uint8 `[H,W]` of any size and polarity.
            top_k: How many guesses to give.

        Raises:
            ImageError: the file cannot be read, or the array is no grey image.
        """
        if isinstance(image, (str, Path)):
            image = read_image(Path(image))
        if image.ndim != 2 or image.dtype != np.uint8 or not image.size:
            raise ImageError(f"An image is uint8 [H,W], not {image.dtype} {list(image.shape)}.")
        return self._predictions(self.probabilities(fit(image, self.spec)[None]), top_k)[0]

    def predict_files(
        self,
        files: Sequence[Path | str],
        top_k: int = 3,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Iterator[Prediction | Unreadable]:
        """Reads image files, in order; one that cannot be read gives an `Unreadable`.

        Args:
            files: Any image files.
            top_k: How many guesses to give.
            on_progress: Called with files read and files in all.
        """

        def report(start: int) -> Callable[[int, int], None]:
            return lambda done, _total: on_progress(start + done, len(files))

        pool = ThreadPoolExecutor(usable_cores())
        under_way: deque[tuple[Mapping[int, str], Future[NDArray[np.float32]]]] = deque()
        try:
            for start in range(0, len(files), _FILES):
                loaded = load_images(files[start : start + _FILES], self.spec, report(start))
                under_way.append((loaded.failures, pool.submit(self._in_one_thread, loaded.images)))
                if len(under_way) > _AHEAD:
                    yield from self._outcomes(*under_way.popleft(), top_k)
            while under_way:
                yield from self._outcomes(*under_way.popleft(), top_k)
        finally:
            pool.shutdown(cancel_futures=True)

    def _outcomes(
        self, failures: Mapping[int, str], answers: Future[NDArray[np.float32]], top_k: int
    ) -> Iterator[Prediction | Unreadable]:
        for index, prediction in enumerate(self._predictions(answers.result(), top_k)):
            yield Unreadable(failures[index]) if index in failures else prediction

    def _predictions(self, probabilities: NDArray[np.float32], top_k: int) -> list[Prediction]:
        if top_k == 1:
            best = probabilities.argmax(1)[:, None]
        else:
            best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]
        rows = np.take_along_axis(probabilities, best, axis=1).astype(float).tolist()
        return [
            Prediction(tuple(Guess(self.labels[i], p) for i, p in zip(indices, values, strict=True)))
            for indices, values in zip(best.tolist(), rows, strict=True)
        ]

    def with_polarity(self, polarity: Polarity) -> ImageSpec:
        """Gives the spec for a dataset whose polarity is known, where the model leaves it open."""
        return self.spec.model_copy(update={"polarity": polarity}) if self.spec.polarity == "auto" else self.spec

    @classmethod
    def load(cls, model: str | Path = "latest", registry: Registry | None = None) -> Self:
        """Makes a model ready to read.

        Args:
            model: `latest`, `NAME`, `NAME@3`, `NAME@ALIAS`, a version's folder, or an exported ONNX file.
            registry: Where references are looked up.

        Raises:
            ModelError: there is no such model.
            IntegrityError: its file is not the one that was saved.
        """
        path = Path(model)
        if is_path(str(model)) and not path.is_dir():
            if path.suffix.lower() != ".onnx":
                raise _unfit(path)
            return cls(path)
        version = (registry or Registry()).open(str(model))
        return cls(version.file(ONNX_FILE), version.reference, version)


def _labels(text: str) -> tuple[str, ...]:
    """Reads a JSON list of texts; a `ValueError` says that it is something else."""
    labels = json.loads(text)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("labels are a list of texts")
    return tuple(labels)


def _missing(path: Path) -> ModelError:
    near = best_file_match(path.name, [file.name for file in path.parent.glob("*.onnx")])
    if near:
        return ModelError(f"No such model: {path}", f"Did you mean {path.with_name(near)}?")
    return ModelError(f"No such model: {path}", "charcnn models list shows the models, charcnn export makes files.")


def _unfit(path: Path) -> ModelError:
    if not path.exists():
        return _missing(path)
    if path.suffix.lower() in (".pt", ".pth", ".pkl", ".ckpt", ".bin"):
        return ModelError(
            f"{path} is a pickle: opening it would run whatever code it holds. It is refused.",
            "charcnn reads its own versions and the ONNX files that it exported.",
        )
    return ModelError(f"{path} is no ONNX file.", "charcnn export --format onnx -o FILE writes one.")


def _session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise _missing(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # batches go side by side instead
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # ONNX Runtime's exceptions have no common base but this
        raise ModelError(f"{path} is no ONNX file that can be read: {str(fault).splitlines()[0]}") from None
