"""Parameters of a synthetic dataset: number and size of the images, style, and how it is written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from charcnn.errors import ConfigError
from charcnn.handwriting.style import WritingStyle

MAX_WRITERS_PER_SPLIT = 1_000_000
"""Maximum number of images per character in a split. Each split reserves this many writer numbers, so that its size
does not change the images of other splits."""


@dataclass(frozen=True)
class SynthRequest:
    """Parameters of a synthetic dataset.

    Attributes:
        per_class: Training images per character, each by a different writer.
        test_per_class: Test images per character, each by a different writer who is not in the training set.
        size: Side of the images, in pixels.
        style: How the handwriting looks.
        jobs: Number of processes. The files do not depend on it.
        preview: Also write a contact sheet, `preview.png`.
        force: Write even if there are other files, or a dataset of other characters. Files with other names are kept.
            Those that would be read as part of the dataset have to be moved first.
        on_progress: Called with the number of images written and the total.

    Raises:
        ConfigError: a number is out of range.
    """

    per_class: int = 500
    test_per_class: int = 100
    size: int = 64
    style: WritingStyle = field(default_factory=WritingStyle)
    jobs: int = 1
    preview: bool = False
    force: bool = False
    on_progress: Callable[[int, int], None] = lambda _done, _total: None

    def __post_init__(self) -> None:
        ranges = {
            "per_class": (1, MAX_WRITERS_PER_SPLIT),
            "test_per_class": (0, MAX_WRITERS_PER_SPLIT),
            "size": (8, 512),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"must be in {low} … {high}", field=name, value=value)
