"""Natural sort order, siblings, and names reserved by Windows."""

from pathlib import Path

import pytest

from charcnn.storage.paths import is_reserved_name, natural_key, sibling_path


def test_numbers_in_names_sort_by_value() -> None:
    assert sorted(["10", "9", "a10b2", "a9b11", "B", "b", "a"], key=natural_key) == [
        "9",
        "10",
        "a",
        "a9b11",
        "a10b2",
        "B",
        "b",
    ]


@pytest.mark.parametrize(("path", "sibling"), [("data/train", "data/test"), ("train", "test"), ("a/b/", "a/test")])
def test_a_sibling_lies_in_the_same_folder(path: str, sibling: str) -> None:
    assert sibling_path(Path(path), "test") == Path(sibling)


def test_the_working_folder_has_siblings_too(world: Path) -> None:
    assert sibling_path(Path(), "test") == world.parent / "test"


@pytest.mark.parametrize("name", ["con", "NUL", "Com1", "lpt9", "aux", "PRN"])
def test_windows_device_names_are_reserved(name: str) -> None:
    assert is_reserved_name(name)


@pytest.mark.parametrize("name", ["conn", "com", "lpt10", "博", ""])
def test_other_names_are_not_reserved(name: str) -> None:
    assert not is_reserved_name(name)
