"""A dataset → one uint8 array, its labels, and who belongs to whom."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.cache import load_cached
from charcnn.datasets.groups import origin_groups
from charcnn.datasets.scan import Dataset
from charcnn.errors import DatasetError
from charcnn.images.load import Loaded
from charcnn.spec import ImageSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrays:
    """The readable images of a labelled dataset.

    Attributes:
        images: uint8 `[N,H,W]`, dark ink on white; read-only, possibly mapped from the cache.
        labels: int64 `[N]`, indices into `classes`.
        classes: The label texts, in order.
        files: The `N` image files.
        digests: uint8 `[N,32]`: the sha256 of each file.
        unreadable: The files that could not be read, and why.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    digests: NDArray[np.uint8]
    unreadable: dict[Path, str]

    @classmethod
    def load(
        cls,
        dataset: Dataset,
        spec: ImageSpec,
        *,
        strict: bool = False,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Self:
        """Reads a labelled dataset, from the cache where it can.

        Args:
            dataset: What to read.
            spec: How images become the network's input; its polarity should be decided.
            strict: An unreadable image is an error, instead of a warning that names it.
            on_progress: Called with the number of files done since the last call.

        Raises:
            DatasetError: no labels; an unreadable image, where strict; a class of which no image can be read.
        """
        labels = dataset.require_labels()
        loaded = load_cached(dataset.files, spec, on_progress)
        unreadable = {dataset.files[index]: reason for index, reason in sorted(loaded.failures.items())}
        if unreadable:
            _report(dataset, loaded, strict)
            keep = np.setdiff1d(np.arange(len(dataset)), list(loaded.failures))
        else:
            keep = np.arange(len(dataset))
        lost = set(labels.tolist()) - set(labels[keep].tolist())
        if lost:
            name = dataset.classes[min(lost)]
            raise DatasetError(f"Not one image of the class {name} in {dataset.source} can be read.")
        return cls(
            images=loaded.images[keep] if unreadable else loaded.images,
            labels=labels[keep],
            classes=dataset.classes,
            files=tuple(dataset.files[index] for index in keep) if unreadable else dataset.files,
            digests=loaded.digests[keep],
            unreadable=unreadable,
        )

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """int64 `[N]`: images with the same number (exact duplicates, an image and its augmented children) stay together."""
        return origin_groups(self.files, self.digests)

    @property
    def duplicates(self) -> int:
        """How many images equal an earlier one, bit for bit."""
        return len(self.digests) - len(np.unique(self.digests, axis=0))

    @property
    def per_class(self) -> dict[str, int]:
        """Images per label."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return {label: int(count) for label, count in zip(self.classes, counts, strict=True)}


def _report(dataset: Dataset, loaded: Loaded, strict: bool) -> None:
    reasons = list(loaded.failures.values())
    if strict:
        raise DatasetError(f"{len(reasons)} of {len(dataset)} images cannot be read: {reasons[0]}", "Without --strict they are left out.")
    for reason in reasons[:5]:
        log.warning("%s", reason)
    more = f" ({len(reasons) - 5} more not named here)" if len(reasons) > 5 else ""
    log.warning("%d of %d images in %s cannot be read and are left out%s.", len(reasons), len(dataset), dataset.source, more)
