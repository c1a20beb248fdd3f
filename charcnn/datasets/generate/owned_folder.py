"""Generated datasets: written atomically, replaced only while unmodified, never in place of other files.

`synth.csv` in the root of a dataset lists every file with its sha256 and, for an image, its writer.
"""

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from charcnn.datasets.generate.written_files import WrittenFiles
from charcnn.datasets.locate import DATASET_FOLDERS
from charcnn.datasets.provenance.synth_manifest import SYNTH_MANIFEST, SynthEntry, read_synth_entries
from charcnn.errors import OverwriteError
from charcnn.machine import cache_root
from charcnn.storage.files import file_lock, write_atomically
from charcnn.storage.folders import SYSTEM_FILES, replace_folder
from charcnn.text import pluralize

DATASET_FILES = ("classes.txt", "ttest.csv", "preview.png")
"""Files that a generated dataset may contain, besides the manifest and the `DATASET_FOLDERS`."""


def replace_owned_folder(root: Path, fill: Callable[[Path], dict[str, SynthEntry]], force: bool = False) -> None:
    """Write a generated dataset, or replace an earlier one that was not modified.

    Args:
        root: The dataset's folder.
        fill: Writes folders and files, of `DATASET_FOLDERS` and `DATASET_FILES`, into a given empty folder, and
            returns file → entry.
        force: Write even if there are other files; those with other names are kept.

    Raises:
        OverwriteError: a file in the way is not part of a generated dataset, or was modified.
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
                _install(root, Path(scratch), entries, force)
    except BaseException:  # Ctrl-C too
        if is_new:
            with suppress(OSError):  # another process may have written there
                root.rmdir()
        raise


def is_free_for_dataset(root: Path) -> bool:
    """Return whether a generated dataset may be written, because only unmodified files of an earlier one exist."""
    return not _find_foreign(root)


def _install(root: Path, scratch: Path, entries: dict[str, SynthEntry], force: bool) -> None:
    """Move a new dataset into place, and remove files of the previous one that are not part of it."""
    own, listed = _own_files(root), read_synth_entries(root)
    if own >= {Path(name) for name in entries} and listed == entries:
        return  # another process wrote it while this one waited for the lock
    _write_manifest(root, {**listed, **entries})  # first, so that an interrupted write is recognized
    for folder in DATASET_FOLDERS:
        if (scratch / folder).is_dir():
            with replace_folder(root / folder, _within(folder, own).__contains__, force) as fresh:
                for path in (scratch / folder).iterdir():
                    path.rename(fresh / path.name)
        elif own_there := _within(folder, own):
            _remove(root / folder, own_there)
    for name in DATASET_FILES:
        if (scratch / name).is_file():
            (scratch / name).replace(root / name)
        elif Path(name) in own:
            (root / name).unlink()
    _write_manifest(root, entries)


def _remove(folder: Path, files: Collection[Path]) -> None:
    """Remove files, and folders that are then empty."""
    for path in files:
        (folder / path).unlink(missing_ok=True)
    for inner in sorted({parent for path in files for parent in path.parents}, reverse=True):
        with suppress(OSError):
            (folder / inner).rmdir()


def _lock(root: Path) -> AbstractContextManager[object]:
    """Return a lock for writing to a root; it does nothing if the user's cache folder is not writable."""
    name = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = cache_root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return nullcontext()
    return file_lock(folder / f"synth-{name}.lock")


def _write_manifest(root: Path, entries: dict[str, SynthEntry]) -> None:
    lines = [f"{name},{entry.sha256},{entry.writer}\n" for name, entry in entries.items()]
    text = "file,sha256,writer\n" + "".join(lines)
    write_atomically(root / SYNTH_MANIFEST, text.encode(), durable=False)


def _own_files(root: Path) -> set[Path]:
    """Return the unmodified files below `root` that its manifest lists, and the manifest."""
    listed = read_synth_entries(root)
    written = WrittenFiles(root, {Path(name): entry.sha256 for name, entry in listed.items()})
    return written.own_files() | ({Path(SYNTH_MANIFEST)} if listed else set())


def _within(folder: str, files: Iterable[Path]) -> set[Path]:
    """Return the files inside a folder, relative to it."""
    return {Path(*file.parts[1:]) for file in files if len(file.parts) > 1 and file.parts[0] == folder}


def _find_foreign(root: Path) -> list[Path]:
    """Return the files in the way that are not part of a generated dataset, or were modified."""
    present = [root / name for name in (*DATASET_FILES, SYNTH_MANIFEST, *DATASET_FOLDERS) if (root / name).is_file()]
    present += [path for folder in DATASET_FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    if not present:
        return []
    own = _own_files(root)
    return [path for path in present if path.name not in SYSTEM_FILES and path.relative_to(root) not in own]


def _refuse_foreign(root: Path, force: bool) -> None:
    if root.exists() and not root.is_dir():
        raise OverwriteError(f"{root} already exists and is not a folder.", "Choose another folder with `root`.")
    foreign = [] if force else _find_foreign(root)
    if foreign:
        raise OverwriteError(
            f"{root} contains {pluralize(len(foreign), 'file')} that synth did not write, or that were modified: "
            f"{foreign[0]}",
            "Choose another folder with `root`, or use `force=True`: it replaces only files of the same name.",
        )
