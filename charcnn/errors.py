"""Every exception that charcnn raises on purpose.

    CharcnnError
    ├── ConfigError            a setting is unknown, impossible, or contradicts another one
    │   └── UnknownNetworkError     there is no such network
    ├── ImageError             an image cannot be read
    ├── GlyphError             a font lacks a character
    ├── DatasetError           a dataset is empty, damaged, or not what the task needs
    │   ├── DatasetNotFoundError    there is no such dataset
    │   ├── UnlabeledError          a dataset has no labels
    │   └── UnknownLabelError       a dataset has a label that the model does not know
    ├── ModelError             a model is not what the task needs
    │   ├── ModelNotFoundError      there is no such model, version or alias
    │   ├── RunNotFoundError        there is no such run to resume
    │   ├── ModelFileError          a file is not a model that charcnn exported
    │   ├── CardError               a card, an index or a checkpoint cannot be understood
    │   ├── IntegrityError          a file is not the one that was saved
    │   └── BundleError             a bundle is damaged, or holds what no bundle does
    ├── ExportError            a network cannot be exported
    │   └── ParityError             an exported file and its model give different answers
    ├── TrainingError          training cannot go on (the loss is no longer finite)
    ├── OverwriteError         a file would be overwritten
    └── MissingDependencyError (also an ImportError)  a package is not installed

    KeyboardInterrupt
    └── TrainingInterrupted    training stopped before its first epoch ended; the run can be resumed

Exceptions carry data, and speak Python: a message names settings and arguments in backticks, as Python spells them
(`` `val_split` ``, `` `force=True` ``). The command line spells those as flags and adds what to type next
(`charcnn.cli.errors`). Faults of the operating system (no permission, full disk) stay the `OSError` that they are.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from charcnn.text import did_you_mean, known_names


class CharcnnError(Exception):
    """The root of the tree.

    Args:
        message: What is wrong, with the thing at fault.
        hint: What to do; empty where there is nothing useful to say. A traceback shows it as a note.

    Attributes:
        message: As given.
        hint: As given.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(hint)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the exception as it is: those of other processes arrive with their data."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[Any], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    fault = kind.__new__(kind, *args)
    fault.__dict__.update(state)
    return fault


class ConfigError(CharcnnError):
    """A setting is unknown, impossible, or contradicts another one.

    Args:
        message: What is wrong. With a `field`: why its value is refused; the whole message is `field=value: message`.
        hint: What to do. Without one, and with `known`: the closest known value, or all of them.
        field: The setting or argument at fault, as Python spells it; empty where several are.
        value: Its value.
        known: The values that it may have, where they can be listed.

    Attributes:
        reason: `message` as given.
        field: As given.
        value: As given.
        known: As given.
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
    """There is no such network.

    Args:
        name: What was asked for.
        known: The names of the networks that there are.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Unknown network: {name}", did_you_mean(name, known), known=known)
        self.name = name


class ImageError(CharcnnError):
    """An image cannot be read."""


class GlyphError(CharcnnError):
    """A font lacks a character, or cannot be read."""


class DatasetError(CharcnnError):
    """A dataset is empty, damaged, or not what the task needs."""


class DatasetNotFoundError(DatasetError):
    """There is no such dataset.

    Args:
        name: What was asked for.
        looked_in: The folders that were searched.
        closest: What may have been meant; empty where nothing is close.
        known: The datasets that there are, where nothing is close.
    """

    def __init__(self, name: str, looked_in: Sequence[Path] = (), closest: str = "", known: Sequence[str] = ()) -> None:
        self.name, self.looked_in, self.closest, self.known = name, tuple(looked_in), closest, tuple(known)
        looked = f" (looked in {' and in '.join(map(str, looked_in))})" if looked_in else ""
        hint = f"Did you mean {closest}?" if closest else known_names(known, 20) if known else ""
        super().__init__(f"No such dataset: {name}{looked}", hint)


class UnlabeledError(DatasetError):
    """A dataset has no labels.

    Args:
        source: The dataset.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        super().__init__(
            f"{source} has no labels: it holds images, but no class folders and no CSV.",
            "Sort the images into one folder per class, or write file,label lines into a CSV beside the folder.",
        )


class UnknownLabelError(DatasetError):
    """A dataset has labels that the model does not know.

    Args:
        unknown: Those labels.
        known: The model's labels.
    """

    def __init__(self, unknown: Sequence[str], known: Sequence[str]) -> None:
        self.unknown, self.known = tuple(unknown), tuple(known)
        super().__init__(
            f"The model does not know {len(unknown)} of the dataset's labels: {' '.join(unknown[:20])}",
            f"It knows: {' '.join(known[:40])}",
        )


class ModelError(CharcnnError):
    """A model is not what the task needs, or is in use."""


class ModelNotFoundError(ModelError):
    """There is no such model, version or alias.

    Args:
        message: What is missing.
        hint: What may have been meant, or what there is.
        name: What was asked for.
        known: What there is; empty where the registry is.
    """

    def __init__(self, message: str, hint: str = "", *, name: str = "", known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(message, hint)


class RunNotFoundError(ModelError):
    """There is no such run to resume.

    Args:
        message: What is missing.
        name: What was asked for.
        known: The names of the runs that there are.
    """

    def __init__(self, message: str, *, name: str, known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(message, did_you_mean(name, known) if known else "")


class ModelFileError(ModelError):
    """A file is not a model that charcnn exported.

    Args:
        path: The file.
        reason: Why not, to follow its name.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} {reason}", "Only a registry's versions and exported ONNX files can be loaded.")


class CardError(ModelError):
    """A card, an index or a checkpoint cannot be understood."""


class IntegrityError(ModelError):
    """A file is not the one that was saved."""


class BundleError(ModelError):
    """A bundle is damaged, or holds what no bundle does."""


class ExportError(CharcnnError):
    """A network cannot be exported."""


class ParityError(ExportError):
    """An exported file and its model give different answers."""


class TrainingError(CharcnnError):
    """Training cannot go on."""


class OverwriteError(CharcnnError):
    """A file would be overwritten.

    Args:
        message: What is in the way.
        hint: What to do.
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
    """Training stopped before its first epoch ended; what was done is kept, and can be resumed.

    Args:
        run: The run's name.
    """

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.run = run
