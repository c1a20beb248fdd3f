"""A model and labeled images → an `Evaluation`."""

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
    """Return how well a model reads labeled images. Nothing is stored: see `Registry.add_evaluation`.

    The images may show some of the model's labels only. Light-on-dark images are inverted, all or none of them.

    Args:
        model: A reference, a version's folder, an exported ONNX file, or a loaded model.
        data: A labeled dataset, or images in memory and their labels; the `test` folder next to the model's training
            data where not given.
        registry: Where references are looked up.
        strict: Raise on an unreadable image, instead of counting it.
        on_progress: Called with images read and images in all.

    Raises:
        ModelError: there is no such model.
        DatasetError: there is no such dataset, it has no labels, or the images in memory are not gray.
        UnknownLabelError: there is a label that the model does not know.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, registry)
    started = time.perf_counter()
    if data is not None and not isinstance(data, str | Path):
        source, images = IN_MEMORY, _fit_arrays(data, predictor)
        scored = score(predictor, images, on_progress=on_progress)
    else:
        dataset = scan(find_dataset(str(data)) if data is not None else _find_own_test_set(predictor))
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
    check_known(dataset.classes, predictor.labels)  # before a long read
    spec = predictor.with_polarity(inspect_sample(dataset).polarity)
    return LabeledImages.load(dataset, spec, strict=strict, on_progress=on_progress)


def _find_own_test_set(predictor: Predictor) -> Path:
    named = predictor.version.card.data.sources if predictor.version else ()
    sources = [source for source in named if source != IN_MEMORY]
    found = next(filter(None, map(find_test_set, sources)), None)
    if found:
        return found
    place = f" next to {', '.join(sources)}" if sources else ""
    raise DatasetError(
        f"There is no test folder{place} to evaluate {predictor.reference} on.", "Name a labeled dataset: `data=DIR`"
    )
