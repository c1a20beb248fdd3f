"""What a synthetic dataset should be: how many images, how large, in which style, and how it is written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from charcnn.errors import ConfigError
from charcnn.handwriting.style import WritingStyle

MAX_WRITERS_PER_SPLIT = 1_000_000
"""Images of a character that a split may have. So many writers' numbers are reserved for each split: how many images
one split has changes nothing in the others."""


@dataclass(frozen=True)
class SynthRequest:
    """What a synthetic dataset should be.

    Attributes:
        per_class: Training images of each character: as many writers.
        test_per_class: Test images of each character: as many other writers.
        size: Side of the images, in pixels.
        style: How the handwriting looks.
        jobs: Processes. The files do not depend on it.
        preview: Also write a contact sheet, `preview.png`.
        force: Write although other files, or a set of other characters, are there; files of other names stay.
            Those that would be read as part of the dataset have to be moved first.
        on_progress: Called with images written and images in all.

    Raises:
        ConfigError: a number is too small or too large.
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
