"""A folder that appears whole or not at all, and never in the place of somebody else's files."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from charcnn.errors import OverwriteError

LEFT_BY_SYSTEMS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that file managers leave wherever somebody looked."""


@contextmanager
def replace_folder(destination: Path, is_own: Callable[[Path], bool], force: bool = False) -> Iterator[Path]:
    """Gives an empty folder to fill, which takes the destination's place once the block ends without an error.

    Args:
        destination: Where the folder shall stand. Its parents are made.
        is_own: Tells of a file of an existing destination, by its path relative to it, whether it may be replaced.
        force: Keep foreign files in the new folder, unless a new file has their name, instead of refusing.

    Raises:
        OverwriteError: the destination holds a file that `is_own` does not know, or is no folder.
    """
    foreign = [path for path in _files(destination) if not is_own(path)]
    if foreign and not force:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise OverwriteError(
            f"{destination} holds files that would be lost: {foreign[0]}{more}.",
            "Name another folder, or add --force: new files then replace those of the same name, others stay.",
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
        fresh = Path(scratch, "new")
        fresh.mkdir()
        yield fresh
        for path in foreign:
            if not (fresh / path).exists():
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(destination / path, fresh / path, follow_symlinks=False)
        _replace(destination, fresh, {*foreign, *(path for path in _files(destination) if is_own(path))})


def _replace(destination: Path, fresh: Path, known: Collection[Path]) -> None:
    """Puts a folder in another one's place. The old one comes back if that fails or if files appeared in it."""
    if not destination.exists():
        fresh.rename(destination)
        return
    old = destination.with_name(f".{destination.name}.old-{uuid.uuid4().hex[:8]}")
    try:
        destination.rename(old)
        late = [path for path in _files(old) if path not in known]
        if late:
            raise OverwriteError(f"{destination} got a file meanwhile: {late[0]}.", "Run the command again.")
        fresh.rename(destination)
    except BaseException:  # Ctrl-C too: it is put right and goes on
        if old.exists() and not destination.exists():
            old.rename(destination)
        raise
    shutil.rmtree(old)


def _files(folder: Path) -> list[Path]:
    """All files below a folder, relative to it; none where it does not exist."""
    if folder.is_symlink():
        raise OverwriteError(f"{folder} is a link: what it points to is not replaced.", "Name another folder.")
    if folder.exists() and not folder.is_dir():
        raise OverwriteError(f"{folder} is there already, and is no folder.", "Name another folder.")
    paths = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder) for path in paths if path.name not in LEFT_BY_SYSTEMS)
