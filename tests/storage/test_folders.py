"""Folders are written atomically, and never replace files of others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from charcnn.errors import OverwriteError
from charcnn.storage.folders import create_folder, replace_folder


def _tree(root: Path) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in root.rglob("*") if p.is_file()}


def _write(root: Path, **files: str) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def _named(*names: str) -> Callable[[Path], bool]:
    return {Path(name) for name in names}.__contains__


def test_a_created_folder_appears_when_it_is_filled(world: Path) -> None:
    with create_folder(world / "a" / "b") as fresh:
        _write(fresh, x="1")
        assert not (world / "a" / "b").exists()
    assert _tree(world) == {"a/b/x": "1"}
    assert [path.name for path in (world / "a").iterdir()] == ["b"]


def test_the_folder_of_a_faster_process_stays(world: Path) -> None:
    with create_folder(world / "entry") as fresh:
        _write(fresh, x="slow")
        _write(world / "entry", x="fast")
    assert _tree(world) == {"entry/x": "fast"}


def test_a_created_folder_never_replaces_a_file(world: Path) -> None:
    def create() -> None:
        with create_folder(world / "entry") as fresh:
            _write(fresh, x="1")
            _write(world, entry="precious")

    with pytest.raises(OSError, match="entry"):
        create()
    assert _tree(world) == {"entry": "precious"}


def test_a_folder_is_created_with_its_parents(world: Path) -> None:
    with replace_folder(world / "a" / "b", _named()) as fresh:
        _write(fresh, x="1", sub__y="2")
        assert not (world / "a" / "b").exists()
    assert _tree(world / "a") == {"b/x": "1", "b/sub/y": "2"}
    assert [path.name for path in (world / "a").iterdir()] == ["b"]


def test_an_error_leaves_nothing_behind(world: Path) -> None:
    def fill() -> None:
        with replace_folder(world / "new", _named()) as fresh:
            _write(fresh, x="1")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        fill()
    assert list(world.iterdir()) == []


def test_an_error_leaves_the_old_folder_as_it_was(world: Path) -> None:
    _write(world / "old", x="old")

    def fill() -> None:
        with replace_folder(world / "old", _named("x")) as fresh:
            _write(fresh, x="new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert _tree(world) == {"old/x": "old"}


def test_own_files_are_replaced_or_removed(world: Path) -> None:
    _write(world / "out", x="old", sub__gone="old")
    with replace_folder(world / "out", _named("x", "sub/gone")) as fresh:
        _write(fresh, x="new")
    assert _tree(world) == {"out/x": "new"}


def test_a_foreign_file_is_kept_and_named_in_the_error(world: Path) -> None:
    _write(world / "out", x="old", sub__mine="precious", sub__mine2="precious")
    with (
        pytest.raises(OverwriteError, match=r"sub/mine and 1 more") as caught,
        replace_folder(world / "out", _named("x")),
    ):
        pytest.fail("the folder must not be filled")
    assert "`force=True`" in caught.value.hint
    assert _tree(world) == {"out/x": "old", "out/sub/mine": "precious", "out/sub/mine2": "precious"}


def test_a_hidden_foreign_file_counts(world: Path) -> None:
    _write(world / "out", **{".secret": "precious"})
    with pytest.raises(OverwriteError, match="secret"), replace_folder(world / "out", _named()):
        pytest.fail("the folder must not be filled")


def test_force_keeps_foreign_files_unless_a_new_one_has_their_name(world: Path) -> None:
    _write(world / "out", x="old", sub__mine="precious", both="foreign", gone="old")
    with replace_folder(world / "out", _named("x", "gone"), force=True) as fresh:
        _write(fresh, x="new", both="new")
    assert _tree(world) == {"out/x": "new", "out/both": "new", "out/sub/mine": "precious"}


def test_each_file_is_checked_once(world: Path) -> None:
    _write(world / "out", x="old", sub__y="old", mine="precious")
    asked: list[str] = []

    def is_own(path: Path) -> bool:
        asked.append(path.as_posix())
        return path.name != "mine"

    with replace_folder(world / "out", is_own, force=True) as fresh:
        _write(fresh, x="new")
    assert sorted(asked) == ["mine", "sub/y", "x"]
    assert _tree(world) == {"out/x": "new", "out/mine": "precious"}


@pytest.mark.parametrize("name", ["mine", "x", "late"])
def test_a_file_that_changes_during_the_write_is_kept(world: Path, name: str) -> None:
    _write(world / "out", x="old", mine="precious")

    def fill() -> None:
        content = {"x": "old"}  # a file may be replaced while it has its old content
        with replace_folder(
            world / "out", lambda path: _tree(world / "out")[path.name] == content.get(path.name), True
        ) as fresh:
            _write(fresh, x="new")
            _write(world / "out", **{name: "edited"})

    with pytest.raises(OverwriteError, match=rf"changed in .*: {name}"):
        fill()
    assert _tree(world) == {"out/x": "old", "out/mine": "precious", f"out/{name}": "edited"}


@pytest.mark.parametrize("force", [False, True])
def test_a_file_in_place_of_the_folder_is_never_replaced(world: Path, force: bool) -> None:
    _write(world, out="precious")
    with pytest.raises(OverwriteError, match="out"), replace_folder(world / "out", _named("out"), force):
        pytest.fail("the folder must not be filled")
    assert _tree(world) == {"out": "precious"}


@pytest.mark.parametrize("force", [False, True])
def test_a_link_is_never_replaced(world: Path, force: bool) -> None:
    _write(world / "there", x="precious")
    (world / "out").symlink_to(world / "there")
    with pytest.raises(OverwriteError, match="out"), replace_folder(world / "out", _named("x"), force):
        pytest.fail("the folder must not be filled")
    assert (world / "out").is_symlink()
    assert _tree(world / "there") == {"x": "precious"}


def test_an_empty_folder_may_be_filled(world: Path) -> None:
    (world / "out" / "empty").mkdir(parents=True)
    with replace_folder(world / "out", _named()) as fresh:
        _write(fresh, x="1")
    assert _tree(world) == {"out/x": "1"}


def test_a_name_may_contain_any_character(world: Path) -> None:
    with replace_folder(world / "汉 字 😀", _named()) as fresh:
        _write(fresh, x="1")
    assert _tree(world) == {"汉 字 😀/x": "1"}
