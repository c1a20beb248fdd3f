"""`classes.txt`, and folder names that any file system can distinguish."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charcnn.datasets.labels import folder_names, read_classes, write_classes
from charcnn.errors import DatasetError

LABELS = st.lists(st.text("aAbBéÉ\u0301ﬁſsK\u212aıİ博学.:/\\*? -_+U0041", min_size=1, max_size=3), unique=True)


def _dataset(world: Path, text: str | bytes, beside: bool = False) -> Path:
    dataset = world / "root" / "train"
    dataset.mkdir(parents=True)
    content = text.encode() if isinstance(text, str) else text
    (dataset.parent if beside else dataset).joinpath("classes.txt").write_bytes(content)
    return dataset


@pytest.mark.parametrize("beside", [False, True])
def test_labels_are_read_inside_the_dataset_or_next_to_it(world: Path, beside: bool) -> None:
    assert read_classes(_dataset(world, "1\t博\n2\t学\n", beside)) == {"1": "博", "2": "学"}


def test_the_file_inside_takes_precedence(world: Path) -> None:
    dataset = _dataset(world, "1\tinside\n")
    write_classes(dataset.parent / "classes.txt", {"1": "beside"})
    assert read_classes(dataset) == {"1": "inside"}


def test_the_file_next_to_the_working_folder_is_found(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_dataset(world, "1\t博\n", beside=True))
    assert read_classes(Path()) == {"1": "博"}


def test_without_a_file_there_are_no_labels(world: Path) -> None:
    assert read_classes(world) == {}


@pytest.mark.parametrize(
    "text", ["\ufeff1\t博\n2\t学", "1\t博\r\n2\t学\r\n", "\n1\t博\n\n2\t学\n\n", " 1 \t 博 \n2\t学\t\n"]
)
def test_byte_order_marks_blank_lines_and_spaces_are_ignored(world: Path, text: str) -> None:
    assert read_classes(_dataset(world, text)) == {"1": "博", "2": "学"}


@pytest.mark.parametrize("line", ["2 学", "2", "2\t", "\t学", "2\t  "])
def test_an_invalid_line_is_named_by_file_and_number(world: Path, line: str) -> None:
    with pytest.raises(DatasetError, match=r"classes\.txt, line 3: .*folder<TAB>label"):
        read_classes(_dataset(world, f"1\t博\n\n{line}\n"))


def test_a_label_of_two_folders_is_named(world: Path) -> None:
    with pytest.raises(DatasetError, match=r"classes\.txt, line 2: two folders have the label 博"):
        read_classes(_dataset(world, "1\t博\n2\t博\n"))


def test_a_folder_with_two_labels_is_named(world: Path) -> None:
    with pytest.raises(DatasetError, match=r"classes\.txt, line 2"):
        read_classes(_dataset(world, "1\t博\n1\t学\n"))


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_wrong_encoding_is_reported(world: Path, encoding: str) -> None:
    with pytest.raises(DatasetError, match=r"classes\.txt is not UTF-8"):
        read_classes(_dataset(world, "1\t博\n".encode(encoding)))


def test_written_labels_read_back(world: Path) -> None:
    folders = {"1": "博", "10": "a b", "U+0041": "A", "x": "/"}
    write_classes(world / "classes.txt", folders)
    assert read_classes(world) == folders
    assert list(read_classes(world)) == list(folders)


def test_plain_labels_are_their_own_folders() -> None:
    assert folder_names(["博", "学", "a", "7", "left turn", "x-1_2"]) == {
        name: name for name in ("博", "学", "a", "7", "left turn", "x-1_2")
    }


def test_labels_that_differ_in_case_only_become_code_points() -> None:
    assert folder_names(["A", "b", "a"]) == {"U+0041": "A", "b": "b", "U+0061": "a"}


@pytest.mark.parametrize("label", [".", "..", "/", "a/b", "\\", ":", "*", "?", '"', "<", "|", " a", "a ", ".a", "😀"])
def test_labels_that_are_not_plain_names_become_code_points(label: str) -> None:
    assert folder_names([label]) == {"_".join(f"U+{ord(c):04X}" for c in label): label}


@given(labels=LABELS)
def test_every_label_has_a_folder_of_its_own_on_any_file_system(labels: list[str]) -> None:
    names = folder_names(labels)
    assert list(names.values()) == labels
    folded = {unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()) for name in names}
    assert len(folded) == len(labels)
    assert not {"", ".", ".."} & names.keys()
    assert not any(set('/\\:*?"<>|') & set(name) or name.startswith(".") or name.endswith(" ") for name in names)


@settings(deadline=None, max_examples=30)
@given(labels=LABELS.filter(bool))
def test_every_label_can_be_a_folder_here(labels: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("labels")
    for name in folder_names(labels):
        (root / name).mkdir()
    assert {path.name for path in root.iterdir()} == set(folder_names(labels))
