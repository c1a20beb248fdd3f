"""`find_images` and `list_images`: the images in a folder, and their order."""

from pathlib import Path

import pytest

from charcnn.images.find import list_images


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def _names(root: Path) -> list[str]:
    return [Path(path).relative_to(root).as_posix() for path in list_images(root)]


def test_images_come_in_natural_order(world: Path) -> None:
    _touch(world, "10/1.png", "2/10.png", "2/9.BMP", "1/x.jpeg", "2/1.tif")
    assert _names(world) == ["1/x.jpeg", "2/1.tif", "2/9.BMP", "2/10.png", "10/1.png"]


def test_images_at_the_top_and_deep_below_are_found(world: Path) -> None:
    _touch(world, "a.png", "b/c/d/e.webp")
    assert _names(world) == ["a.png", "b/c/d/e.webp"]


@pytest.mark.parametrize("name", [".a.png", "._1.bmp", ".git/a.png", "x/.cache/y/a.png", "__MACOSX/1/a.png", "a.txt"])
def test_hidden_files_and_other_files_are_ignored(world: Path, name: str) -> None:
    _touch(world, "1/ok.png", name)
    assert _names(world) == ["1/ok.png"]


def test_a_folder_named_like_an_image_is_not_an_image(world: Path) -> None:
    (world / "x.png").mkdir()
    _touch(world, "x.png/1.png")
    assert _names(world) == ["x.png/1.png"]


def test_a_hidden_folder_above_does_not_hide_what_is_below(world: Path) -> None:
    _touch(world, ".data/train/1.png")
    assert _names(world / ".data" / "train") == ["1.png"]


def test_an_empty_folder_has_none(world: Path) -> None:
    assert list_images(world) == []
