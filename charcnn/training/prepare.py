"""Load training data: read the datasets of a config, or images in memory, and split off validation images."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.arrays import IN_MEMORY, ImagesAndLabels, LabeledImages, check_images, check_known
from charcnn.datasets.locate import DATASET_FOLDERS, find_dataset
from charcnn.datasets.provenance.fingerprint import content_fingerprint
from charcnn.datasets.sample_stats import SampleStats, inspect_images, inspect_sample
from charcnn.datasets.scan import DatasetIndex, scan
from charcnn.datasets.split import split_indices
from charcnn.errors import DatasetError
from charcnn.registry.references import name_from
from charcnn.specs.card import DataFacts
from charcnn.specs.choices import Polarity
from charcnn.specs.image import ImageSpec
from charcnn.specs.train_config import TrainSettings
from charcnn.training.input_size import choose_size

log = logging.getLogger(__name__)

_MAX_OVERSAMPLING = 20
"""Maximum number of times that a real image is used per epoch when most images are synthetic."""


@dataclass(frozen=True)
class TrainingData:
    """The training and validation images.

    Attributes:
        spec: How the images were preprocessed. Saved in the card.
        classes: The label texts, in the order of the logits.
        train: All images of the training datasets.
        train_indices: int64 `[M]`: indices of the training images in `train`. Real images among many synthetic ones
            occur several times.
        val: The images that contain the validation images: `train` or another dataset.
        val_indices: int64 `[K]`: indices of the validation images in `val`.
        facts: Information about the data for the card.
    """

    spec: ImageSpec
    classes: tuple[str, ...]
    train: LabeledImages
    train_indices: NDArray[np.int64]
    val: LabeledImages
    val_indices: NDArray[np.int64]
    facts: DataFacts


def load_training_data(
    config: TrainSettings,
    sizes: Sequence[int],
    arrays: ImagesAndLabels | None = None,
    val_arrays: ImagesAndLabels | None = None,
    scanned: Mapping[str, DatasetIndex] | None = None,
) -> TrainingData:
    """Read and split the images of a config, and choose size, fit and polarity if they are open.

    Args:
        config: The requested or the resolved settings.
        sizes: Heights and widths of the network's input to choose from, in pixels, the network's own first.
        arrays: Images in memory and their labels, used instead of `config.data`.
        val_arrays: Images in memory and their labels, used instead of `config.val`.
        scanned: Datasets that were already scanned, by their names in the config. The others are scanned here.

    Raises:
        DatasetError: a dataset is missing, empty or unlabeled, has only one class, or is too small to split.
        UnknownLabelError: the validation data has labels that are not in the training data.
    """
    scanned = scanned or {}
    sources: list[_Source] = (
        [_InMemory(arrays)]
        if arrays is not None
        else [_Folder(source, config.strict, scanned.get(source)) for source in config.data]
    )
    names = (IN_MEMORY,) if arrays is not None else tuple(config.data)
    stats = [source.stats() for source in sources]
    labels = {label for source in sources for label in source.classes()}
    spec = _image_spec(config, choose_size(sizes, labels, min(found.side for found in stats)), stats)
    polarities = [_choose_polarity(config, found) for found in stats]
    loaded = [source.load(_with_polarity(spec, polarity)) for source, polarity in zip(sources, polarities, strict=True)]
    train = LabeledImages.join(loaded)
    check_classes(train.classes, names)
    val_index = scanned.get(config.val or "")
    val, train_indices, val_indices = _split(config, spec, train, val_arrays, val_index)
    facts = DataFacts(
        sources=names,
        fingerprint=content_fingerprint(train.labels, train.classes, train.digests),
        images=len(train.labels),
        unreadable=len(train.unreadable),
        per_class=train.per_class,
        duplicates=train.duplicates,
        polarity=tuple(polarities),
        train=len(train_indices),
        val=len(val_indices),
        val_source=config.val if val_arrays is None else IN_MEMORY,
    )
    synthetic = np.repeat([found.synthetic for found in stats], [len(part.labels) for part in loaded])
    train_indices = _oversample_real(train_indices, synthetic)
    return TrainingData(spec, train.classes, train, train_indices, val, val_indices, facts)


def check_classes(classes: Sequence[str], sources: Sequence[str]) -> None:
    """Check that datasets together have at least two classes.

    Raises:
        DatasetError: they have only one.
    """
    if len(classes) < 2:
        raise DatasetError(
            f"{' + '.join(sources)} has only one class ({classes[0]}). Training needs at least two.",
            "A dataset is a folder with one subfolder per class.",
        )


class _Source(Protocol):
    """A source of labeled images."""

    def classes(self) -> Sequence[str]:
        """Return the label texts of the classes."""

    def stats(self) -> SampleStats:
        """Inspect a sample of the images."""

    def load(self, spec: ImageSpec) -> LabeledImages:
        """Read all images."""


class _Folder:
    def __init__(self, source: str, strict: bool, index: DatasetIndex | None) -> None:
        self.index, self.strict = scan(find_dataset(source)) if index is None else index, strict

    def classes(self) -> Sequence[str]:
        return self.index.classes

    def stats(self) -> SampleStats:
        return inspect_sample(self.index)

    def load(self, spec: ImageSpec) -> LabeledImages:
        return LabeledImages.load(self.index, spec, strict=self.strict)


class _InMemory:
    def __init__(self, arrays: ImagesAndLabels) -> None:
        self.images, self.labels = arrays
        check_images(self.images)

    def classes(self) -> Sequence[str]:
        return [str(label) for label in self.labels]

    def stats(self) -> SampleStats:
        return inspect_images(self.images)

    def load(self, spec: ImageSpec) -> LabeledImages:
        return LabeledImages.from_arrays(self.images, self.labels, spec)


def _split(
    config: TrainSettings,
    spec: ImageSpec,
    train: LabeledImages,
    val_arrays: ImagesAndLabels | None,
    val_index: DatasetIndex | None,
) -> tuple[LabeledImages, NDArray[np.int64], NDArray[np.int64]]:
    """Return the images with the validation images, the training indices, and the validation indices."""
    all_indices = np.arange(len(train.labels))
    if val_arrays is not None or config.val is not None:
        source: _Source = (
            _InMemory(val_arrays) if val_arrays is not None else _Folder(str(config.val), config.strict, val_index)
        )
        val = source.load(_with_polarity(spec, _choose_polarity(config, source.stats())))
        _check_val(val, train, str(config.val))
        return val, all_indices, np.arange(len(val.labels))
    if config.val_split:
        return train, *split_indices(train.labels, train.groups, config.val_split, config.seed)
    return train, all_indices, all_indices[:0]


def _check_val(val: LabeledImages, train: LabeledImages, name: str) -> None:
    check_known(val.classes, train.classes)
    shared = np.isin(val.groups, train.groups).sum()
    if shared:
        log.warning(
            "%d of %d validation images in %s are also training images, so the validation accuracy is too high.",
            shared,
            len(val.labels),
            name,
        )


def default_model_name(source: str, classes: int) -> str:
    """Return the default name of a model: the dataset's folder name, else `charsN` for N classes.

    The folder is the one that contains `train`, or the dataset itself: `fudan12/train`, `fudan12` and the list
    `fudan12.csv` give `fudan12`. Characters that are not allowed in names become `-`. `charsN` is for images in memory,
    and for folders whose name says nothing or cannot be a model's: the working folder, `data` (so the starter set gives
    `chars12`), and reserved names such as numbers (`0123456789/train` gives `chars10`). `synth` names its folders
    accordingly: the characters themselves, or `charsN-HASH` if they are many or unusual.
    """
    if source == IN_MEMORY:
        return f"chars{classes}"
    path = find_dataset(source).resolve()
    name = path.name if path.is_dir() else path.stem  # only files have suffixes: digits.v2 is a folder's whole name
    if name in DATASET_FOLDERS:
        path, name = path.parent, path.parent.name
    is_generic = path.name in ("data", "") or path == Path.cwd()
    return ("" if is_generic else name_from(name)) or f"chars{classes}"


def _image_spec(config: TrainSettings, size: int, samples: list[SampleStats]) -> ImageSpec:
    fit = config.fit
    if fit == "auto":
        fit = "ink" if any(sample.fit == "ink" for sample in samples) else samples[0].fit
        log.info("Images are %s, so `fit=%s`.", _describe(samples), fit)
    margin = {} if config.margin is None else {"margin": config.margin}
    return ImageSpec(height=size, width=size, fit=fit, polarity=config.polarity, **margin)


def _describe(samples: list[SampleStats]) -> str:
    if any(sample.synthetic for sample in samples):
        return "synthetic" if all(sample.synthetic for sample in samples) else "partly synthetic"
    return "of one square size" if all(sample.one_square_size for sample in samples) else "of different sizes"


def _oversample_real(indices: NDArray[np.int64], synthetic: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Repeat the real images among synthetic ones, to make up a third of all, but each at most 20 times."""
    real = indices[~synthetic[indices]]
    if not 0 < len(real) < len(indices):
        return indices
    times = int(np.clip(round((len(indices) - len(real)) / (2 * len(real))), 1, _MAX_OVERSAMPLING))
    if times > 1:
        log.info("Each of the %d real images is used %d times per epoch.", len(real), times)
    return np.sort(np.concatenate([indices[synthetic[indices]], np.repeat(real, times)]))


def _choose_polarity(config: TrainSettings, sample: SampleStats) -> Polarity:
    if config.polarity != "auto":
        return config.polarity
    if sample.polarity == "light-on-dark":
        log.info("Images are light on dark, so they are inverted (`polarity=light-on-dark`).")
    return sample.polarity


def _with_polarity(spec: ImageSpec, polarity: Polarity) -> ImageSpec:
    return spec.model_copy(update={"polarity": polarity})
