"""Characters → a dataset of synthetic handwriting. Training and test images are of different writers.

ROOT/train/<folder>/1.png …     the writers 0, 1, …; each writes every character once
ROOT/test/<folder>/1.png …      the writers 1,000,000, 1,000,001, …
ROOT/classes.txt                folder → character
ROOT/synth.csv                  what was written: file, sha256, writer
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from charcnn.datasets.generate.owned_folder import replace_owned_folder
from charcnn.datasets.generate.request import MAX_WRITERS_PER_SPLIT, SynthRequest
from charcnn.datasets.labels import CLASSES_FILE, folder_names, write_classes
from charcnn.datasets.provenance.synth_manifest import SynthEntry
from charcnn.errors import ConfigError, GlyphError
from charcnn.handwriting.fonts import check_font
from charcnn.handwriting.glyph import find_faces, has_ink
from charcnn.handwriting.style import WRITERS_PER_BLOCK, WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.images.codec import encode_image, read_image, write_bytes, write_image
from charcnn.images.contact_sheet import contact_sheet
from charcnn.parallel import ProcessPool
from charcnn.storage.files import sha256_of

PREVIEW_FILE = "preview.png"
_WRITERS_PER_TASK = 5 * WRITERS_PER_BLOCK
_PREVIEW_CHARACTERS, _PREVIEW_WRITERS = 40, 20
_MAX_NAMED_CHARACTERS = 100
"""Characters named in an error."""


def write_dataset(characters: str, root: Path, request: SynthRequest) -> Path:
    """Write a dataset of some characters. One that was written before and not modified since is replaced.

    Args:
        characters: What to write; spaces and repetitions do not count.
        root: The folder that gets `train`, `test`, `classes.txt` and `synth.csv`.
        request: What the dataset should be.

    Returns:
        The root.

    Raises:
        ConfigError: fewer than two characters.
        GlyphError: the font lacks some of the characters; nothing was written.
        OverwriteError: the root holds files that were not written by this function, or were modified.
        OSError: a file cannot be written.
    """
    wanted = distinct_characters(characters)
    check_drawable(wanted, request.style)
    folders = folder_names(wanted)
    splits = {"train": request.per_class, "test": request.test_per_class}

    def fill(folder: Path) -> dict[str, SynthEntry]:
        entries = write_samples(folder, folders, splits, ".png", request)
        return entries | write_companions(folder, folders, ".png", request)

    replace_owned_folder(root, folders, fill, request.force)
    return root


def distinct_characters(characters: str) -> list[str]:
    """Return each character once, in order, without spaces; a letter with its accent is one (Unicode form NFC).

    Raises:
        ConfigError: there are fewer than two, or some are lone surrogates.
    """
    found = list(dict.fromkeys(c for c in unicodedata.normalize("NFC", characters) if not c.isspace()))
    if any("\ud800" <= c <= "\udfff" for c in found):
        raise ConfigError("The characters are not UTF-8.", "Read them from a file in UTF-8.")
    if len(found) < 2:
        given = "1 character" if found else "0 characters"
        raise ConfigError(f"{given} given: there is nothing to tell apart.", "Name at least two, such as 0123456789.")
    return found


def check_drawable(characters: Sequence[str], style: WritingStyle) -> None:
    """Check that the fonts of a style have every character.

    Raises:
        GlyphError: they lack some, or a font file cannot be read.
    """
    for font in style.fonts:
        check_font(font)
    lacking = [character for character in characters if not _is_drawable(character, style.fonts)]
    if lacking:
        names = [f"{c if c.isprintable() else ''} (U+{ord(c):04X})".strip() for c in lacking[:_MAX_NAMED_CHARACTERS]]
        more = f" and {len(lacking) - len(names)} more" if len(lacking) > len(names) else ""
        where = " and ".join(font.name for font in style.fonts) or "The built-in font"
        raise GlyphError(
            f"{where} lacks {len(lacking)} of the {len(characters)} characters: {', '.join(names)}{more}",
            "Leave them out, or name a font that has them with `fonts`.",
        )


def _is_drawable(character: str, fonts: tuple[Path, ...]) -> bool:
    try:
        found = find_faces(character, fonts)
    except GlyphError:
        return False
    return all(has_ink(character, face) for face in found)


class _Task(NamedTuple):
    """What the `first`-th to `last`-th writers of a split (from 0; the last exclusive) write of one character."""

    root: Path
    split: int
    folder: str
    character: str
    first: int
    last: int
    size: int
    suffix: str
    style: WritingStyle


def write_samples(
    root: Path, folders: Mapping[str, str], splits: Mapping[str, int], suffix: str, request: SynthRequest
) -> dict[str, SynthEntry]:
    """Write `ROOT/<split>/<folder>/<n><suffix>`: each split by its own writers, each of whom writes every character.

    Args:
        root: An empty folder.
        folders: Folder name → character.
        splits: Name → number of writers, `MAX_WRITERS_PER_SPLIT` at most.
        suffix: `.png` or `.bmp`.
        request: The size of the images, their style, and how to work.

    Returns:
        File → its entry in the manifest, split by split.
    """
    total, done = sum(splits.values()) * len(folders), 0
    tasks = [
        _Task(root / split, number, folder, character, first, last, request.size, suffix, request.style)
        for folder, character in folders.items()  # its strokes are found once, by the process that takes its tasks
        for number, (split, count) in enumerate(splits.items())
        for first, last in _ranges(count)
    ]
    for task in tasks:
        (task.root / task.folder).mkdir(parents=True, exist_ok=True)
    results: dict[int, dict[str, SynthEntry]] = {}
    with ProcessPool.for_images(total, request.jobs) as pool:
        for number, result in pool.share(_write, tasks):
            results[number] = result
            done += len(result)
            request.on_progress(done, total)
    entries = {name: entry for number in range(len(tasks)) for name, entry in results[number].items()}
    return {name: entry for split in splits for name, entry in entries.items() if name.startswith(f"{split}/")}


def _ranges(count: int) -> list[tuple[int, int]]:
    """Return the first and last writer (exclusive) of each task."""
    return [(first, min(first + _WRITERS_PER_TASK, count)) for first in range(0, count, _WRITERS_PER_TASK)]


def _write(task: _Task) -> dict[str, SynthEntry]:
    start = task.split * MAX_WRITERS_PER_SPLIT
    writers = range(start + task.first, start + task.last)
    pictures = write_character(task.character, writers, task.size, task.style)
    folder, entries = str(task.root / task.folder), {}
    for writer, number, picture in zip(writers, range(task.first + 1, task.last + 1), pictures, strict=True):
        data, name = encode_image(picture, task.suffix), f"{number}{task.suffix}"
        write_bytes(f"{folder}/{name}", data)
        sha256 = hashlib.sha256(data).hexdigest()
        entries[f"{task.root.name}/{task.folder}/{name}"] = SynthEntry(sha256, f"{task.style.seed}-{writer}")
    return entries


def write_companions(
    root: Path, folders: Mapping[str, str], suffix: str, request: SynthRequest, further: Iterable[str] = ()
) -> dict[str, SynthEntry]:
    """Write `classes.txt`, and `preview.png` where it is requested: a row for each character, a column for each writer.

    Args:
        root: A folder with the images of `train`.
        folders: Folder name → character.
        suffix: That of the images.
        request: Whether there is a preview.
        further: Files in the root that have been written already.

    Returns:
        File → its entry in the manifest, of `further` too.
    """
    write_classes(root / CLASSES_FILE, folders)
    if request.preview:
        rows = []
        for folder in list(folders)[:_PREVIEW_CHARACTERS]:
            paths = [root / "train" / folder / f"{number}{suffix}" for number in range(1, _PREVIEW_WRITERS + 1)]
            rows.append([read_image(path) for path in paths if path.is_file()])
        write_image(root / PREVIEW_FILE, contact_sheet(rows))
    files = (*further, CLASSES_FILE, *[PREVIEW_FILE] * request.preview)
    return {name: SynthEntry(sha256_of(root / name)) for name in files}
