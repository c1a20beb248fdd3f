"""A dataset → one uint8 array, its labels, and who belongs to whom."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.cache import load_cached
from charcnn.datasets.formats.packed import load_packed
from charcnn.datasets.provenance.groups import group_ids
from charcnn.datasets.scan import DatasetIndex
from charcnn.errors import DatasetError, UnknownLabelError
from charcnn.images.load import LoadResult
from charcnn.specs.image import ImageSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabeledImages:
    """The readable images of a labelled dataset.

    Attributes:
        images: uint8 `[N,H,W]`, dark ink on white; read-only, possibly mapped from the cache.
        labels: int64 `[N]`, indices into `classes`.
        classes: The label texts, in order.
        files: The `N` image files; none of a packed dataset.
        digests: uint8 `[N,32]`: the sha256 of each file; of a packed dataset, of each image's pixels.
        groups: `[N]` × 32 bytes: the digest of the image that each one comes from: itself, an augmented child's
            original, or a synthetic writer. Images with the same origin stay together in a split.
        unreadable: The files that could not be read, and why.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    digests: NDArray[np.uint8]
    groups: NDArray[np.void]
    unreadable: dict[Path, str]

    @classmethod
    def load(
        cls,
        dataset: DatasetIndex,
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
        if dataset.note:
            log.warning("%s", dataset.note)
        if dataset.packed is not None:
            loaded = load_packed(dataset.packed, spec, on_progress)
        else:
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
        images = loaded.images[keep] if unreadable else loaded.images
        images.flags.writeable = False
        return cls(
            images=images,
            labels=labels[keep],
            classes=dataset.classes,
            files=tuple(dataset.files[index] for index in keep) if unreadable else dataset.files,
            digests=loaded.digests[keep] if unreadable else loaded.digests,
            groups=group_ids(dataset.files, loaded.digests)[keep],
            unreadable=unreadable,
        )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Joins datasets by label: the first one's classes come first, in its order, new ones follow.

        Several datasets are copied into memory; one alone stays mapped.
        """
        if len(parts) == 1:
            return parts[0]
        classes = tuple(dict.fromkeys(label for part in parts for label in part.classes))
        images = np.concatenate([part.images for part in parts])
        images.flags.writeable = False
        return cls(
            images=images,
            labels=np.concatenate([part.labels_in(classes) for part in parts]),
            classes=classes,
            files=tuple(file for part in parts for file in part.files),
            digests=np.concatenate([part.digests for part in parts]),
            groups=np.concatenate([part.groups for part in parts]),
            unreadable={file: reason for part in parts for file, reason in part.unreadable.items()},
        )

    def labels_in(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """Gives the labels as indices into other classes, met by label text.

        Returns:
            int64 `[N]`.

        Raises:
            UnknownLabelError: `classes` lacks a label.
        """
        check_known(self.classes, classes)
        index = {label: position for position, label in enumerate(classes)}
        return np.array([index[label] for label in self.classes], np.int64)[self.labels]

    @property
    def duplicates(self) -> int:
        """How many images equal an earlier one, bit for bit."""
        return len(self.digests) - len(np.unique(np.ascontiguousarray(self.digests).view("V32")))

    @property
    def per_class(self) -> dict[str, int]:
        """Images per label."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return {label: int(count) for label, count in zip(self.classes, counts, strict=True)}


def check_known(labels: Sequence[str], classes: Sequence[str]) -> None:
    """Checks that a dataset's labels are all among a model's.

    Raises:
        UnknownLabelError: one is not.
    """
    known = set(classes)
    unknown = [label for label in labels if label not in known]
    if unknown:
        raise UnknownLabelError(unknown, classes)


def _report(dataset: DatasetIndex, loaded: LoadResult, strict: bool) -> None:
    reasons = list(loaded.failures.values())
    if strict:
        raise DatasetError(
            f"{len(reasons)} of {len(dataset)} images cannot be read: {reasons[0]}",
            "Without --strict they are left out.",
        )
    for reason in reasons[:5]:
        log.warning("%s", reason)
    more = f" ({len(reasons) - 5} more not named here)" if len(reasons) > 5 else ""
    log.warning(
        "%d of %d images in %s cannot be read and are left out%s.",
        len(reasons),
        len(dataset),
        dataset.source,
        more,
    )
