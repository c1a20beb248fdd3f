"""Evaluate a model on labeled images."""

import time
from collections.abc import Callable
from pathlib import Path

from charcnn.datasets.arrays import IN_MEMORY, ImagesAndLabels, LabeledImages, check_images, check_known
from charcnn.datasets.locate import find_dataset, find_test_set
from charcnn.datasets.provenance.fingerprint import content_fingerprint
from charcnn.datasets.sample_stats import inspect_images, inspect_sample
from charcnn.datasets.scan import DatasetIndex, scan
from charcnn.errors import DatasetError
from charcnn.evaluation.evaluation import Evaluation
from charcnn.evaluation.score import score
from charcnn.inference.predictor import Predictor
from charcnn.registry.store import Registry


def evaluate(
    model: str | Path | Predictor = "latest",
    data: str | Path | ImagesAndLabels | None = None,
    *,
    registry: Registry | None = None,
    strict: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Evaluation:
    """Evaluate a model on labeled images. The result is not stored: use `Registry.add_evaluation` for that.

    The dataset may lack some of the model's labels. If it is light on dark, all of its images are inverted.

    Args:
        model: A reference, the folder of a version, an exported ONNX file, or a loaded model.
        data: A labeled dataset, or a pair of images in memory and their labels. By default, the `test` folder next to
            the model's training data.
        registry: The registry in which to look up references. The default one if omitted.
        strict: Raise an error for an unreadable image instead of counting it.
        on_progress: Called with the number of images read and the total.

    Raises:
        ModelError: the model does not exist.
        DatasetError: the dataset does not exist or has no labels, or the images in memory are not gray.
        UnknownLabelError: the dataset has labels that the model does not know.

    Examples:
        >>> import charcnn
        >>> evaluation = charcnn.evaluate("abc")
        >>> evaluation.images
        30
        >>> evaluation.accuracy > 0.8
        True
        >>> charcnn.evaluate("abc", "abc/train").images
        120
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, registry)
    started = time.perf_counter()
    if data is not None and not isinstance(data, str | Path):
        source, images = IN_MEMORY, _fit_arrays(data, predictor)
        scored = score(predictor, images, on_progress=on_progress)
    else:
        dataset = scan(find_dataset(str(data)) if data is not None else _find_test_set_of(predictor))
        source, images = dataset.source, _load(dataset, predictor, strict, on_progress)
        scored = score(predictor, images)
    return Evaluation.from_scored(
        scored,
        model=predictor.reference,
        dataset=source,
        fingerprint=content_fingerprint(images.labels, images.classes, images.digests),
        unreadable=len(images.unreadable),
        seconds=time.perf_counter() - started,
    )


def _fit_arrays(data: ImagesAndLabels, predictor: Predictor) -> LabeledImages:
    images, labels = data
    check_images(images)
    return LabeledImages.from_arrays(images, labels, predictor.with_polarity(inspect_images(images).polarity))


def _load(
    dataset: DatasetIndex, predictor: Predictor, strict: bool, on_progress: Callable[[int, int], None]
) -> LabeledImages:
    dataset.require_labels()
    check_known(dataset.classes, predictor.labels)  # fail before reading the images
    spec = predictor.with_polarity(inspect_sample(dataset).polarity)
    return LabeledImages.load(dataset, spec, strict=strict, on_progress=on_progress)


def _find_test_set_of(predictor: Predictor) -> Path:
    """Return the `test` folder next to a model's training data.

    Raises:
        DatasetError: the folder does not exist, or the training data is unknown.
    """
    trained_on = predictor.version.card.data.sources if predictor.version else ()
    sources = [source for source in trained_on if source != IN_MEMORY]
    found = next(filter(None, map(find_test_set, sources)), None)
    if found:
        return found
    place = f" next to {', '.join(sources)}" if sources else ""
    raise DatasetError(
        f"No test folder found{place} to evaluate {predictor.reference} on.", "Pass a labeled dataset: `data=DIR`"
    )
