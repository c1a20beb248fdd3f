"""Everything that charcnn raises on purpose.

    CharcnnError
    ├── ConfigError          a setting is unknown, impossible, or contradicts another one
    ├── ImageError           an image cannot be read
    ├── GlyphError           the font has no drawing of a character
    ├── DatasetError         a dataset is missing, empty, or not what the work needs
    │   └── UnknownLabelError     a label that the model does not know
    ├── ModelError           a model is missing, or is not what the work needs
    │   ├── CardError        a card or an index cannot be understood
    │   ├── IntegrityError   a file is not the one that its card describes
    │   └── BundleError      a bundle is damaged, or holds what no bundle does
    ├── ParityError          an exported file and its model give different answers
    ├── TrainingError        training cannot go on (the loss is no longer a number)
    └── OverwriteError       something would be overwritten that charcnn did not make

A message names the thing at fault; a hint names the next thing to type. Faults of the operating system (no permission,
full disk) stay the `OSError` that they are.
"""


class CharcnnError(Exception):
    """The root of the tree.

    Args:
        message: What is wrong, naming the thing at fault.
        hint: What to do or type next; empty where there is nothing useful to say.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(CharcnnError):
    """A setting is unknown, impossible, or contradicts another one."""


class ImageError(CharcnnError):
    """An image cannot be read."""


class GlyphError(CharcnnError):
    """The font has no drawing of a character."""


class DatasetError(CharcnnError):
    """A dataset is missing, empty, or not what the work needs."""


class UnknownLabelError(DatasetError):
    """A dataset holds a label that the model does not know."""


class ModelError(CharcnnError):
    """A model is missing, or is not what the work needs."""


class CardError(ModelError):
    """A card or an index cannot be understood."""


class IntegrityError(ModelError):
    """A file is not the one that its card describes."""


class BundleError(ModelError):
    """A bundle is damaged, or holds what no bundle does."""


class ParityError(CharcnnError):
    """An exported file and its model give different answers."""


class TrainingError(CharcnnError):
    """Training cannot go on."""


class OverwriteError(CharcnnError):
    """Something would be overwritten that charcnn did not make."""
