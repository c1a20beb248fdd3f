"""From the datasets of a config to the images to learn from and the images that choose the best epoch."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.locate import DATASET_FOLDERS, find_dataset
from charcnn.datasets.provenance.fingerprint import content_fingerprint
from charcnn.datasets.sample_stats import SampleStats, inspect_sample
from charcnn.datasets.scan import DatasetIndex, scan
from charcnn.datasets.split import split_indices
from charcnn.errors import DatasetError
from charcnn.registry.references import name_from
from charcnn.specs.card import DataFacts
from charcnn.specs.choices import Polarity
from charcnn.specs.image import ImageSpec
from charcnn.specs.train_config import TrainSettings

log = logging.getLogger(__name__)

_OFTEN = 20
"""How many times an epoch a real image is seen beside synthetic ones, at most."""


@dataclass(frozen=True)
class TrainingData:
    """What a training works on.

    Attributes:
        spec: How the images were made; goes into the card.
        classes: The label texts, in the order of the logits.
        train: All images of the datasets.
        train_indices: int64: those of `train` to learn from; real ones beside many synthetic ones several times.
        val: Where the images come from that choose the best epoch: `train` itself, or another dataset.
        val_indices: int64: those of `val`.
        facts: For the card.
    """

    spec: ImageSpec
    classes: tuple[str, ...]
    train: LabeledImages
    train_indices: NDArray[np.int64]
    val: LabeledImages
    val_indices: NDArray[np.int64]
    facts: DataFacts


def load_training_data(config: TrainSettings, size: int) -> TrainingData:
    """Reads and splits what a config names, and chooses what it leaves open.

    Args:
        config: What was asked.
        size: Height and width of the network's input, in pixels.

    Raises:
        DatasetError: a dataset is missing, empty, unlabelled, of one class only, or too small to split.
        UnknownLabelError: `val` has a label that the training data lacks.
    """
    datasets = [scan(find_dataset(source)) for source in config.data]
    surveys = [inspect_sample(dataset) for dataset in datasets]
    spec = _image_spec(config, size, surveys)
    polarities = [_polarity(config, look) for look in surveys]
    loaded = [_load(d, spec, p, config.strict) for d, p in zip(datasets, polarities, strict=True)]
    train = LabeledImages.join(loaded)
    if len(train.classes) < 2:
        raise DatasetError(
            f"{' + '.join(config.data)} has one class only ({train.classes[0]}): there is nothing to tell apart.",
            "A dataset is a folder of class folders, two at least.",
        )
    everything = np.arange(len(train.labels))
    if config.val is not None:
        val = _load_val(config, spec, train)
        train_indices, val_indices = everything, np.arange(len(val.labels))
    elif config.val_split:
        val = train
        train_indices, val_indices = split_indices(train.labels, train.groups, config.val_split, config.seed)
    else:
        val, train_indices, val_indices = train, everything, everything[:0]
    facts = DataFacts(
        sources=tuple(config.data),
        fingerprint=content_fingerprint(train.labels, train.classes, train.digests),
        images=len(train.labels),
        unreadable=len(train.unreadable),
        per_class=train.per_class,
        duplicates=train.duplicates,
        polarity=tuple(polarities),
        train=len(train_indices),
        val=len(val_indices),
        val_source=config.val,
    )
    synthetic = np.repeat([look.synthetic for look in surveys], [len(part.labels) for part in loaded])
    train_indices = _evened(train_indices, synthetic)
    return TrainingData(spec, train.classes, train, train_indices, val, val_indices, facts)


def default_model_name(config: TrainSettings, classes: int) -> str:
    """Makes a model's name from where its data lies: `fudan12/train` → `fudan12`; `chars12` where that says nothing."""
    path = find_dataset(config.data[0]).resolve()
    folder = path.parent if path.stem in DATASET_FOLDERS else path
    bare = folder.name in ("data", "") or folder == Path.cwd()
    return ("" if bare else name_from(folder.stem)) or f"chars{classes}"


def _image_spec(config: TrainSettings, size: int, surveys: list[SampleStats]) -> ImageSpec:
    if config.fit == "auto":
        fit = "ink" if any(look.fit == "ink" for look in surveys) else surveys[0].fit
        looks = "of one square size" if all(look.one_square_size for look in surveys) else "of different sizes"
        synthetic = "synthetic" if all(look.synthetic for look in surveys) else "partly synthetic"
        log.info("Images are %s, so --fit %s.", synthetic if any(look.synthetic for look in surveys) else looks, fit)
    else:
        fit = config.fit
    given = {} if config.margin is None else {"margin": config.margin}
    return ImageSpec(height=size, width=size, fit=fit, polarity=config.polarity, **given)


def _evened(indices: NDArray[np.int64], synthetic: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lets few real images beside many synthetic ones be seen more often: a third of all, or each `_OFTEN` times."""
    real = indices[~synthetic[indices]]
    if not 0 < len(real) < len(indices):
        return indices
    times = int(np.clip(round((len(indices) - len(real)) / (2 * len(real))), 1, _OFTEN))
    if times > 1:
        log.info("Each of the %d real images is seen %d times an epoch.", len(real), times)
    return np.sort(np.concatenate([indices[synthetic[indices]], np.repeat(real, times)]))


def _polarity(config: TrainSettings, look: SampleStats) -> Polarity:
    if config.polarity != "auto":
        return config.polarity
    if look.polarity == "light-on-dark":
        log.info("The images are light on dark: they are turned round (--polarity light-on-dark).")
    return look.polarity


def _load(dataset: DatasetIndex, spec: ImageSpec, polarity: Polarity, strict: bool) -> LabeledImages:
    return LabeledImages.load(dataset, spec.model_copy(update={"polarity": polarity}), strict=strict)


def _load_val(config: TrainSettings, spec: ImageSpec, train: LabeledImages) -> LabeledImages:
    dataset = scan(find_dataset(str(config.val)))
    val = _load(dataset, spec, _polarity(config, inspect_sample(dataset)), config.strict)
    val.labels_in(train.classes)
    shared = np.isin(val.groups, train.groups).sum()
    if shared:
        log.warning(
            "%d of the %d images in %s are also trained on: its accuracy flatters.",
            shared,
            len(val.labels),
            config.val,
        )
    return val
