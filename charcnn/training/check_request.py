"""Check a training before torch is imported: names, numbers, datasets, labels, the run to resume."""

from charcnn.datasets.arrays import IN_MEMORY, ImagesAndLabels, check_known
from charcnn.datasets.locate import find_dataset
from charcnn.datasets.scan import DatasetIndex, scan
from charcnn.errors import ConfigError, DatasetError
from charcnn.machine import max_threads
from charcnn.registry.runs import Run, find_run
from charcnn.registry.store import Registry
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.specs.train_config import TrainSettings
from charcnn.text import pluralize
from charcnn.training.prepare import check_classes, default_model_name


def check_request(config: TrainSettings, registry: Registry) -> None:
    """Check the name, the threads and the parent version of a new training.

    Raises:
        ConfigError: `threads` is more than this machine can use.
        ModelError: the name is not a valid model name, or `init_from` cannot be opened.
    """
    if config.name:
        registry.check_new_name(config.name)
    if config.threads is not None and config.threads > max_threads():
        raise ConfigError(
            f"must be at most {max_threads()} on this machine",
            "More threads spend more time waiting for each other than computing.",
            field="threads",
            value=config.threads,
        )
    if config.init_from:
        registry.open(config.init_from)


def scan_datasets(config: TrainSettings, registry: Registry) -> dict[str, DatasetIndex]:
    """Scan the datasets of a config, and check that a network can be trained on them. No image is read.

    Returns:
        The datasets, by their names in the config.

    Raises:
        DatasetError: a dataset is missing, empty or unlabeled, or has only one class.
        UnknownLabelError: the validation data has labels that are not in the training data.
        ModelError: the default name, which is that of the dataset, is not a valid model name.
    """
    scanned = {name: scan(find_dataset(name)) for name in filter(None, (*config.data, config.val))}
    for index in scanned.values():
        index.require_labels()
    classes = list(dict.fromkeys(label for name in config.data for label in scanned[name].classes))
    check_classes(classes, config.data)
    if config.val is not None:
        check_known(scanned[config.val].classes, classes)
    registry.check_new_name(config.name or default_model_name(config.data[0], len(classes)))
    return scanned


def find_resumable(
    name: str,
    registry: Registry,
    *,
    epochs: int | None = None,
    data: ImagesAndLabels | None = None,
    val: ImagesAndLabels | None = None,
) -> tuple[Run, ResolvedConfig]:
    """Find a run to resume, and return it with the settings to resume it with.

    Args:
        name: Name of the run, or `last` for the newest unfinished one.
        registry: The registry of the run.
        epochs: Total number of epochs, including finished ones. As many as before if None.
        data: The images in memory that the run was trained on, if any.
        val: The validation images in memory of the run, if any.

    Raises:
        RunNotFoundError: the run does not exist.
        CardError: the files of the run are damaged.
        ConfigError: `epochs` is lower than before, or not higher for a finished run; or `patience` ended the run.
        DatasetError: images in memory are missing, or were passed although the run does not use them.
    """
    run = find_run(registry.root, name)
    facts = run.read_facts()
    settings, before = facts.config, facts.config.epochs or 0
    if epochs is not None and epochs < before:
        raise ConfigError(f"{run.name} has {pluralize(before, 'epoch')}, which can be increased but not reduced.")
    if facts.finished and facts.ended_by_patience is not None:
        raise ConfigError(
            f"{run.name} is finished: `patience={settings.patience}` ended it after {facts.ended_by_patience} of "
            f"{pluralize(before, 'epoch')}.",
            "To train longer, start a new training with a higher `patience`.",
        )
    if facts.finished and epochs in (None, before):
        raise ConfigError(
            f"{run.name} is finished: it has trained {pluralize(before, 'epoch')}.",
            f"Train it further with a higher number of epochs, such as `epochs={2 * before}`.",
        )
    _check_in_memory(run, "data", IN_MEMORY in settings.data, data)
    _check_in_memory(run, "val", settings.val == IN_MEMORY, val)
    return run, ResolvedConfig(**{**settings.given(), "epochs": epochs or settings.epochs})


def _check_in_memory(run: Run, name: str, was_in_memory: bool, arrays: ImagesAndLabels | None) -> None:
    """Check that a run is resumed with images in memory if and only if it was trained on them.

    Raises:
        DatasetError: images in memory are missing, or were passed although the run does not use them.
    """
    if was_in_memory and arrays is None:
        raise DatasetError(f"{run.name} was trained on images in memory.", f"Pass the same images as `{name}`.")
    if arrays is not None and not was_in_memory:
        raise DatasetError(f"{run.name} was not trained on images in memory.", f"Omit `{name}`.")
