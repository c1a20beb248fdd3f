"""Load datasets as a uint8 array with labels, and with groups that a split keeps together."""

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
"""Images, uint8 `[N,H,W]` or `N` images uint8 `[H,W]` of any size, and their `N` labels; integers stand for text."""
IN_MEMORY = "<arrays>"
"""Name of the source, in a card, of images that were passed in memory."""


@dataclass(frozen=True)
class LabeledImages:
    """The readable images of a labeled dataset.

    Attributes:
        images: uint8 `[N,H,W]`, dark ink on white; read-only, possibly mapped from the cache.
        labels: int64 `[N]`, indices into `classes`.
        classes: The label texts, in order.
        files: The `N` image files; empty for a packed dataset and for images in memory.
        digests: uint8 `[N,32]`: sha256 of each file or, if there are no files, of each image's pixels.
        groups: `[N]` × 32 bytes: digest of the origin of each image, which is the image itself, the original of a
            copy, or a synthetic writer. A split keeps images of one group together.
        unreadable: File that could not be read → reason.
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
        """Read a labeled dataset, from the cache if possible.

        Args:
            dataset: The dataset to read.
            spec: How images become the network's input; its polarity should be decided.
            strict: Raise if an image is unreadable, instead of logging a warning.
            on_progress: Called with the number of images done and the total.

        Raises:
            UnlabeledError: the dataset has no labels.
            DatasetError: a class has no readable image, or an image is unreadable and `strict` is set.
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
            labels: `N` labels; integers stand for their text. Classes are sorted in natural order.
            spec: How images become the network's input; its polarity should be decided.

        Raises:
            DatasetError: there are no images, an image has the wrong shape or dtype, or the number of labels differs.
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
        """Join datasets by label. The classes of the first dataset come first, followed by new ones of the others.

        A single dataset stays memory-mapped. Several are copied into memory.
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
            UnknownLabelError: a label is not in `classes`.
        """
        check_known(self.classes, classes)
        index = {label: position for position, label in enumerate(classes)}
        return np.array([index[label] for label in self.classes], np.int64)[self.labels]

    @property
    def duplicates(self) -> int:
        """Number of images that are identical to an earlier one, bit for bit."""
        return len(self.digests) - len(np.unique(np.ascontiguousarray(self.digests).view("V32")))

    @property
    def per_class(self) -> dict[str, int]:
        """Number of images per label."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return {label: int(count) for label, count in zip(self.classes, counts, strict=True)}


def check_images(images: NDArray[np.uint8] | Sequence[Gray]) -> None:
    """Check that images in memory are uint8 arrays `[H,W]`.

    Raises:
        DatasetError: there are no images, or one has the wrong shape or dtype.
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
            raise DatasetError(f"A label must be a non-empty string or an integer, not {label!r}.")
    return [str(label) for label in labels]


def check_known(labels: Sequence[str], classes: Sequence[str]) -> None:
    """Check that a model knows all labels of a dataset.

    Args:
        labels: The labels of the dataset.
        classes: The labels of the model.

    Raises:
        UnknownLabelError: the model does not know a label.
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
            "Without `strict=True`, unreadable images are skipped.",
        )
    for reason in reasons[:5]:
        log.warning("%s", reason)
    more = f" ({len(reasons) - 5} more not shown)" if len(reasons) > 5 else ""
    log.warning(
        "Skipped %d of %d images in %s that cannot be read%s.",
        len(reasons),
        len(dataset),
        dataset.source,
        more,
    )
