"""Rotated copies: names, angles, corners, the manifest, and the protection of other files."""

import csv
import hashlib
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import charcnn.parallel
from charcnn.datasets.generate.augment import augment
from charcnn.datasets.generate.rotation import AugmentRanges, Transform
from charcnn.datasets.provenance.augment_manifest import AUGMENT_MANIFEST, read_copies
from charcnn.datasets.provenance.groups import recorded_origins
from charcnn.errors import CharcnnError, ConfigError, DatasetError, OverwriteError
from charcnn.images.codec import Gray, read_image, write_image

DRAWN = ["angle", "shear", "scale", "shift_x", "shift_y", "noise", "noise_seed"]
COLUMNS = ["child", "parent", "origin_sha256", "child_sha256", *DRAWN]
ALL_KINDS = AugmentRanges(min_angle=-30, max_angle=31, shear=10, scale=0.2, shift=0.1, noise=8)


def _drawing(seed: int) -> Gray:
    picture = np.full((28, 28), 255, np.uint8)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        start, end = (tuple(int(v) for v in rng.integers(6, 22, 2)) for _ in range(2))
        cv2.line(picture, start, end, (0,), 2)
    return picture


@pytest.fixture
def source(world: Path) -> Path:
    """Two classes of five images."""
    folder = world / "source"
    for number in range(10):
        path = folder / str(1 + number // 5) / f"{number % 5 + 1}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, _drawing(number))
    return folder


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_names_and_folders_are_the_same(world: Path, source: Path) -> None:
    before = _bytes(source)
    made = augment(source, world / "out")
    assert (made.folder, made.copies, dict(made.failures)) == (world / "out", 10, {})
    assert _bytes(world / "out").keys() - {AUGMENT_MANIFEST} == before.keys()
    assert _bytes(source) == before


def test_a_flat_folder_stays_flat(world: Path, source: Path) -> None:
    augment(source / "1", world / "out")
    assert sorted(_bytes(world / "out")) == [*(f"{i}.bmp" for i in range(1, 6)), AUGMENT_MANIFEST]


def test_the_manifest_records_copy_original_origin_and_parameters(world: Path, source: Path) -> None:
    augment(source, world / "out", AugmentRanges(min_angle=-3, max_angle=4))
    with (world / "out" / AUGMENT_MANIFEST).open(newline="", encoding="utf-8") as stream:
        heading, *rows = csv.reader(stream)
    assert heading == COLUMNS
    assert [row[0] for row in rows] == [f"{c}/{i}.bmp" for c in (1, 2) for i in range(1, 6)]
    for child, parent, origin, own, angle, *others in rows:
        assert child == parent
        assert origin == _sha256(source / parent)
        assert own == _sha256(world / "out" / child)
        assert -3 <= int(angle) < 4
        assert [float(other) for other in others[:-1]] == [0, 1, 0, 0, 0]


@settings(deadline=None)
@given(low=st.integers(-180, 180), span=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_angles_are_whole_degrees_below_the_largest(low: int, span: int, seed: int) -> None:
    angles = {
        transform.angle for transform in Transform.draw(AugmentRanges(min_angle=low, max_angle=low + span), 300, seed)
    }
    assert angles <= set(range(low, low + span))
    assert len(angles) > 1 or span == 1


def test_default_angles_are_zero_to_nine_degrees() -> None:
    assert {transform.angle for transform in Transform.draw(AugmentRanges(), 1000, 0)} == set(range(10))


@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_parameters_are_within_their_ranges(seed: int) -> None:
    for transform in Transform.draw(ALL_KINDS, 50, seed):
        assert abs(transform.shear) <= 10
        assert 0.8 <= transform.scale <= 1.2
        assert abs(transform.shift_x) <= 0.1
        assert abs(transform.shift_y) <= 0.1


@pytest.mark.parametrize(
    "setting",
    [
        {"min_angle": 5, "max_angle": 5},
        {"min_angle": 9, "max_angle": 0},
        {"shear": -1},
        {"shear": 46},
        {"scale": 1.0},
        {"shift": 0.6},
        {"noise": -0.1},
        {"noise": float("nan")},
    ],
)
def test_invalid_ranges_are_refused_by_name(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError) as fault:
        AugmentRanges(**setting)  # type: ignore[arg-type]
    assert fault.value.field == next(iter(setting))


def test_the_same_seed_gives_the_same_files_and_another_one_others(world: Path, source: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        augment(source, world / name, ALL_KINDS, seed=seed)
    assert _bytes(world / "one") == _bytes(world / "again")
    assert _bytes(world / "one") != _bytes(world / "other")


def test_the_files_do_not_depend_on_the_number_of_processes(
    world: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    augment(source, world / "one", ALL_KINDS, copies=120, jobs=1)
    monkeypatch.setattr(charcnn.parallel, "MIN_IMAGES_FOR_POOL", 1)
    augment(source, world / "two", ALL_KINDS, copies=120, jobs=2)
    assert _bytes(world / "one") == _bytes(world / "two")


def test_a_copy_is_rotated_as_in_the_original_course(world: Path, source: Path) -> None:
    augment(source, world / "out", AugmentRanges(min_angle=1, max_angle=90), seed=3)
    for row in read_copies(world / "out"):
        image = cv2.imdecode(np.fromfile(source / row["parent"], np.uint8), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        rows, columns = image.shape
        matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), int(row["angle"]), 1)
        turned = cv2.warpAffine(image, matrix, (columns, rows), borderValue=(255, 255, 255))
        assert np.array_equal(read_image(world / "out" / row["child"]), turned)
        assert not np.array_equal(image, turned)


@settings(deadline=None)
@given(image=arrays(np.uint8, st.tuples(st.integers(2, 30), st.integers(2, 30))))
def test_the_identity_transform_changes_nothing(image: Gray) -> None:
    unchanged = Transform(angle=0, shear=0, scale=1, shift_x=0, shift_y=0, noise=0, noise_seed=0)
    assert np.array_equal(unchanged.apply(image), image)


def test_uncovered_corners_have_the_color_of_the_paper() -> None:
    turn = Transform(angle=45, shear=0, scale=0.7, shift_x=0, shift_y=0, noise=0, noise_seed=0)
    for paper in (255, 0, 230, 40):
        picture = np.full((40, 40), paper, np.uint8)
        picture[10:30, 18:22] = 255 - paper
        turned = turn.apply(picture)
        assert {int(turned[y, x]) for y in (0, -1) for x in (0, -1)} == {paper}
        assert (turned != paper).any()


def test_a_white_on_black_folder_stays_white_on_black(world: Path, source: Path) -> None:
    for path in (world / "source").rglob("*.bmp"):
        write_image(path, 255 - read_image(path))
    augment(source, world / "out", AugmentRanges(min_angle=40, max_angle=50))
    for path in (world / "out").rglob("*.bmp"):
        assert np.unique(read_image(path)[0]).tolist() == [0]


def test_shifts_are_shares_of_the_side_to_the_right_and_down() -> None:
    shift = Transform(angle=0, shear=0, scale=1, shift_x=0.25, shift_y=0.5, noise=0, noise_seed=0)
    picture = np.full((20, 40), 255, np.uint8)
    picture[2, 3] = 0
    assert np.argwhere(shift.apply(picture) < 255).tolist() == [[12, 13]]


def test_a_shear_keeps_the_center_and_the_rows() -> None:
    lean = Transform(angle=0, shear=45, scale=1, shift_x=0, shift_y=0, noise=0, noise_seed=0)
    picture = np.full((40, 40), 255, np.uint8)
    picture[:, 20] = 0
    ink = [np.flatnonzero(row < 255).mean() for row in lean.apply(picture)[5:36]]
    assert ink[15] == pytest.approx(20, abs=0.6)
    assert np.abs(np.diff(ink)) == pytest.approx(1, abs=0.1)


def test_noise_has_the_requested_deviation() -> None:
    grain = Transform(angle=0, shear=0, scale=1, shift_x=0, shift_y=0, noise=10, noise_seed=5)
    noisy = grain.apply(np.full((200, 200), 128, np.uint8)).astype(int)
    assert noisy.mean() == pytest.approx(128, abs=0.5)
    assert noisy.std() == pytest.approx(10, abs=0.5)


def test_several_copies_are_numbered_and_differ(world: Path, source: Path) -> None:
    made = augment(source / "1", world / "out", AugmentRanges(min_angle=-90, max_angle=90), copies=3)
    assert made.copies == 15
    assert {name for name in _bytes(world / "out") if name.startswith("2-")} == {"2-1.bmp", "2-2.bmp", "2-3.bmp"}
    assert {row["parent"] for row in read_copies(world / "out") if row["child"].startswith("2-")} == {"2.bmp"}
    assert len({(world / "out" / f"2-{copy}.bmp").read_bytes() for copy in (1, 2, 3)}) == 3


@pytest.mark.parametrize("copies", [0, -1])
def test_less_than_one_copy_is_refused(world: Path, source: Path, copies: int) -> None:
    with pytest.raises(CharcnnError):
        augment(source, world / "out", copies=copies)
    assert not (world / "out").exists()


def test_a_copy_of_a_copy_records_the_first_original(world: Path, source: Path) -> None:
    augment(source, world / "children", AugmentRanges(min_angle=5, max_angle=10), copies=2)
    augment(world / "children", world / "grandchildren", AugmentRanges(min_angle=5, max_angle=10))
    for row in read_copies(world / "grandchildren"):
        assert row["parent"] == row["child"]
        original = source / row["parent"].replace("-1.", ".").replace("-2.", ".")
        assert row["origin_sha256"] == _sha256(original)


def test_a_copy_of_a_copy_records_the_first_original_of_one_class(world: Path, source: Path) -> None:
    augment(source, world / "children", AugmentRanges(min_angle=5, max_angle=10))
    augment(world / "children" / "1", world / "grandchildren", AugmentRanges(min_angle=5, max_angle=10))
    for row in read_copies(world / "grandchildren"):
        assert row["origin_sha256"] == _sha256(source / "1" / row["child"])


@pytest.mark.parametrize("destination", ["source", "source/new", "source/1", "."])
def test_a_destination_that_overlaps_the_source_is_refused(world: Path, source: Path, destination: str) -> None:
    before = _bytes(world)
    with pytest.raises(ConfigError, match="overlap"):
        augment(source, destination, force=True)
    assert _bytes(world) == before


def test_a_destination_that_links_to_the_source_is_refused(world: Path, source: Path) -> None:
    (world / "link").symlink_to(source)
    with pytest.raises(ConfigError, match="overlap"):
        augment(source, world / "link" / "new")


def test_a_foreign_file_is_refused_and_kept(world: Path, source: Path) -> None:
    augment(source, world / "out")
    (world / "out" / "1" / "notes.txt").write_text("mine", encoding="utf-8")
    before = _bytes(world)
    with pytest.raises(OverwriteError, match=r"notes\.txt"):
        augment(source, world / "out", seed=5)
    assert _bytes(world) == before


def _edit_copy(folder: Path) -> None:
    write_image(folder / "1" / "1.bmp", np.full((28, 28), 7, np.uint8))


def _replace_copy_with_older_file(folder: Path) -> None:
    shutil.copy2(Path(__file__), folder / "1" / "1.bmp")
    os.utime(folder / "1" / "1.bmp", (0, 0))


def _edit_copy_then_save_the_manifest(folder: Path) -> None:
    _edit_copy(folder)
    (folder / AUGMENT_MANIFEST).write_bytes((folder / AUGMENT_MANIFEST).read_bytes())


def _add_a_column_to_the_manifest(folder: Path) -> None:
    header, *lines = (folder / AUGMENT_MANIFEST).read_text(encoding="utf-8").splitlines()
    (folder / AUGMENT_MANIFEST).write_text(
        "\n".join([f"{header},note", *(f"{line},good" for line in lines)]), encoding="utf-8"
    )


def _edit_classes(folder: Path) -> None:
    (folder / "classes.txt").write_text("1\tmine\n2\ttoo\n", encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        _edit_copy,
        _replace_copy_with_older_file,
        _edit_copy_then_save_the_manifest,
        _add_a_column_to_the_manifest,
        _edit_classes,
    ],
)
def test_modified_files_are_kept_without_force(world: Path, source: Path, change: Callable[[Path], None]) -> None:
    (source / "classes.txt").write_text("1\t一\n2\t二\n", encoding="utf-8")
    augment(source, world / "out")
    change(world / "out")
    before = _bytes(world)
    with pytest.raises(OverwriteError, match="would be lost"):
        augment(source, world / "out", seed=5)
    assert _bytes(world) == before
    augment(source, world / "out", seed=5, force=True)
    augment(source, world / "fresh", seed=5)
    assert _bytes(world / "out") == _bytes(world / "fresh")


def test_files_with_another_modification_time_are_unmodified(world: Path, source: Path) -> None:
    augment(source, world / "out")
    for age, path in enumerate((world / "out").rglob("*.bmp")):
        os.utime(path, (age, 2 * time.time() - age))
    augment(source, world / "out", seed=5)
    augment(source, world / "fresh", seed=5)
    assert _bytes(world / "out") == _bytes(world / "fresh")


def test_a_copy_modified_while_its_folder_is_rewritten_is_kept(world: Path, source: Path) -> None:
    augment(source, world / "out")
    with pytest.raises(OverwriteError, match=r"1\.bmp"):
        augment(source, world / "out", seed=5, on_progress=lambda _done, _total: _edit_copy(world / "out"))
    assert (read_image(world / "out" / "1" / "1.bmp") == 7).all()


def test_with_force_kept_copies_keep_their_origin(world: Path, source: Path) -> None:
    augment(source, world / "out", copies=2)
    for name in ("1-1.bmp", "1-2.bmp"):
        write_image(world / "out" / "1" / name, np.full((28, 28), 7, np.uint8))
    augment(source, world / "out", force=True)
    stayed = str(world / "out" / "1" / "1-2.bmp")
    assert recorded_origins([stayed]) == {stayed: _sha256(source / "1" / "1.bmp")}
    with pytest.raises(OverwriteError, match=r"1-1\.bmp and 1 more"):
        augment(source, world / "out")


def test_with_force_a_copy_of_a_damaged_original_keeps_its_origin(world: Path, source: Path) -> None:
    origin = _sha256(source / "1" / "1.bmp")
    augment(source, world / "out")
    _edit_copy(world / "out")
    (source / "1" / "1.bmp").write_bytes(b"damaged")
    augment(source, world / "out", force=True)
    stayed = str(world / "out" / "1" / "1.bmp")
    assert recorded_origins([stayed]) == {stayed: origin}


def test_a_link_in_place_of_a_copy_is_not_replaced(world: Path, source: Path) -> None:
    augment(source, world / "out")
    child = world / "out" / "1" / "1.bmp"
    for target in (child.rename(world / "elsewhere.bmp"), world / "nowhere.bmp"):
        child.unlink(missing_ok=True)
        child.symlink_to(target)
        with pytest.raises(OverwriteError, match=r"1\.bmp"):
            augment(source, world / "out")
    (world / "out" / "notes").symlink_to(world / "nowhere")
    augment(source, world / "out", force=True)
    assert (world / "out" / "notes").is_symlink()


def test_a_corrected_classes_txt_of_the_source_is_copied_again(world: Path, source: Path) -> None:
    for labels in ("1\t一\n2\t三\n", "1\t一\n2\t二\n"):
        (source / "classes.txt").write_text(labels, encoding="utf-8")
        augment(source, world / "out")
        assert (world / "out" / "classes.txt").read_text(encoding="utf-8") == labels


def test_a_copied_classes_txt_may_be_replaced(world: Path, source: Path) -> None:
    (source / "classes.txt").write_text("1\t一\n2\t二\n", encoding="utf-8")
    augment(source, world / "out")
    augment(source, world / "out", seed=5)
    assert (world / "out" / "classes.txt").is_file()


def test_a_foreign_classes_txt_is_kept_even_with_force(world: Path, source: Path) -> None:
    (world / "out").mkdir()
    _edit_classes(world / "out")
    augment(source, world / "out", force=True)
    with pytest.raises(OverwriteError, match=r"classes\.txt"):
        augment(source, world / "out", seed=5)


def test_its_own_folder_is_replaced_with_nothing_left_over(world: Path, source: Path) -> None:
    augment(source, world / "out", copies=2)
    (source / "2" / "5.bmp").unlink()
    augment(source, world / "out", seed=5)
    augment(source, world / "fresh", seed=5)
    assert _bytes(world / "out") == _bytes(world / "fresh")


def test_force_keeps_foreign_files(world: Path, source: Path) -> None:
    (world / "out").mkdir()
    (world / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    augment(source, world / "out", force=True)
    assert (world / "out" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (world / "out" / "1" / "1.bmp").is_file()


def test_a_folder_with_a_foreign_augment_csv_is_kept(world: Path, source: Path) -> None:
    (world / "out").mkdir()
    (world / "out" / AUGMENT_MANIFEST).write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CharcnnError, match="out"):
        augment(source, world / "out")
    assert _bytes(world / "out") == {AUGMENT_MANIFEST: b"a,b\n1,2\n"}


def test_a_manifest_saved_by_a_spreadsheet_is_accepted(world: Path, source: Path) -> None:
    augment(source, world / "out")
    path = world / "out" / AUGMENT_MANIFEST
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_copies(world / "out")) == 10


def test_an_unreadable_source_is_counted_and_named(world: Path, source: Path) -> None:
    (source / "1" / "2.bmp").write_bytes(b"")
    (source / "2" / "3.bmp").write_bytes(b"BM, they said")
    made = augment(source, world / "out", copies=2)
    assert made.copies == 16
    assert made.failures.keys() == {source / "1" / "2.bmp", source / "2" / "3.bmp"}
    assert "is empty" in made.failures[source / "1" / "2.bmp"]
    assert not [name for name in _bytes(world / "out") if name.startswith(("1/2-", "2/3-"))]
    assert len(read_copies(world / "out")) == 16


def test_a_failure_leaves_nothing_behind(world: Path, source: Path) -> None:
    for path in source.rglob("*.bmp"):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match="None of the 10 images"):
        augment(source, world / "out")
    assert [path.name for path in world.iterdir()] == ["source"]


def test_an_interruption_leaves_the_old_folder_unchanged(world: Path, source: Path) -> None:
    augment(source, world / "out")
    before = _bytes(world)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        augment(source, world / "out", seed=9, on_progress=interrupt)
    assert _bytes(world) == before


@pytest.mark.parametrize("name", ["missing", "empty", "file.png"])
def test_a_source_without_images_is_named(world: Path, name: str) -> None:
    (world / "empty").mkdir()
    (world / "file.png").touch()
    with pytest.raises(DatasetError, match=name):
        augment(name, world / "out")
    assert not (world / "out").exists()


def test_progress_ends_at_the_total(world: Path, source: Path) -> None:
    steps: list[tuple[int, int]] = []
    augment(source, world / "out", copies=2, on_progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (20, 20)


def test_every_file_keeps_its_format(world: Path, source: Path) -> None:
    (world / "mixed").mkdir()
    suffixes = [".BMP", ".Png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"]
    for suffix in suffixes:
        write_image(world / "mixed" / f"字{suffix}", _drawing(1))
    augment(world / "mixed", world / "out")
    for suffix in suffixes:
        assert read_image(world / "out" / f"字{suffix}").shape == (28, 28)
    assert cv2.imdecode(np.fromfile(world / "out" / "字.webp", np.uint8), 0) is not None


def test_a_name_that_looks_like_a_copy_of_another_is_not_lost(world: Path) -> None:
    (world / "in").mkdir()
    names = ["7.bmp", "7-1.bmp", "7-1-1.bmp", "7.png"]
    for number, name in enumerate(random.Random(0).sample(names, len(names))):
        write_image(world / "in" / name, _drawing(number))
    made = augment(world / "in", world / "out", copies=2)
    assert made.copies == 8
    assert len(_bytes(world / "out")) == 9
