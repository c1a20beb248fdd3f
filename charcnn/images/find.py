"""Which image files lie below a folder."""

from pathlib import Path

from charcnn.images.io import is_image, natural_key


def images_below(folder: Path) -> list[Path]:
    """Finds all images in a folder and its sub-folders, in natural order, without hidden ones and `__MACOSX`."""
    found = [
        (path.relative_to(folder), path) for path in folder.rglob("*") if is_image(path.name) and not path.is_dir()
    ]
    seen = [(inner, path) for inner, path in found if not any(_is_hidden(part) for part in inner.parts)]
    return [path for _, path in sorted(seen, key=lambda pair: natural_key(pair[0].as_posix()))]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
