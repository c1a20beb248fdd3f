"""Paths, folders, patterns and lists → image files and their labels."""

from pathlib import Path

import pytest

import charcnn.datasets.inputs
from charcnn.datasets.inputs import collect_image_files, parse_path_list
from charcnn.errors import ConfigError, DatasetError
from charcnn.images import find


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_files_keep_their_order_and_need_not_be_images(world: Path) -> None:
    touch(world, "b.png", "a.txt")
    assert collect_image_files(["b.png", Path("a.txt")], "xy").files == ("b.png", "a.txt")


def test_folder_gives_all_images_below_it_in_natural_order(world: Path) -> None:
    touch(world, "set/10.png", "set/2.png", "set/more/1.png", "set/note.txt", "set/.hidden.png")
    found = collect_image_files(["set"], "xy")
    assert found.files == ("set/2.png", "set/10.png", "set/more/1.png")
    assert found.truth == ("", "", "")


def test_pattern_gives_its_matches_in_natural_order(world: Path) -> None:
    touch(world, "10.png", "9.png", "9.txt", "[1].png")
    for pattern in ("*.png", str(world / "*.png")):
        names = [Path(file).name for file in collect_image_files([pattern], "xy").files]
        assert names == ["9.png", "10.png", "[1].png"]
    assert collect_image_files(["[1].png"], "xy").files == ("[1].png",)  # a file of this name
    with pytest.raises(DatasetError, match=r"No file matches \*\.bmp"):
        collect_image_files(["9.png", "*.bmp"], "xy")


def test_name_is_looked_up_under_the_data_root(world: Path) -> None:
    touch(world / "data", "set/1.png")
    assert collect_image_files(["set"], "xy").files == ("data/set/1.png",)


def test_class_folders_label_their_images(world: Path) -> None:
    touch(world / "set", "x/1.png", "x/10.png", "x/2.png", "y/1.png", "y/deep/3.png", "loose.png")
    found = collect_image_files(["set"], "xyz")
    known = dict(zip(found.files, found.truth, strict=True))
    assert known == {
        "set/x/1.png": "x",
        "set/x/2.png": "x",
        "set/x/10.png": "x",
        "set/y/1.png": "y",
        "set/y/deep/3.png": "",
        "set/loose.png": "",
    }


def test_csv_labels_a_flat_folder(world: Path) -> None:
    touch(world / "set", "1.png", "2.png", "3.png")
    (world / "set.csv").write_text("file,label\n1.png,x\n3.png,y\n")
    found = collect_image_files(["set", "set/1.png"], "xy")
    assert found.files == ("set/1.png", "set/2.png", "set/3.png", "set/1.png")
    assert found.truth == ("x", "", "y", "x")


def test_folder_with_a_label_unknown_to_the_model_is_unlabeled(world: Path) -> None:
    touch(world / "set", "x/1.png", "y/1.png")
    assert collect_image_files(["set"], "x").truth == ("", "")


def test_folder_that_is_not_a_valid_dataset_is_unlabeled(world: Path) -> None:
    touch(world / "set", "x/1.png")
    (world / "set/y").mkdir()  # a class without images
    found = collect_image_files(["set"], "xy")
    assert (found.files, found.truth) == (("set/x/1.png",), ("",))


def test_each_folder_is_listed_once(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Path] = []

    def listing(folder: Path) -> find.FolderListing:
        listed.append(folder)
        return find.list_folder(folder)

    monkeypatch.setattr(charcnn.datasets.inputs, "list_folder", listing)
    touch(world / "set", "x/1.png", "y/1.png", "y/deep/1.png")
    assert set(collect_image_files(["set"], "xy").truth) == {"x", "y", ""}
    assert sorted(listed) == [Path("set"), Path("set/x"), Path("set/y"), Path("set/y/deep")]


def test_missing_files_are_kept_unless_nothing_exists(world: Path) -> None:
    touch(world, "here.png")
    assert collect_image_files(["her.png", "here.png"], "xy").files == ("her.png", "here.png")
    with pytest.raises(DatasetError, match=r"her\.png does not exist\.") as fault:
        collect_image_files(["her.png"], "xy")
    assert fault.value.hint == "Did you mean here.png?"
    with pytest.raises(DatasetError, match=r"zzz and 1 other path do not exist\."):
        collect_image_files(["zzz", "nowhere/q.png"], "xy")


def test_nothing_to_read_is_an_error(world: Path) -> None:
    with pytest.raises(DatasetError, match="no images to read"):
        collect_image_files([], "xy")
    (world / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty contains no images"):
        collect_image_files(["empty"], "xy")


def test_list_has_one_path_per_line() -> None:
    assert parse_path_list("\ufeffb.png\n\n字 1.png\n".encode(), "list.txt") == ["b.png", "字 1.png"]
    with pytest.raises(ConfigError, match=r"list\.txt: the list of paths is not UTF-8"):
        parse_path_list(b"\xff\xfe", "list.txt")
