"""A generated dataset: written whole or not at all, replaced while it is untouched, never in place of other files.

`synth.csv` in its root names every file with its sha256 and, of an image, the writer.
"""

import hashlib
import logging
import tempfile
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from charcnn.datasets.generate.set_change import describe_change
from charcnn.datasets.generate.written_files import WrittenFiles
from charcnn.datasets.labels import read_classes
from charcnn.datasets.locate import DATASET_FOLDERS
from charcnn.datasets.provenance.synth_manifest import SYNTH_MANIFEST, SynthEntry, read_synth_entries
from charcnn.errors import OverwriteError
from charcnn.images.codec import is_image
from charcnn.machine import cache_root
from charcnn.storage.files import file_lock, write_atomically
from charcnn.storage.folders import SYSTEM_FILES, replace_folder
from charcnn.text import pluralize

log = logging.getLogger(__name__)

FILES = ("classes.txt", "ttest.csv", "preview.png")
"""With `DATASET_FOLDERS`, all that a generated dataset may consist of, besides the manifest."""
_MAX_NAMED = 20
"""Characters named in an error."""


def replace_owned_folder(
    root: Path, classes: Collection[str], fill: Callable[[Path], dict[str, SynthEntry]], force: bool = False
) -> None:
    """Write a generated dataset, or replace one that was written before and not modified since.

    Args:
        root: The dataset's folder.
        classes: The names of its class folders.
        fill: Write folders and files, of `DATASET_FOLDERS` and `FILES`, into an empty folder that it is given.
            Return what was written: file → entry.
        force: Write although other files, or a dataset of other characters, are there; files of other names stay. Those
            that would be read as part of the dataset are in the way all the same: it is what was asked for, and no file
            is deleted.

    Raises:
        OverwriteError: a file that is not of a generated dataset, or was modified, is in the way; or a dataset of other
            characters is.
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
                with suppress(OSError):  # others may have written there meanwhile
                    root.rmdir()
            raise


def is_free_for_set(root: Path, classes: Collection[str]) -> bool:
    """Return whether a dataset may be written: nothing is in its place but (parts of) an untouched one like it."""
    return not _find_foreign(root) and _classes_there(root) in (set(), set(classes))


def _install(root: Path, scratch: Path, entries: dict[str, SynthEntry], force: bool) -> None:
    """Move a new dataset to its place, and remove files of the previous one that are not part of it."""
    own, listed = _own_files(root), read_synth_entries(root)
    if own >= {Path(name) for name in entries} and listed == entries:
        return  # another process wrote it while this one waited
    change = describe_change(root, listed, scratch, entries) if _classes_there(root) else ""
    written = [folder for folder in DATASET_FOLDERS if (scratch / folder).is_dir()]
    _refuse_strays(root, written, lambda file: not is_image(file.name) or file.as_posix() in entries)
    _write_manifest(root, {**listed, **entries})  # first: what is half done can be told from foreign files
    for folder in DATASET_FOLDERS:
        if folder in written:
            with replace_folder(root / folder, _within(folder, own).__contains__, force) as fresh:
                for path in (scratch / folder).iterdir():
                    path.rename(fresh / path.name)
        elif own_there := _within(folder, own):
            _remove(root / folder, own_there)
    for name in FILES:
        if (scratch / name).is_file():
            (scratch / name).replace(root / name)
        elif Path(name) in own:
            (root / name).unlink()
    _write_manifest(root, entries)
    if change:
        log.warning("Replaced the earlier set in %s: %s.", root, change)


def _classes_there(root: Path) -> set[str]:
    """Return the class folders of the generated dataset of which images are there; empty where none is."""
    images = [name for name in read_synth_entries(root) if "/" in name and is_image(name)]
    if not any((root / name).is_file() for name in images):
        return set()
    return {name.split("/")[1] for name in images if name.count("/") == 2}


def _refuse_other_characters(root: Path, classes: Collection[str], force: bool) -> None:
    """Refuse to replace a dataset of other characters: it is another one, and not an earlier state of this one."""
    there = _classes_there(root)
    if not force and there and there != set(classes):
        labels = read_classes(root)
        names = sorted({labels.get(folder, folder) for folder in there})
        more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        raise OverwriteError(
            f"{root} holds a set of other characters: {' '.join(names[:_MAX_NAMED])}{more}",
            "Choose another folder with `root`, or use `force=True` to replace that set.",
        )


def _remove(folder: Path, files: Collection[Path]) -> None:
    """Remove files, and the folders that are empty then."""
    for path in files:
        (folder / path).unlink(missing_ok=True)
    for inner in sorted({parent for path in files for parent in path.parents}, reverse=True):
        with suppress(OSError):
            (folder / inner).rmdir()


def _lock(root: Path) -> AbstractContextManager[object]:
    """Return a lock for one process at a time to write to a root; in the user's cache folder, if that is writable."""
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
    """Return the files below `root` that its manifest names and that are unmodified, and the manifest."""
    listed = read_synth_entries(root)
    written = WrittenFiles(root, {Path(name): entry.sha256 for name, entry in listed.items()})
    return written.own_files() | ({Path(SYNTH_MANIFEST)} if listed else set())


def _within(folder: str, files: Iterable[Path]) -> set[Path]:
    """Return the files that lie in a folder, relative to it."""
    return {Path(*file.parts[1:]) for file in files if len(file.parts) > 1 and file.parts[0] == folder}


def _find_foreign(root: Path) -> list[Path]:
    """Return the files in the place of a generated dataset that are not of one, or were modified."""
    present = [root / name for name in (*FILES, SYNTH_MANIFEST, *DATASET_FOLDERS) if (root / name).is_file()]
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


def _refuse_strays(root: Path, folders: Iterable[str], is_part: Callable[[Path], bool]) -> None:
    """Refuse foreign files that would be read as part of a new dataset.

    Args:
        root: The dataset's folder.
        folders: Those of `DATASET_FOLDERS` that are written.
        is_part: Whether a file, relative to the root, does no harm: it is replaced, or is not read.
    """
    present = [path.relative_to(root) for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    suspects = [file for file in present if file.name not in SYSTEM_FILES and not is_part(file)]
    own = _own_files(root) if suspects else set()
    strays = [file for file in suspects if file not in own]
    if strays:
        more = f" and {len(strays) - 1} more" if len(strays) > 1 else ""
        raise OverwriteError(
            f"{root / strays[0]}{more} would be read as part of the new set, and is not of it.",
            "Move it elsewhere, or choose another folder with `root`. `force=True` deletes no files.",
        )
