"""A dataset → one uint8 array, its labels, and the groups that a split keeps together."""

import hashlib
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
from charcnn.images.codec import Gray
from charcnn.images.fit import fit
from charcnn.images.load import LoadResult
from charcnn.specs.image import ImageSpec
from charcnn.storage.paths import natural_key

log = logging.getLogger(__name__)

ImagesAndLabels = tuple[NDArray[np.uint8] | Sequence[Gray], Sequence[str | int]]
"""Images, uint8 `[N,H,W]` or `N` images uint8 `[H,W]` of any sizes, and their `N` labels; a number is its text."""
IN_MEMORY = "<arrays>"
"""What a card names as the source of images that were in memory."""


@dataclass(frozen=True)
class LabeledImages:
    """The readable images of a labeled dataset.

    Attributes:
        images: uint8 `[N,H,W]`, dark ink on white; read-only, possibly mapped from the cache.
        labels: int64 `[N]`, indices into `classes`.
        classes: The label texts, in order.
        files: The `N` image files; none of a packed dataset or of images in memory.
        digests: uint8 `[N,32]`: the sha256 of each file; where there are none, of each image's pixels.
        groups: `[N]` × 32 bytes: the digest of the image that each one comes from: itself, a copy's
            original, or a synthetic writer. Images of one group stay together in a split.
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
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Self:
        """Read a labeled dataset, from the cache where that is possible.

        Args:
            dataset: What to read.
            spec: How images become the network's input; its polarity should be decided.
            strict: An unreadable image is an error, instead of a warning that names it.
            on_progress: Called with images done and images in all.

        Raises:
            UnlabeledError: the dataset has no labels.
            DatasetError: an unreadable image, where strict; a class of which no image can be read.
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
            _report_unreadable(dataset, loaded, strict)
            keep = np.setdiff1d(np.arange(len(dataset)), list(loaded.failures))
        else:
            keep = np.arange(len(dataset))
        lost = set(labels.tolist()) - set(labels[keep].tolist())
        if lost:
            name = dataset.classes[min(lost)]
            raise DatasetError(f"No readable images of the class {name} in {dataset.source}.")
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
    def from_arrays(
        cls, images: NDArray[np.uint8] | Sequence[Gray], labels: Sequence[str | int], spec: ImageSpec
    ) -> Self:
        """Return images in memory as a labeled dataset.

        Args:
            images: uint8 `[N,H,W]`, or `N` images uint8 `[H,W]` of any sizes.
            labels: `N` label texts; a number stands for its decimal text. The classes are in natural order.
            spec: How images become the network's input; its polarity should be decided.

        Raises:
            DatasetError: no image, an image of another shape or type, or not one label for each image.
        """
        texts = _label_texts(labels)
        if len(images) != len(texts):
            raise DatasetError(f"{len(images)} images have {len(texts)} labels: each image needs one.")
        check_images(images)
        fitted = np.stack([fit(image, spec) for image in images])
        fitted.flags.writeable = False
        classes = tuple(sorted(set(texts), key=natural_key))
        index = {label: position for position, label in enumerate(classes)}
        hashes = b"".join(hashlib.sha256(image.tobytes()).digest() for image in images)
        digests = np.frombuffer(hashes, np.uint8).reshape(-1, 32)
        return cls(
            images=fitted,
            labels=np.array([index[text] for text in texts], np.int64),
            classes=classes,
            files=(),
            digests=digests,
            groups=digests.view("V32").reshape(-1),
            unreadable={},
        )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Join datasets by label: the first one's classes come first, in its order, new ones follow.

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
        """Return the labels as indices into other classes, matched by label text.

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
        """Number of images that equal an earlier one, bit for bit."""
        return len(self.digests) - len(np.unique(np.ascontiguousarray(self.digests).view("V32")))

    @property
    def per_class(self) -> dict[str, int]:
        """Images per label."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return {label: int(count) for label, count in zip(self.classes, counts, strict=True)}


def check_images(images: NDArray[np.uint8] | Sequence[Gray]) -> None:
    """Check that images in memory are gray, 8 bits a pixel.

    Raises:
        DatasetError: there is none, or one has another shape or type.
    """
    if not len(images):
        raise DatasetError("There are no images.")
    for number, image in enumerate(images):
        if not isinstance(image, np.ndarray) or image.ndim != 2 or image.dtype != np.uint8 or not image.size:
            found = f"{image.dtype} {list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
            raise DatasetError(f"Image {number} must be a uint8 array [H,W], not {found}.")


def _label_texts(labels: Sequence[str | int]) -> list[str]:
    for label in labels:
        if not isinstance(label, str | int | np.integer) or label == "":
            raise DatasetError(f"A label must be a text or a whole number, not {label!r}.")
    return [str(label) for label in labels]


def check_known(labels: Sequence[str], classes: Sequence[str]) -> None:
    """Check that a dataset's labels are all among a model's.

    Raises:
        UnknownLabelError: one is not.
    """
    known = set(classes)
    unknown = [label for label in labels if label not in known]
    if unknown:
        raise UnknownLabelError(unknown, classes)


def _report_unreadable(dataset: DatasetIndex, loaded: LoadResult, strict: bool) -> None:
    reasons = list(loaded.failures.values())
    if strict:
        raise DatasetError(
            f"{len(reasons)} of {len(dataset)} images cannot be read: {reasons[0]}",
            "Without `strict=True` they are left out.",
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
