"""A dataset that charcnn makes: whole or not at all, made anew where untouched, never in the place of other files.

`synth.csv` in its root names every file with its sha256 and, of an image, who wrote it.
"""

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from charcnn.datasets.locate import DATASET_FOLDERS
from charcnn.datasets.provenance.synth_manifest import SYNTH_MANIFEST as MANIFEST
from charcnn.datasets.provenance.synth_manifest import SynthEntry, read_synth_entries
from charcnn.errors import OverwriteError
from charcnn.machine import cache_root
from charcnn.storage.files import file_lock, is_unmodified, write_atomically
from charcnn.storage.folders import SYSTEM_FILES, replace_folder
from charcnn.text import pluralize

FILES = ("classes.txt", "ttest.csv", "preview.png")
"""With `DATASET_FOLDERS`, all that a set may consist of, besides the manifest."""


def replace_owned_folder(root: Path, fill: Callable[[Path], dict[str, SynthEntry]], force: bool = False) -> None:
    """Make a set, or makes it anew where one was made before and not touched since.

    Args:
        root: The set's folder.
        fill: Write a set's folders and files, of `DATASET_FOLDERS` and `FILES`, into an empty folder that it is given.
            Return what was written: file → entry.
        force: Write although other files are there; files of other names stay.

    Raises:
        OverwriteError: something that charcnn did not write, or that was changed, is in the place of a folder or file.
        OSError: a file cannot be written.
    """
    _refuse_foreign(root, force)
    is_new = not root.exists()
    root.mkdir(parents=True, exist_ok=True)
    try:
        with _lock(root):
            _refuse_foreign(root, force)
            with tempfile.TemporaryDirectory(prefix=".synth.", dir=root) as scratch:
                entries = fill(Path(scratch))
                _take_in(root, Path(scratch), entries, force)
    except BaseException:  # Ctrl-C too
        if is_new:
            with suppress(OSError):  # others may have written there meanwhile
                root.rmdir()
        raise


def is_free_for_set(root: Path) -> bool:
    """Return whether nothing but (a part of) a set that charcnn made stands where one would be written."""
    return not _foreign(root)


def _take_in(root: Path, scratch: Path, entries: dict[str, SynthEntry], force: bool) -> None:
    """Move what was made to its place, and removes what was made before and is no part of it now."""
    made, listed = _made_before(root), read_synth_entries(root)
    if made >= entries.keys() and listed == entries:
        return  # another process wrote it while this one waited
    _write_manifest(root, {**listed, **entries})  # first: what is half done is known to be ours
    for folder in DATASET_FOLDERS:
        if (scratch / folder).is_dir():
            with replace_folder(root / folder, _within(folder, made).__contains__, force) as fresh:
                for path in (scratch / folder).iterdir():
                    path.rename(fresh / path.name)
        elif made_there := _within(folder, made):
            _remove(root / folder, made_there)
    for name in FILES:
        if (scratch / name).is_file():
            (scratch / name).replace(root / name)
        elif name in made:
            (root / name).unlink()
    _write_manifest(root, entries)


def _remove(folder: Path, files: Collection[Path]) -> None:
    """Remove files, and the folders that are empty then."""
    for path in files:
        (folder / path).unlink(missing_ok=True)
    for inner in sorted({parent for path in files for parent in path.parents}, reverse=True):
        with suppress(OSError):
            (folder / inner).rmdir()


def _lock(root: Path) -> AbstractContextManager[object]:
    """One process at a time writes to a root; the lock lies in the user's cache folder, or is done without."""
    name = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = cache_root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return nullcontext()
    return file_lock(folder / f"synth-{name}.lock")


def _write_manifest(root: Path, entries: dict[str, SynthEntry]) -> None:
    lines = [f"{name},{entry.sha256},{entry.writer}\n" for name, entry in entries.items()]
    write_atomically(root / MANIFEST, ("file,sha256,writer\n" + "".join(lines)).encode(), durable=False)


def _made_before(root: Path) -> set[str]:
    """The files below `root` that charcnn wrote and nobody changed."""
    listed = read_synth_entries(root)
    unchanged = {name for name, entry in listed.items() if is_unmodified(root / name, entry.sha256)}
    return unchanged | ({MANIFEST} if listed else set())


def _within(folder: str, names: Iterable[str]) -> set[Path]:
    """The names that lie in a folder, relative to it."""
    return {Path(name).relative_to(folder) for name in names if name.startswith(f"{folder}/")}


def _foreign(root: Path) -> list[Path]:
    """The files where a set would be written that charcnn did not write, or that were changed since."""
    present = [root / name for name in (*FILES, MANIFEST, *DATASET_FOLDERS) if (root / name).is_file()]
    present += [path for folder in DATASET_FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    if not present:
        return []
    made = _made_before(root)
    seen = [path for path in present if path.name not in SYSTEM_FILES]
    return [path for path in seen if path.relative_to(root).as_posix() not in made]


def _refuse_foreign(root: Path, force: bool) -> None:
    if root.exists() and not root.is_dir():
        raise OverwriteError(f"{root} is there already, and is no folder.", "Name another one: charcnn synth … -o DIR")
    foreign = [] if force else _foreign(root)
    if foreign:
        raise OverwriteError(
            f"{root} holds {pluralize(len(foreign), 'file')} that charcnn synth did not write "
            f"or somebody changed: {foreign[0]}",
            "Name another folder: charcnn synth -o DIR, or add --force: it replaces files of the same name only.",
        )
