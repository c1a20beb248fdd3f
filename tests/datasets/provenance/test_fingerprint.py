"""A fingerprint depends on labels and file contents, not on names, folders or order."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.provenance.fingerprint import content_fingerprint
from charcnn.datasets.scan import scan
from charcnn.specs.image import ImageSpec


def _fingerprint(root: Path, spec: ImageSpec | None = None) -> str:
    arrays = LabeledImages.load(scan(root), spec or ImageSpec(polarity="dark-on-light"))
    return content_fingerprint(arrays.labels, arrays.classes, arrays.digests)


@settings(deadline=None)
@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=30), seed=st.integers(0, 1000))
def test_neither_the_order_of_images_nor_of_classes_counts(labels: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    indices, classes = np.array(labels, np.int64), ("a", "b", "c", "d")
    digests = rng.integers(0, 256, (len(labels), 32), dtype=np.uint8)
    expected = content_fingerprint(indices, classes, digests)
    order = rng.permutation(len(labels))
    assert content_fingerprint(indices[order], classes, digests[order]) == expected
    assert content_fingerprint(3 - indices, classes[::-1], digests) == expected


def _naive(labels: list[int], classes: list[str], digests: np.ndarray) -> str:
    """The definition: the sha256 over the sorted lines `label<TAB>sha256`."""
    lines = sorted(
        f"{classes[label]}\t{digest.tobytes().hex()}\n" for label, digest in zip(labels, digests, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@settings(deadline=None)
@given(
    classes=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\t"), min_size=1), min_size=1, unique=True
    ),
    data=st.data(),
)
def test_fingerprint_equals_its_definition(classes: list[str], data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.integers(0, len(classes) - 1), max_size=20))
    rows = data.draw(st.lists(st.binary(min_size=32, max_size=32), min_size=len(labels), max_size=len(labels)))
    digests = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 32)
    assert content_fingerprint(np.array(labels, np.int64), classes, digests) == _naive(labels, classes, digests)


def test_fingerprint_is_a_sha256_in_hex() -> None:
    fingerprint = content_fingerprint(np.array([0]), ("a",), np.zeros((1, 32), np.uint8))
    assert len(fingerprint) == 64
    assert set(fingerprint) <= set("0123456789abcdef")


def test_label_image_and_number_change_the_fingerprint() -> None:
    zeros = np.zeros((1, 32), np.uint8)
    prints = {
        content_fingerprint(np.array([0]), ("a",), zeros),
        content_fingerprint(np.array([0]), ("b",), zeros),
        content_fingerprint(np.array([0]), ("a",), zeros + 1),
        content_fingerprint(np.array([0, 0]), ("a",), np.repeat(zeros, 2, 0)),
        content_fingerprint(np.array([], np.int64), ("a",), zeros[:0]),
    }
    assert len(prints) == 5


def test_a_class_without_images_does_not_count() -> None:
    zeros = np.zeros((1, 32), np.uint8)
    assert content_fingerprint(np.array([0]), ("a", "b"), zeros) == content_fingerprint(np.array([0]), ("a",), zeros)


def test_place_names_and_preprocessing_do_not_change_it(starter: Path, world: Path) -> None:
    copy = world / "elsewhere" / "汉字"
    for folder, label in enumerate("博学笃志切问近思自由无用", 1):
        shutil.copytree(starter / "test" / str(folder), copy / label)
    (copy / "博" / "1.bmp").rename(copy / "博" / "first.bmp")
    assert _fingerprint(copy) == _fingerprint(starter / "test")
    assert _fingerprint(copy, ImageSpec(height=40, fit="ink")) == _fingerprint(starter / "test")
    (copy / "博" / "first.bmp").rename(copy / "学" / "first.bmp")
    assert _fingerprint(copy) != _fingerprint(starter / "test")
