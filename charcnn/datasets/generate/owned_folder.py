"""Generated datasets: written atomically, replaced only while unmodified, never in place of other files.

`synth.csv` in the root of a dataset lists every file with its sha256 and, for an image, its writer.
"""

import hashlib
import logging
import tempfile
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from charcnn.datasets.generate.dataset_change import describe_change
from charcnn.datasets.labels import read_classes
from charcnn.datasets.locate import DATASET_FOLDERS
from charcnn.datasets.provenance.synth_manifest import (
    SYNTH_MANIFEST,
    SynthEntry,
    read_synth_entries,
    read_synth_rows,
)
from charcnn.errors import OverwriteError
from charcnn.images.codec import is_image
from charcnn.machine import cache_root
from charcnn.storage.files import file_lock, is_unmodified, write_atomically
from charcnn.storage.folders import SYSTEM_FILES, replace_folder
from charcnn.text import pluralize

log = logging.getLogger(__name__)

DATASET_FILES = ("classes.txt", "ttest.csv", "preview.png")
"""Files that a generated dataset may contain, besides the manifest and the `DATASET_FOLDERS`."""
_MAX_NAMED = 20
"""Maximum number of characters that are named in an error."""


def replace_owned_folder(
    root: Path, classes: Collection[str], fill: Callable[[Path], dict[str, SynthEntry]], force: bool = False
) -> None:
    """Write a generated dataset, or replace an earlier one that was not modified.

    Args:
        root: The dataset's folder.
        classes: Names of its class folders.
        fill: Writes folders and files, of `DATASET_FOLDERS` and `DATASET_FILES`, into a given empty folder, and
            returns file → entry.
        force: Write even if there are other files, or a dataset of other characters. Files with other names are kept.
            Those that would be read as part of the dataset are refused even so, because no file is deleted.

    Raises:
        OverwriteError: a file in the way is not part of a generated dataset, or was modified; or the folder contains a
            dataset of other characters.
        OSError: a file cannot be written.
    """
    with _lock(root):
        _refuse_foreign(root, force)
        _refuse_other_characters(root, classes, force)
        _refuse_strays(root, ("train", "test"), lambda file: len(file.parts) < 3 or file.parts[1] in classes)
        is_new = not root.exists()
        root.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=".synth.", dir=root) as scratch:
                entries = fill(Path(scratch))
                _install(root, Path(scratch), entries, force)
        except BaseException:  # Ctrl-C too
            if is_new:
                with suppress(OSError):  # another process may have written there
                    root.rmdir()
            raise


def is_free_for_dataset(root: Path, classes: Collection[str]) -> bool:
    """Return whether a generated dataset may be written there.

    That is so if `root` contains only unmodified files of an earlier dataset of the same classes, or none at all.
    """
    return not _find_foreign(root) and _present_classes(root) in (set(), set(classes))


def _install(root: Path, scratch: Path, entries: dict[str, SynthEntry], force: bool) -> None:
    """Move a new dataset into place, and remove files of the previous one that are not part of it."""
    own, listed = _own_files(root), read_synth_rows(root)
    if own >= {Path(name) for name in entries} and listed == list(entries.items()):
        return  # another process wrote it while this one waited for the lock
    change = describe_change(root, dict(listed), scratch, entries) if _present_classes(root) else ""
    written = [folder for folder in DATASET_FOLDERS if (scratch / folder).is_dir()]
    _refuse_strays(root, written, lambda file: not is_image(file.name) or file.as_posix() in entries)
    _write_manifest(root, [*listed, *entries.items()])  # first, so that an interrupted write is recognized
    for folder in DATASET_FOLDERS:
        if folder in written:
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
    _write_manifest(root, entries.items())
    if change:
        log.warning("Replaced the earlier dataset in %s: %s.", root, change)


def _present_classes(root: Path) -> set[str]:
    """Return the class folders of the generated dataset in `root`; empty if none of its images exists."""
    images = [name for name in read_synth_entries(root) if "/" in name and is_image(name)]
    if not any((root / name).is_file() for name in images):
        return set()
    return {name.split("/")[1] for name in images if name.count("/") == 2}


def _refuse_other_characters(root: Path, classes: Collection[str], force: bool) -> None:
    """Refuse to replace a dataset of other characters, which is not an earlier state of this one."""
    present = _present_classes(root)
    if not force and present and present != set(classes):
        labels = read_classes(root)
        names = sorted({labels.get(folder, folder) for folder in present})
        more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        raise OverwriteError(
            f"{root} contains a dataset of other characters: {' '.join(names[:_MAX_NAMED])}{more}",
            "Choose another folder with `root`, or use `force=True` to replace that dataset.",
        )


def _remove(folder: Path, files: Collection[Path]) -> None:
    """Remove files, and folders that are then empty."""
    for path in files:
        (folder / path).unlink(missing_ok=True)
    for inner in sorted({parent for path in files for parent in path.parents}, reverse=True):
        with suppress(OSError):
            (folder / inner).rmdir()


def _lock(root: Path) -> AbstractContextManager[object]:
    """Acquire and return the lock for writing to a root; it does nothing if the user's cache folder is not writable."""
    name = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = cache_root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return file_lock(folder / f"synth-{name}.lock").acquire()
    except OSError:
        return nullcontext()


def _write_manifest(root: Path, rows: Iterable[tuple[str, SynthEntry]]) -> None:
    lines = [f"{name},{entry.sha256},{entry.writer}\n" for name, entry in rows]
    text = "file,sha256,writer\n" + "".join(lines)
    write_atomically(root / SYNTH_MANIFEST, text.encode(), durable=False)


def _own_files(root: Path) -> set[Path]:
    """Return the unmodified files below `root` that its manifest lists, and the manifest."""
    listed = read_synth_rows(root)
    own = {Path(name) for name, entry in listed if is_unmodified(root / name, entry.sha256)}
    return own | ({Path(SYNTH_MANIFEST)} if listed else set())


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


def _refuse_strays(root: Path, folders: Iterable[str], is_expected: Callable[[Path], bool]) -> None:
    """Refuse foreign files that would be read as part of a new dataset.

    Args:
        root: The dataset's folder.
        folders: Those of `DATASET_FOLDERS` that are written.
        is_expected: Returns whether a file, relative to the root, is allowed because it is replaced, or is not read.
    """
    present = [path.relative_to(root) for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    suspects = [file for file in present if file.name not in SYSTEM_FILES and not is_expected(file)]
    own = _own_files(root) if suspects else set()
    strays = [file for file in suspects if file not in own]
    if strays:
        more = f" (and {len(strays) - 1} more)" if len(strays) > 1 else ""
        raise OverwriteError(
            f"{root / strays[0]}{more} would be read as part of the new dataset, but does not belong to it.",
            "Move such files, or choose another folder with `root`. `force=True` deletes no files.",
        )
