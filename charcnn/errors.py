"""The exceptions that charcnn raises.

    CharcnnError
    ├── ConfigError            a setting is unknown or invalid, or conflicts with another one
    │   └── UnknownNetworkError     a network does not exist
    ├── ImageError             an image cannot be read
    ├── GlyphError             a font cannot be read, or lacks a character
    ├── DatasetError           a dataset is empty, damaged, or unsuitable for the task
    │   ├── DatasetNotFoundError    a dataset does not exist
    │   ├── UnlabeledError          a dataset has no labels
    │   └── UnknownLabelError       a dataset has labels that the model does not know
    ├── ModelError             a model is unsuitable for the task, or in use
    │   ├── ModelNotFoundError      a model, version or alias does not exist
    │   ├── RunNotFoundError        a run to resume does not exist
    │   ├── ModelFileError          a file is not a model that charcnn exported
    │   ├── CardError               a card, index or checkpoint cannot be parsed
    │   ├── IntegrityError          a file is damaged, missing, or differs from the one that was saved
    │   └── BundleError             a bundle is damaged, or contains unexpected files
    ├── ExportError            a network cannot be exported
    │   └── ParityError             an exported file and its model give different results
    ├── TrainingError          training cannot continue (the loss is no longer finite)
    ├── OverwriteError         a file would be overwritten
    └── MissingDependencyError (also an ImportError)  a package is not installed

    KeyboardInterrupt
    └── TrainingInterrupted    training stopped before its first epoch ended; the run can be resumed

Exceptions carry data. Their messages spell settings and arguments as in Python, in backticks (`` `val_split` ``,
`` `force=True` ``). The command line turns those into flags and adds the next command to type (`charcnn.cli.errors`).
Errors of the operating system (permission denied, disk full) are raised unchanged, as `OSError`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from charcnn.text import did_you_mean, known_names


class CharcnnError(Exception):
    """Base class of all charcnn errors.

    Args:
        message: What is wrong, and with which value or file.
        hint: What to do about it; may be empty. Tracebacks show it as a note.

    Attributes:
        message: The message.
        hint: The hint.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(hint)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the exception with its attributes, so that errors from other processes keep their data."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[Any], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    fault = kind.__new__(kind, *args)
    fault.__dict__.update(state)
    return fault


class ConfigError(CharcnnError):
    """A setting is unknown or invalid, or conflicts with another one.

    Args:
        message: What is wrong. With a `field`, only the reason: the full message is then `field=value: message`.
        hint: What to do about it. If omitted, and `known` is given: the closest known value, or all of them.
        field: Name of the invalid setting or argument; empty if several are involved.
        value: Its value.
        known: The valid values, if they can be listed.

    Attributes:
        reason: The `message` argument.
        field: The field.
        value: The value.
        known: The valid values; may be empty.
    """

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        field: str = "",
        value: object = None,
        known: Iterable[str] = (),
    ) -> None:
        self.reason, self.field, self.value, self.known = message, field, value, tuple(known)
        if hint is None:
            hint = did_you_mean(str(value), self.known) if self.known else ""
        super().__init__(f"{field}={value!r}: {message}" if field else message, hint)


class UnknownNetworkError(ConfigError):
    """A network does not exist.

    Args:
        name: The requested name.
        known: Names of the available networks.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Unknown network: {name}", did_you_mean(name, known), known=known)
        self.name = name


class ImageError(CharcnnError):
    """An image cannot be read."""


class GlyphError(CharcnnError):
    """A font cannot be read, or lacks a character."""


class DatasetError(CharcnnError):
    """A dataset is empty, damaged, or unsuitable for the task."""


class DatasetNotFoundError(DatasetError):
    """A dataset does not exist.

    Args:
        name: The requested name or path.
        looked_in: The folders that were searched.
        closest: An existing dataset with a similar name; empty if there is none.
        known: The existing datasets, if none has a similar name.
    """

    def __init__(self, name: str, looked_in: Sequence[Path] = (), closest: str = "", known: Sequence[str] = ()) -> None:
        self.name, self.looked_in, self.closest, self.known = name, tuple(looked_in), closest, tuple(known)
        looked = f" (looked in {' and in '.join(map(str, looked_in))})" if looked_in else ""
        hint = f"Did you mean {closest}?" if closest else known_names(known, 20) if known else ""
        super().__init__(f"Dataset not found: {name}{looked}", hint)


class UnlabeledError(DatasetError):
    """A dataset has no labels.

    Args:
        source: The dataset.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        super().__init__(
            f"{source} has no labels: it contains images, but no class folders and no CSV file.",
            "Sort the images into one folder per class, or list them in a CSV file (file,label) next to the folder.",
        )


class UnknownLabelError(DatasetError):
    """A dataset has labels that the model does not know.

    Args:
        unknown: The labels that the model does not know.
        known: The labels of the model.
    """

    def __init__(self, unknown: Sequence[str], known: Sequence[str]) -> None:
        self.unknown, self.known = tuple(unknown), tuple(known)
        super().__init__(
            f"The model does not know {len(unknown)} of the dataset's labels: {' '.join(unknown[:20])}",
            f"It knows: {' '.join(known[:40])}",
        )


class ModelError(CharcnnError):
    """A model is unsuitable for the task, or in use."""


class ModelNotFoundError(ModelError):
    """A model, version or alias does not exist.

    Args:
        message: What is missing.
        hint: A similar name, or all existing ones.
        name: The requested reference.
        known: The existing names; empty if the registry is empty.
    """

    def __init__(self, message: str, hint: str = "", *, name: str = "", known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(message, hint)


class RunNotFoundError(ModelError):
    """A run to resume does not exist.

    Args:
        message: What is missing.
        name: The requested name.
        known: Names of the existing runs.
    """

    def __init__(self, message: str, *, name: str, known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(message, did_you_mean(name, known) if known else "")


class ModelFileError(ModelError):
    """A file is not a model that charcnn exported.

    Args:
        path: The file.
        reason: Why it is not; follows the path in the message.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} {reason}", "Only versions of a registry and exported ONNX files can be loaded.")


class CardError(ModelError):
    """A card, index or checkpoint cannot be parsed."""


class IntegrityError(ModelError):
    """A file is damaged, missing, or differs from the one that was saved."""


class BundleError(ModelError):
    """A bundle is damaged, or contains unexpected files."""


class ExportError(CharcnnError):
    """A network cannot be exported."""


class ParityError(ExportError):
    """An exported file and its model give different results."""


class TrainingError(CharcnnError):
    """Training cannot continue, because the loss is no longer finite."""


class OverwriteError(CharcnnError):
    """A file would be overwritten.

    Args:
        message: Which file or folder is in the way.
        hint: What to do about it.
    """


class MissingDependencyError(CharcnnError, ImportError):
    """A package that charcnn needs is not installed.

    Args:
        package: The package.
        needed_for: What needs it, as the subject of a sentence.
        missing: The requirements of charcnn that are not installed, as pip takes them; `package` is among them.
    """

    def __init__(self, package: str, needed_for: str, missing: Sequence[str] = ()) -> None:
        self.package, self.needed_for, self.missing = package, needed_for, tuple(missing) or (package,)
        message = f"{needed_for} needs {package}, which is not installed."
        super().__init__(message, f"Install {', '.join(self.missing)}.")


class TrainingInterrupted(KeyboardInterrupt):
    """Training stopped before its first epoch ended; its progress is saved and can be resumed.

    Args:
        run: Name of the run.
    """

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.run = run
