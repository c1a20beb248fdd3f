"""Duplicates, and copies with their original, are one group."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.generate.augment import augment
from charcnn.datasets.generate.rotation import AugmentRanges
from charcnn.datasets.provenance.augment_manifest import AUGMENT_MANIFEST
from charcnn.datasets.scan import scan
from charcnn.errors import CharcnnError
from charcnn.specs.image import ImageSpec

SPEC = ImageSpec(polarity="dark-on-light")
TURN = AugmentRanges(min_angle=5, max_angle=25)


def _load(*roots: Path) -> LabeledImages:
    return LabeledImages.join([LabeledImages.load(scan(root), SPEC) for root in roots])


def _origins(root: Path) -> dict[str, bytes]:
    """Return file, relative to `root` → origin."""
    arrays = _load(root)
    names = [file.relative_to(root).as_posix() for file in arrays.files]
    return {name: origin.tobytes() for name, origin in zip(names, arrays.groups, strict=True)}


@pytest.fixture
def train(starter: Path, world: Path) -> Path:
    """Two classes of the starter set, ten images each, in `world/set/train`."""
    for label in ("1", "2"):
        folder = world / "set" / "train" / label
        folder.mkdir(parents=True)
        for number in range(1, 11):
            shutil.copy(starter / "train" / label / f"{number}.bmp", folder)
    return world / "set" / "train"


def test_an_image_without_a_record_is_its_own_origin(train: Path) -> None:
    arrays = _load(train)
    assert [origin.tobytes() for origin in arrays.groups] == [digest.tobytes() for digest in arrays.digests]
    assert len(np.unique(arrays.groups)) == 20


def test_duplicates_have_one_origin(train: Path) -> None:
    shutil.copy(train / "1" / "1.bmp", train / "2" / "copy.bmp")
    found = _origins(train)
    assert found["1/1.bmp"] == found["2/copy.bmp"]
    assert len(set(found.values())) == 20


def test_copies_have_the_origin_of_their_original(train: Path, world: Path) -> None:
    augment(train, world / "out", TURN)
    assert _origins(world / "out") == _origins(train)


def test_copies_of_copies_have_the_origin_of_the_first_image(train: Path, world: Path) -> None:
    augment(train, world / "children", TURN, copies=2)
    augment(world / "children", world / "grandchildren", TURN)
    expected = _origins(train)
    for name, origin in _origins(world / "grandchildren").items():
        assert origin == expected[name.replace("-1.", ".").replace("-2.", ".")]


def test_copies_in_a_flat_folder_have_the_origin_of_their_original(train: Path, world: Path) -> None:
    augment(train / "1", world / "out", TURN)
    lines = "".join(f"{number}.bmp,x\n" for number in range(1, 11))
    (world / "out.csv").write_text(f"file,label\n{lines}", encoding="utf-8")
    expected = _origins(train)
    assert {f"1/{name}": origin for name, origin in _origins(world / "out").items()}.items() <= expected.items()


def test_copies_of_a_folder_of_datasets_have_their_originals_origin(train: Path, world: Path) -> None:
    shutil.copytree(train, train.parent / "test")
    augment(train.parent, world / "out", TURN)
    assert _origins(world / "out" / "train") == _origins(train)


def test_a_split_keeps_copies_with_their_originals(train: Path, world: Path) -> None:
    from charcnn.datasets.split import split_indices

    augment(train, world / "out", TURN, copies=3)
    both = _load(train, world / "out")
    stays, aside = split_indices(both.labels, both.groups, 0.2, seed=0)
    assert len(stays) + len(aside) == 80
    originals = [
        {both.files[index].name.split("-")[0].split(".")[0] + both.files[index].parent.name for index in side}
        for side in (stays, aside)
    ]
    assert not originals[0] & originals[1]


@pytest.mark.parametrize("origin", ["", "not hex", "abcd"])
def test_a_damaged_manifest_is_named_or_ignored(train: Path, world: Path, origin: str) -> None:
    (train / AUGMENT_MANIFEST).write_text(f"child,parent,origin_sha256\n1/1.bmp,1/1.bmp,{origin}\n", encoding="utf-8")
    try:
        assert len(_load(train).groups) == 20
    except CharcnnError as fault:
        complaint = fault.message
    else:
        complaint = AUGMENT_MANIFEST
    assert AUGMENT_MANIFEST in complaint
