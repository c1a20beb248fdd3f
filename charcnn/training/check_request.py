"""What can be said against a training before torch is imported: names, numbers, datasets, labels, the run to resume."""

from dataclasses import asdict

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
    """Check the name, the threads and the version to start from of a new training.

    Raises:
        ConfigError: more threads than this machine can use.
        ModelError: the name cannot be that of a model, or `init_from` names no version that can be opened.
    """
    if config.name:
        registry.check_new_name(config.name)
    if config.threads is not None and config.threads > max_threads():
        raise ConfigError(
            f"must be at most {max_threads()} on this machine",
            "More threads wait for each other longer than they work.",
            field="threads",
            value=config.threads,
        )
    if config.init_from:
        registry.open(config.init_from)


def scan_datasets(config: TrainSettings, registry: Registry) -> dict[str, DatasetIndex]:
    """Scan the datasets of a config, and check that they can be trained on. No image is read.

    Returns:
        Each dataset, by the name it has in the config.

    Raises:
        DatasetError: a dataset is missing, empty, unlabeled, or of one class only.
        UnknownLabelError: the validation data has a label that the training data lacks.
        ModelError: the name that is made of the data's cannot be that of a model.
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
    """Find a run to resume, and return it with the settings that it goes on with.

    Args:
        name: The run's name, or `last`: the newest that is not finished.
        registry: Where the run is.
        epochs: How many in all; None for as many as before.
        data: The images in memory that it was trained on, if it was.
        val: The images in memory that selected its best epoch, if there were any.

    Raises:
        RunNotFoundError: there is no such run.
        CardError: the run's files cannot be understood.
        ConfigError: fewer epochs than before, or no more of a run that is finished.
        DatasetError: images in memory are missing, or not wanted.
    """
    run = find_run(registry.root, name)
    facts = run.read_facts()
    settings, before = facts.config, facts.config.epochs or 0
    if epochs is not None and epochs < before:
        raise ConfigError(f"{run.name} trains {pluralize(before, 'epoch')}: they can be raised, not lowered.")
    if facts.finished and epochs in (None, before):
        raise ConfigError(
            f"{run.name} is finished: it trained {pluralize(before, 'epoch')}.",
            f"To train it further: `epochs={2 * before}`, for instance.",
        )
    _check_in_memory(run, "data", IN_MEMORY in settings.data, data)
    _check_in_memory(run, "val", settings.val == IN_MEMORY, val)
    return run, ResolvedConfig(**{**asdict(settings), "epochs": epochs or settings.epochs})


def _check_in_memory(run: Run, name: str, was_in_memory: bool, arrays: ImagesAndLabels | None) -> None:
    """Check that a run is resumed on images in memory if, and only if, it was trained on them."""
    if was_in_memory and arrays is None:
        raise DatasetError(f"{run.name} was trained on images in memory.", f"Pass the same images as `{name}`.")
    if arrays is not None and not was_in_memory:
        raise DatasetError(f"{run.name} was not trained on images in memory.", f"Leave `{name}` out.")
