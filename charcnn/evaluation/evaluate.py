"""A model and a labelled dataset → an `Evaluation`."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.arrays import LabeledImages, check_known
from charcnn.datasets.locate import find_dataset, find_test_set
from charcnn.datasets.provenance.fingerprint import content_fingerprint
from charcnn.datasets.sample_stats import inspect_sample
from charcnn.datasets.scan import DatasetIndex, scan
from charcnn.errors import DatasetError
from charcnn.evaluation.metrics import ConfusionMatrix, cross_entropy, top_k_accuracy
from charcnn.inference.predictor import Predictor
from charcnn.registry.store import Registry
from charcnn.specs.base import StrictModel

log = logging.getLogger(__name__)

_PART = 8192


class ClassScores(StrictModel):
    """How one label was read; shares are 0 … 1."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(StrictModel):
    """What was measured of a model on a dataset."""

    schema_version: int = 1
    model: str
    dataset: str
    fingerprint: str
    created: datetime
    images: int
    unreadable: int
    seconds: float
    loss: float
    accuracy: float
    top3: float
    macro_f1: float
    balanced_accuracy: float
    per_class: tuple[ClassScores, ...]
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def matrix(self) -> ConfusionMatrix:
        """The confusion matrix, to compute with."""
        return ConfusionMatrix(np.array(self.confusion, np.int64))


def evaluate(
    model: str | Path | Predictor = "latest",
    data: str | Path | None = None,
    *,
    registry: Registry | None = None,
    strict: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Evaluation:
    """Measures how well a model reads a labelled dataset, and keeps the result beside the model's version.

    The dataset may hold some of the model's labels only. A light-on-dark dataset is turned round as a whole.

    Args:
        model: A reference, a version's folder, an exported ONNX file, or a loaded model.
        data: A dataset; the `test` folder beside the model's training data where not given.
        registry: Where references are looked up, and where the result is kept.
        strict: An unreadable image is an error.
        on_progress: Called with images read and images in all.

    Raises:
        ModelError: there is no such model.
        DatasetError: there is no such dataset, or it has no labels.
        UnknownLabelError: the dataset has a label that the model does not know.
    """
    registry = registry or Registry()
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, registry)
    dataset = scan(find_dataset(str(data)) if data is not None else _own_test_set(predictor))
    started = time.perf_counter()
    arrays = _read(dataset, predictor, strict, on_progress)
    labels = arrays.labels_in(predictor.labels)
    answers = _answers(predictor, arrays.images, labels)
    matrix = ConfusionMatrix.of(labels, answers.predicted, len(predictor.labels))
    columns = (matrix.precision, matrix.recall, matrix.f1, matrix.support)
    evaluation = Evaluation(
        model=predictor.reference,
        dataset=dataset.source,
        fingerprint=content_fingerprint(arrays.labels, arrays.classes, arrays.digests),
        created=datetime.now(UTC),
        images=len(labels),
        unreadable=len(arrays.unreadable),
        seconds=time.perf_counter() - started,
        loss=answers.loss,
        accuracy=matrix.accuracy,
        top3=answers.top3,
        macro_f1=matrix.macro_f1,
        balanced_accuracy=matrix.balanced_accuracy,
        per_class=tuple(
            ClassScores(label=label, precision=float(p), recall=float(r), f1=float(f), support=int(n))
            for label, p, r, f, n in zip(predictor.labels, *columns, strict=True)
            if n
        ),
        labels=predictor.labels,
        confusion=tuple(tuple(row) for row in matrix.counts.tolist()),
    )
    if predictor.version is not None and registry.holds(predictor.version):
        try:
            registry.add_evaluation(predictor.version, evaluation.fingerprint, evaluation.model_dump_json(indent=1))
        except OSError as fault:
            log.warning("The result is not kept: %s: %s", fault.filename, fault.strerror)
    return evaluation


class _Answers(NamedTuple):
    predicted: NDArray[np.int64]
    loss: float
    top3: float


def _answers(predictor: Predictor, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> _Answers:
    """Reads the images part by part: all probabilities of a large dataset at once would not fit into memory."""
    predicted, sums = np.empty(len(labels), np.int64), np.zeros(2)
    for start in range(0, len(labels), _PART):
        part = slice(start, start + _PART)
        probabilities, truth = predictor.probabilities(images[part]), labels[part]
        predicted[part] = probabilities.argmax(1)
        sums += len(truth) * np.array([cross_entropy(probabilities, truth), top_k_accuracy(probabilities, truth, 3)])
    loss, top3 = (sums / len(labels)).tolist()
    return _Answers(predicted, loss, top3)


def _read(
    dataset: DatasetIndex, predictor: Predictor, strict: bool, on_progress: Callable[[int, int], None]
) -> LabeledImages:
    check_known(dataset.classes, predictor.labels)  # before a long read
    spec = predictor.with_polarity(inspect_sample(dataset).polarity)
    return LabeledImages.load(dataset, spec, strict=strict, on_progress=on_progress)


def _own_test_set(predictor: Predictor) -> Path:
    sources = predictor.version.card.data.sources if predictor.version else ()
    for source in sources:
        found = find_test_set(source)
        if found:
            return found
    beside = f" beside {', '.join(sources)}" if sources else ""
    raise DatasetError(
        f"There is no test folder{beside} to evaluate {predictor.reference} on.",
        f"Name a labelled dataset: charcnn evaluate --model {predictor.reference} --data DIR",
    )
