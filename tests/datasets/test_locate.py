"""Dataset arguments are resolved to paths."""

from pathlib import Path

import pytest

from charcnn.datasets.locate import data_root, destination_path, find_dataset, find_test_set, is_bare_name
from charcnn.errors import DatasetNotFoundError


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_the_data_root_comes_from_the_environment_or_is_data(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_root() == Path("data")
    monkeypatch.setenv("CHARCNN_DATA", str(world / "elsewhere"))
    assert data_root() == world / "elsewhere"
    monkeypatch.setenv("CHARCNN_DATA", "")
    assert data_root() == Path("data")


@pytest.mark.parametrize("argument", ["train", "汉字", "a b", "train.csv", "train/", "./train"])
def test_a_name_without_folders_is_bare(argument: str) -> None:
    assert is_bare_name(argument)


@pytest.mark.parametrize("argument", ["data/train", "/train", "../train", ".", "..", "~", "~/train"])
def test_a_name_with_folders_is_not_bare(argument: str) -> None:
    assert not is_bare_name(argument)


def test_an_existing_path_is_returned_unchanged(world: Path) -> None:
    _folder(world / "mine")
    _folder(world / "data" / "mine")
    assert find_dataset("mine").resolve() == world / "mine"
    assert find_dataset(str(world / "data" / "mine")) == world / "data" / "mine"


def test_a_bare_name_is_looked_up_under_the_data_root(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _folder(world / "data" / "mine")
    assert find_dataset("mine").resolve() == world / "data" / "mine"
    monkeypatch.setenv("CHARCNN_DATA", str(_folder(world / "other" / "mine").parent))
    assert find_dataset("mine") == world / "other" / "mine"


def test_a_tilde_is_the_home_folder(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(world))
    monkeypatch.setenv("USERPROFILE", str(world))
    _folder(world / "mine")
    assert find_dataset("~/mine") == world / "mine"


@pytest.mark.parametrize("name", ["train", "test", "ttest", "mine", "data/train"])
def test_looking_up_writes_nothing(world: Path, name: str) -> None:
    with pytest.raises(DatasetNotFoundError, match=name) as caught:
        find_dataset(name)
    assert caught.value.name == name
    assert caught.value.looked_in == (Path(), Path("data"))
    assert find_test_set(name) is None
    assert list(world.iterdir()) == []


def test_a_misspelled_name_suggests_the_closest(world: Path) -> None:
    for name in ("fudan12", "casia20", ".hidden"):
        _folder(world / "data" / name)
    with pytest.raises(DatasetNotFoundError, match="fudan21") as caught:
        find_dataset("fudan21")
    assert caught.value.closest == "fudan12"
    with pytest.raises(DatasetNotFoundError) as caught:
        find_dataset("xyz")
    assert sorted(caught.value.known) == ["casia20", "fudan12"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("mine/tran", "mine/train"),
        ("mine/lst.csv", "mine/list.csv"),
        ("mnie/train", "mine/train"),
        ("mnie", "mine"),
        ("fudan12/tran", "fudan12/train"),
        ("fudan21/train", "fudan12/train"),
        ("fudan12/trian.csv", "fudan12/train.csv"),
        ("{world}/mine/tran", "{world}/mine/train"),
        ("{world}/data/fudan21/train", "{world}/data/fudan12/train"),
    ],
)
def test_a_misspelled_path_suggests_the_closest_as_typed(world: Path, wrong: str, right: str) -> None:
    for folder in ("mine/train", "data/fudan12/train", "data/mines"):
        _folder(world / folder)
    for file in ("mine/list.csv", "data/fudan12/train.csv"):
        (world / file).touch()
    with pytest.raises(DatasetNotFoundError) as caught:
        find_dataset(wrong.format(world=world))
    assert caught.value.closest == right.format(world=world)


@pytest.mark.parametrize("argument", ["xyz.csv", "~nobody-of-this-name/set", "other/train"])
def test_parent_folders_and_shared_suffixes_are_never_suggested(
    world: Path, argument: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARCNN_DATA", "others/deep")
    (_folder(world / "nodes") / "list.csv").touch()
    (world / "list.csv").touch()
    with pytest.raises(DatasetNotFoundError) as caught:
        find_dataset(argument)
    assert caught.value.hint == ""


def test_without_a_similar_name_some_of_the_data_root_is_listed(world: Path) -> None:
    for number in range(300):
        _folder(world / "data" / "large" / f"c{number}")
    with pytest.raises(DatasetNotFoundError) as caught:
        find_dataset("large/validation")
    assert caught.value.hint == "Known: large."
    for number in range(300):
        _folder(world / "data" / f"set{number:03}")
    with pytest.raises(DatasetNotFoundError) as caught:
        find_dataset("a/b")
    assert caught.value.hint.endswith("set018 and 281 more.")


def test_a_system_folder_is_never_suggested(world: Path) -> None:
    with pytest.raises(DatasetNotFoundError) as caught:
        find_dataset("/nope/train")
    assert "Did you mean" not in caught.value.hint


def test_a_bare_destination_goes_next_to_a_source_in_the_data_root(world: Path) -> None:
    _folder(world / "data" / "ttest")
    assert destination_path("tttest", "ttest").resolve() == world / "data" / "tttest"


def test_a_destination_with_a_folder_is_returned_unchanged(world: Path) -> None:
    _folder(world / "data" / "ttest")
    assert destination_path("out/tttest", "ttest").resolve() == world / "out" / "tttest"
    assert destination_path(str(world / "x"), "ttest") == world / "x"


def test_a_source_that_is_a_path_does_not_move_the_destination(world: Path) -> None:
    _folder(world / "ttest")
    assert destination_path("tttest", "ttest").resolve() == world / "tttest"
    assert destination_path("tttest", str(world / "ttest")).resolve() == world / "tttest"


def test_the_test_set_is_the_folder_next_to_train(world: Path) -> None:
    _folder(world / "data" / "train")
    assert find_test_set("train") is None
    _folder(world / "data" / "test")
    for source in ("train", "data/train", "data/train/", str(world / "data" / "train")):
        found = find_test_set(source)
        assert found is not None
        assert found.resolve() == world / "data" / "test"


def test_the_working_folder_has_its_test_set_next_to_it(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _folder(world / "data" / "test")
    monkeypatch.chdir(_folder(world / "data" / "train"))
    found = find_test_set(".")
    assert found is not None
    assert found.resolve() == world / "data" / "test"


def test_the_test_set_of_a_list_is_the_list_next_to_it(world: Path) -> None:
    for name in ("train.csv", "test.csv"):
        (world / name).touch()
    _folder(world / "test")
    found = find_test_set(str(world / "train.csv"))
    assert found == world / "test.csv"


def test_a_test_set_has_no_test_set(world: Path) -> None:
    _folder(world / "data" / "test")
    assert find_test_set("data/test") is None
