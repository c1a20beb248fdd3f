"""Synthetic datasets are split by writer, independent of the number of processes, and written atomically."""

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import charcnn.parallel
from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.generate.augment import augment
from charcnn.datasets.generate.request import MAX_WRITERS_PER_SPLIT
from charcnn.datasets.generate.rotation import AugmentRanges
from charcnn.datasets.generate.samples import distinct_characters
from charcnn.datasets.generate.synth import synth
from charcnn.datasets.scan import scan
from charcnn.datasets.split import split_indices
from charcnn.errors import ConfigError, GlyphError, OverwriteError
from charcnn.handwriting.charsets import STARTER
from charcnn.handwriting.style import WritingStyle
from charcnn.images.codec import read_image
from charcnn.specs.choices import Neatness
from charcnn.specs.image import ImageSpec

# Writers of test images start beyond all possible training writers, so that `per_class` does not change them.
TEST_WRITERS = (MAX_WRITERS_PER_SPLIT, MAX_WRITERS_PER_SPLIT + 1)


def _small(characters: str, root: Path, **settings: Any) -> Path:
    return synth(characters, root, **{"per_class": 5, "test_per_class": 2, "size": 24, **settings})


def _hashes(root: Path) -> dict[str, str]:
    """Return file, relative to `root` → sha256."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _manifest(root: Path) -> list[dict[str, str]]:
    with (root / "synth.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_it_contains_what_was_requested(world: Path) -> None:
    root = _small("由 自\n由", world / "set")
    assert {path.name for path in root.iterdir()} == {"train", "test", "classes.txt", "synth.csv"}
    for part, count in (("train", 5), ("test", 2)):
        for character in "由自":
            names = {path.name for path in (root / part / character).iterdir()}
            assert names == {f"{n}.png" for n in range(1, count + 1)}
    assert read_image(root / "train" / "由" / "1.png").shape == (24, 24)
    assert (root / "classes.txt").read_text(encoding="utf-8") == "由\t由\n自\t自\n"


def test_the_manifest_names_every_file_with_its_sha256_and_writer(world: Path) -> None:
    root = _small("由自", world / "set", style=WritingStyle(seed=7), preview=True)
    rows = _manifest(root)
    contents = {name: digest for name, digest in _hashes(root).items() if name != "synth.csv"}
    assert {row["file"]: row["sha256"] for row in rows} == contents
    assert {row["writer"] for row in rows} == {"", *(f"7-{number}" for number in (*range(5), *TEST_WRITERS))}
    assert {row["file"] for row in rows if not row["writer"]} == {"classes.txt", "preview.png"}


def test_files_are_independent_of_the_number_of_processes(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _, _ = made = [_small("由自", world / str(jobs), jobs=jobs, per_class=70) for jobs in (1, 2, 4)]
    assert [_hashes(root) for root in made] == [_hashes(one)] * 3, "they are too few to be shared"
    monkeypatch.setattr(charcnn.parallel, "MIN_IMAGES_FOR_POOL", 1)
    for jobs in (2, 4):
        assert _hashes(_small("由自", world / "shared", jobs=jobs, per_class=70)) == _hashes(one)


def test_the_first_images_do_not_depend_on_how_many_there_are(world: Path) -> None:
    few, many = (_hashes(_small("由自", world / str(count), per_class=count)) for count in (3, 60))
    assert all(many[name] == digest for name, digest in few.items() if name.endswith(".png"))


def test_other_characters_do_not_change_the_images_of_one(world: Path) -> None:
    two, three = _hashes(_small("由自", world / "2")), _hashes(_small("无由自", world / "3"))
    assert all(three[name] == digest for name, digest in two.items() if name.endswith(".png"))


def test_another_seed_gives_other_images(world: Path) -> None:
    one, other = _hashes(_small("由自", world / "0")), _hashes(_small("由自", world / "1", style=WritingStyle(seed=1)))
    assert not {digest for name, digest in one.items() if name.endswith(".png")} & set(other.values())


def test_no_writer_is_in_training_and_test(world: Path) -> None:
    rows = _manifest(_small("由自无", world / "set"))
    writers = {
        part: [row["writer"] for row in rows if row["file"].startswith(f"{part}/")] for part in ("train", "test")
    }
    assert not set(writers["train"]) & set(writers["test"])
    assert sorted(writers["train"]) == sorted([f"0-{number}" for number in range(5)] * 3)
    assert sorted(writers["test"]) == sorted([f"0-{number}" for number in TEST_WRITERS] * 3)


def test_validation_is_split_by_writer(world: Path) -> None:
    root = _small("由自无", world / "set", per_class=20)
    arrays = LabeledImages.load(scan(root / "train"), ImageSpec(polarity="dark-on-light"))
    assert len(np.unique(arrays.groups)) == 20
    stays, aside = split_indices(arrays.labels, arrays.groups, 0.2, seed=0)
    writers = {row["file"]: row["writer"] for row in _manifest(root)}
    sides = [{writers[arrays.files[i].relative_to(root).as_posix()] for i in side} for side in (stays, aside)]
    assert not sides[0] & sides[1]
    assert [len(side) for side in sides] == [16, 4]
    assert np.bincount(arrays.labels[aside]).tolist() == [4, 4, 4]


def test_rotated_copies_stay_with_the_writer(world: Path) -> None:
    root = _small("由自", world / "set")
    augment(root / "train", world / "turned", AugmentRanges(5, 25), copies=2)
    parts = [
        LabeledImages.load(scan(path), ImageSpec(polarity="dark-on-light"))
        for path in (root / "train", world / "turned")
    ]
    assert len(np.unique(LabeledImages.join(parts).groups)) == 5


def test_labels_that_file_systems_do_not_allow_survive(world: Path) -> None:
    characters = "Aa./?0博é"
    root = _small(characters, world / "set")
    dataset = scan(root / "train")
    assert set(dataset.classes) == set(characters)
    folders = {path.name for path in (root / "train").iterdir()}
    assert {"U+0041", "U+0061", "U+002E", "U+002F", "U+003F", "0", "博"} < folders
    for file, label in zip(dataset.files, dataset.require_labels(), strict=True):
        assert file.parent.name in (dataset.classes[label], f"U+{ord(dataset.classes[label]):04X}")


@pytest.mark.parametrize("lacking", ["\ue000", "अ", "\u200b"])
def test_missing_glyphs_are_refused_and_nothing_is_written(world: Path, lacking: str) -> None:
    with pytest.raises(GlyphError, match=rf"2 of the 4 characters.*U\+{ord(lacking):04X}.*U\+E001") as caught:
        _small(f"由{lacking}自\ue001", world / "set")
    assert "`fonts`" in caught.value.hint
    assert not (world / "set").exists()


@pytest.mark.parametrize("content", [None, b"", b"no font", b"text " * 500, b"\0\1\0\0" + bytes(range(256)) * 12])
def test_a_font_that_cannot_be_read_is_named(world: Path, content: bytes | None) -> None:
    """OpenCV itself crashes on some of these."""
    if content is not None:
        (world / "not.ttf").write_bytes(content)
    with pytest.raises(GlyphError, match=r"not\.ttf"):
        _small("由自", world / "set", style=WritingStyle(fonts=(world / "not.ttf",)))
    assert not (world / "set").exists()


def test_shapes_come_from_the_given_font(world: Path) -> None:
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf")
    if not font.is_file():
        pytest.skip(f"no {font} here")
    own, built_in = _small("ag", world / "own", style=WritingStyle(fonts=(font,))), _small("ag", world / "built-in")
    images = [digest for name, digest in _hashes(own).items() if name.endswith(".png")]
    assert not set(images) & set(_hashes(built_in).values())
    with pytest.raises(GlyphError, match=r"DejaVuSerif\.ttf lacks 1 of the 2 characters: 由"):
        _small("a由", world / "lacking", style=WritingStyle(fonts=(font,)))


@pytest.mark.parametrize("characters", ["", " \n", "由", "由 由\t由"])
def test_fewer_than_two_characters_are_refused(world: Path, characters: str) -> None:
    with pytest.raises(ConfigError, match="at least 2 are needed"):
        _small(characters, world / "set")


def test_each_character_counts_once() -> None:
    assert distinct_characters("b a\nba\u3000c") == ["b", "a", "c"]
    assert distinct_characters("e\u0301か\u3099") == ["é", "が"]
    with pytest.raises(ConfigError, match="UTF-8"):
        distinct_characters("a\udcffb")


@pytest.mark.parametrize(("name", "value"), [("per_class", 0), ("test_per_class", -1), ("size", 4), ("size", 5000)])
def test_a_number_out_of_range_is_refused(world: Path, name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=str(value)):
        _small("由自", world / "set", **{name: value})
    assert not (world / "set").exists()


def test_an_unmodified_set_is_replaced_with_nothing_left_over(world: Path) -> None:
    synth(root=world / "set", per_class=3, test_per_class=1, preview=True)  # the starter set, with its ttest
    (world / "set" / "notes.txt").write_text("mine", encoding="utf-8")
    _small("由自无", world / "set", per_class=9, force=True)
    (world / "set" / "notes.txt").unlink()
    assert _hashes(_small("无由", world / "set", force=True)) == _hashes(_small("无由", world / "fresh"))


def test_a_dataset_of_other_characters_is_replaced_only_with_force(
    world: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = _hashes(_small("Ab", world / "set"))
    for characters in ("Abc", "A由"):
        with pytest.raises(OverwriteError, match=r"contains a dataset of other characters: A b\n") as caught:
            _small(characters, world / "set")
        assert "`force=True`" in caught.value.hint
        assert _hashes(world / "set") == before
    assert _hashes(_small("A由", world / "set", force=True)) == _hashes(_small("A由", world / "fresh"))
    assert "Replaced the earlier dataset" in caplog.text
    assert "set: other characters." in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per_class": 7, "size": 30}, "training images 10 → 14, size 24 → 30"),
        ({"style": WritingStyle(seed=3), "test_per_class": 1}, "test images 4 → 2, seed 0 → 3"),
        ({"style": WritingStyle(pen="marker")}, "another style, pen, paper, font or version"),
    ],
)
def test_the_replacement_of_an_earlier_dataset_is_reported_with_the_differences(
    world: Path, caplog: pytest.LogCaptureFixture, settings: dict[str, Any], message: str
) -> None:
    root = _small("由自", world / "set")
    _small("自由", root)
    (root / "train/由/1.png").unlink()
    _small("由自", root)
    assert caplog.text == "", "the datasets are the same"
    _small("由自", root, **settings)
    assert f"Replaced the earlier dataset in {root}: " in caplog.text
    assert message in caplog.text


@pytest.mark.parametrize("name", ["train/由/1.png", "train/mine/1.png", "test/note.txt", "classes.txt", "preview.png"])
def test_foreign_and_modified_files_are_kept_without_force(world: Path, name: str) -> None:
    root = _small("由自", world / "set")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"mine")
    before = _hashes(root)
    with pytest.raises(OverwriteError, match="did not write") as caught:
        _small("由自", root, per_class=3)
    assert name in caught.value.message
    assert _hashes(root) == before


@pytest.mark.parametrize("name", ["train/由/1.png", "test/note.txt", "ttest/1.png", "classes.txt", "preview.png"])
def test_force_writes_the_dataset_and_keeps_files_that_are_not_read_as_part_of_it(world: Path, name: str) -> None:
    root, fresh = _small("由自", world / "set"), _hashes(_small("由自无", world / "fresh"))
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"mine")
    _small("由自无", root, force=True)
    assert _hashes(root) == {name: hashlib.sha256(b"mine").hexdigest(), **fresh}


@pytest.mark.parametrize("name", ["train/mine/1.png", "train/mine/note.txt", "test/由/mine.png", "train/由/5.png"])
def test_files_that_would_become_part_of_a_dataset_are_refused_even_with_force(world: Path, name: str) -> None:
    root = _small("由自", world / "set")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"mine")
    before = _hashes(root)
    with pytest.raises(OverwriteError, match="would be read as part of the new dataset") as caught:
        _small("由自", root, per_class=3, force=True)
    assert name in caught.value.message
    assert _hashes(root) == before


def test_a_file_in_place_of_the_folder_is_refused(world: Path) -> None:
    (world / "set").write_bytes(b"mine")
    with pytest.raises(OverwriteError, match="not a folder"):
        _small("由自", world / "set")
    assert (world / "set").read_bytes() == b"mine"


@pytest.mark.parametrize("there", [True, False])
def test_an_interruption_leaves_nothing_half_done(world: Path, there: bool) -> None:
    before = _hashes(_small("由自", world / "set")) if there else {}

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _small("由自", world / "set", per_class=9, on_progress=interrupt)
    assert (world / "set").exists() == there
    assert _hashes(world / "set") == before


def test_a_set_written_by_another_process_is_not_written_again(world: Path) -> None:
    """Two processes may need the same set; the second must not replace files that the first is already reading."""
    root = _small("由自", world / "set")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    _small("由自", root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_progress_ends_at_the_total(world: Path) -> None:
    steps: list[tuple[int, int]] = []
    _small("由自无", world / "set", on_progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (21, 21)
    assert steps == sorted(steps)


def test_a_preview_has_a_row_for_each_character(world: Path) -> None:
    root = _small("由自无", world / "set", preview=True)
    assert read_image(root / "preview.png").shape == (3 * 52 + 4, 5 * 52 + 4)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    characters=st.lists(st.sampled_from(f"{STARTER}AgiQ%09ぬヲ"), min_size=2, max_size=3, unique=True),
    size=st.sampled_from([20, 28, 64]),
    seed=st.integers(0, 99),
    style=st.sampled_from(["neat", "hasty"]),
)
def test_every_image_has_ink_inside_the_frame(
    tmp_path_factory: pytest.TempPathFactory, characters: list[str], size: int, seed: int, style: Neatness
) -> None:
    root = tmp_path_factory.mktemp("ink") / "set"
    _small("".join(characters), root, size=size, style=WritingStyle(style, paper="scan", seed=seed))
    for path in (*root.glob("train/*/*.png"), *root.glob("test/*/*.png")):
        image = read_image(path)
        frame = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert 0.005 < (image < 128).mean() < 0.6, path
        assert (frame == 255).mean() > 0.9, path
