"""Datasets are scanned into files and labels: class folders, flat folders and CSV files."""

from pathlib import Path

import pytest

from charcnn.datasets.labels import write_classes
from charcnn.datasets.scan import DatasetIndex, scan
from charcnn.errors import DatasetError, DatasetNotFoundError, UnlabeledError


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def _pairs(dataset: DatasetIndex, root: Path) -> list[tuple[str, str]]:
    """Return (file relative to `root`, label) of each image."""
    labels = [dataset.classes[index] for index in dataset.require_labels()]
    names = [file.relative_to(root).as_posix() for file in dataset.files]
    return list(zip(names, labels, strict=True))


def test_class_folders_come_in_natural_order(world: Path) -> None:
    root = _touch(world / "train", "10/1.png", "2/10.png", "2/9.png", "1/1.png")
    dataset = scan(root)
    assert dataset.classes == ("1", "2", "10")
    assert _pairs(dataset, root) == [("1/1.png", "1"), ("2/9.png", "2"), ("2/10.png", "2"), ("10/1.png", "10")]
    assert dataset.source == str(root)
    assert len(dataset) == 4


@pytest.mark.parametrize("place", ["train", "."])
def test_classes_txt_inside_or_next_to_it_names_the_classes(world: Path, place: str) -> None:
    root = _touch(world / "train", "1/a.png", "2/a.png", "3/a.png")
    write_classes(world / place / "classes.txt", {"2": "学", "1": "博", "9": "用", "3": "笃"})
    assert scan(root).classes == ("博", "学", "笃")


def test_classes_txt_inside_may_name_some_of_the_folders(world: Path) -> None:
    root = _touch(world / "train", "1/a.png", "2/a.png", "3/a.png")
    write_classes(root / "classes.txt", {"2": "学", "1": "博"})
    assert scan(root).classes == ("博", "学", "3")


def test_classes_txt_next_to_it_is_used_only_if_it_lists_all_folders(
    world: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = _touch(world / "digits", "0/a.png", "1/a.png")
    write_classes(world / "classes.txt", {"1": "博", "2": "学"})
    assert scan(root).classes == ("0", "1")
    assert "does not list the folder 0" in caplog.text


def test_the_working_folder_can_be_scanned(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _touch(world / "train", "1/a.png", "2/a.png")
    write_classes(world / "classes.txt", {"1": "博", "2": "学"})
    monkeypatch.chdir(root)
    assert scan(Path()).classes == ("博", "学")


def test_a_flat_working_folder_finds_its_labels(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _touch(world / "ttest", "1.bmp", "2.bmp")
    (world / "ttest.csv").write_text("file,label\n1.bmp,博\n2.bmp,学\n", encoding="utf-8")
    monkeypatch.chdir(root)
    assert scan(Path()).classes == scan(root).classes == ("博", "学")


def test_letters_of_both_cases_have_folders_of_code_points(world: Path) -> None:
    root = _touch(world / "train", "U+0041/1.png", "U+0061/1.png")
    write_classes(root / "classes.txt", {"U+0041": "A", "U+0061": "a"})
    assert scan(root).classes == ("A", "a")


def test_an_invalid_line_of_classes_txt_is_named(world: Path) -> None:
    root = _touch(world / "train", "1/1.png")
    (root / "classes.txt").write_text("1\t博\n2 学\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"classes\.txt, line 2"):
        scan(root)


@pytest.mark.parametrize("place", ["train"])
def test_a_label_that_equals_another_folders_name_is_reported(world: Path, place: str) -> None:
    root = _touch(world / "train", "1/1.png", "2/1.png")
    path = world / place / "classes.txt"
    write_classes(path, {"1": "2"})
    with pytest.raises(DatasetError, match="two folders have the label 2") as caught:
        scan(root)
    assert caught.value.message.startswith(f"{path}:")


def test_hidden_files_and_folders_and_what_macs_add_are_skipped(world: Path) -> None:
    root = _touch(world / "train", "1/1.png", "1/.2.png", "1/._1.png", "1/note.txt", ".git/1.png", "__MACOSX/1/1.png")
    _touch(root, "1/.DS_Store", ".ipynb_checkpoints/1.png", "1/__MACOSX/3.png")
    assert _pairs(scan(root), root) == [("1/1.png", "1")]


def test_a_class_without_images_is_named(world: Path) -> None:
    root = _touch(world / "train", "1/1.png", "2/notes.txt")
    with pytest.raises(DatasetError, match=r"The class 2 in .*train has no images"):
        scan(root)
    write_classes(root / "classes.txt", {"2": "学"})
    with pytest.raises(DatasetError, match=r"The class 2 \(学\) in .*train has no images"):
        scan(root)


@pytest.mark.parametrize("names", [(), ("notes.txt",), ("1/notes.txt", "2/notes.txt"), (".1.png",)])
def test_a_dataset_without_images_is_named(world: Path, names: tuple[str, ...]) -> None:
    root = _touch(world / "train", *names)
    root.mkdir(exist_ok=True)
    with pytest.raises(DatasetError, match=r"train contains no images \(.*\.png"):
        scan(root)


def test_a_folder_that_does_not_exist_is_named(world: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match="Dataset not found: nowhere"):
        scan(Path("nowhere"))


def test_a_file_that_is_not_a_csv_is_named(world: Path) -> None:
    with pytest.raises(DatasetError, match=r"train\.zip is neither a folder nor a CSV"):
        scan(_touch(world, "train.zip") / "train.zip")


def test_a_folder_of_datasets_suggests_one_of_them(world: Path) -> None:
    root = _touch(world / "data", "train/1/1.png", "test/1/1.png")
    with pytest.raises(DatasetError, match="contains datasets, not class folders: test, train") as caught:
        scan(root)
    assert str(root / "test") in caught.value.hint


def test_the_starter_sets_root_is_a_folder_of_datasets(starter: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        scan(starter)
    assert "datasets" in caught.value.message
    assert "remove" not in caught.value.hint


def test_a_flat_folder_is_unlabeled_and_in_natural_order(world: Path) -> None:
    root = _touch(world / "ttest", "10.bmp", "9.bmp", "1.bmp", "notes.txt")
    dataset = scan(root)
    assert [file.name for file in dataset.files] == ["1.bmp", "9.bmp", "10.bmp"]
    assert dataset.labels is None
    assert dataset.classes == ()
    with pytest.raises(UnlabeledError, match="ttest has no labels") as caught:
        dataset.require_labels()
    assert "CSV" in caught.value.hint


def test_a_flat_folder_with_an_empty_folder_still_has_images(world: Path) -> None:
    root = _touch(world / "ttest", "1.bmp", "2.bmp", "notes/readme.txt")
    try:
        files = [file.name for file in scan(root).files]
    except DatasetError as fault:
        complaint = fault.message
    else:
        complaint = ""
        assert files == ["1.bmp", "2.bmp"]
    assert "contains no images" not in complaint


def test_a_csv_next_to_a_flat_folder_labels_it(world: Path) -> None:
    root = _touch(world / "ttest", "1.bmp", "2.bmp", "3.bmp")
    (world / "ttest.csv").write_text("file,label\n3.bmp,博\n1.bmp,学\n2.bmp,博\n", encoding="utf-8")
    dataset = scan(root)
    assert _pairs(dataset, root) == [("3.bmp", "博"), ("1.bmp", "学"), ("2.bmp", "博")]
    assert set(dataset.classes) == {"博", "学"}
    assert dataset.source == str(root)


def test_labels_csv_inside_a_flat_folder_labels_it(world: Path) -> None:
    root = _touch(world / "ttest", "1.bmp", "2.bmp")
    (root / "labels.csv").write_text("file,label\n1.bmp,b\n2.bmp,a\n", encoding="utf-8")
    assert _pairs(scan(root), root) == [("1.bmp", "b"), ("2.bmp", "a")]


def test_the_csv_itself_is_a_dataset(world: Path) -> None:
    root = _touch(world / "data", "ttest/1.bmp", "train/2/7.png")
    (root / "ttest.csv").write_text("file,label\n1.bmp,10\ntrain/2/7.png,9\n", encoding="utf-8")
    dataset = scan(root / "ttest.csv")
    assert _pairs(dataset, root) == [("ttest/1.bmp", "10"), ("train/2/7.png", "9")]
    assert dataset.classes == ("9", "10")
    assert dataset.source == str(root / "ttest.csv")


def test_a_csv_uses_the_order_of_classes_txt(world: Path) -> None:
    _touch(world, "1.bmp", "2.bmp", "3.bmp")
    write_classes(world / "classes.txt", {"1": "博", "2": "学", "3": "用"})
    (world / "some.csv").write_text("file,label\n1.bmp,用\n2.bmp,博\n3.bmp,x\n", encoding="utf-8")
    assert scan(world / "some.csv").classes == ("博", "用", "x")


def test_a_csv_may_have_more_columns_a_byte_order_mark_and_absolute_paths(world: Path) -> None:
    _touch(world, "a,b.png", "far/2.png")
    rows = f'label,who,file\r\nx,me,"a,b.png"\r\ny,you,{world / "far" / "2.png"}\r\n'
    (world / "some.csv").write_bytes(b"\xef\xbb\xbf" + rows.encode())
    assert _pairs(scan(world / "some.csv"), world) == [("a,b.png", "x"), ("far/2.png", "y")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no rows"),
        (b"file,label\n", "no rows"),
        (b"name,class\n1.bmp,x\n", r"line 2: file or label is missing"),
        (b"file,label\n1.bmp,x\n2.bmp\n", r"line 3: file or label is missing"),
        (b"file,label\n1.bmp,x\n,y\n", r"line 3: file or label is missing"),
        ("file,label\n1.bmp,博\n".encode("gbk"), "UTF-8"),
    ],
)
def test_an_invalid_csv_is_named(world: Path, content: bytes, complaint: str) -> None:
    (world / "some.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"some\.csv.*{complaint}"):
        scan(world / "some.csv")


def test_no_image_is_opened(world: Path) -> None:
    assert len(scan(_touch(world / "train", "1/broken.png", "2/broken.png"))) == 2


def test_the_starter_set_has_its_labels(starter: Path) -> None:
    characters = tuple("博学笃志切问近思自由无用")
    for name, count in (("train", 240), ("test", 60), ("ttest", 120), ("ttest.csv", 120)):
        dataset = scan(starter / name)
        assert dataset.classes == characters
        assert len(dataset) == count


def test_the_labs_real_images_have_their_labels(fudan12: Path) -> None:
    dataset = scan(fudan12 / "train")
    assert dataset.classes == tuple("博学笃志切问近思自由无用")
    assert len(dataset) == 12 * 620
    assert [file.name for file in dataset.files[:3]] == ["1.bmp", "2.bmp", "3.bmp"]
