"""Write datasets of synthetic handwriting. Training and test images are by different writers.

ROOT/train/<folder>/1.png …     by writers 0, 1, …; each writes every character once
ROOT/test/<folder>/1.png …      by writers 1,000,000, 1,000,001, …
ROOT/classes.txt                folder → character
ROOT/synth.csv                  manifest: file, sha256, writer
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
"""Maximum number of characters listed in an error."""


def write_dataset(characters: str, root: Path, request: SynthRequest) -> Path:
    """Write a dataset of some characters. An earlier one is replaced if it was not modified.

    Args:
        characters: The characters to write; spaces and repetitions are ignored.
        root: The folder for `train`, `test`, `classes.txt` and `synth.csv`.
        request: Parameters of the dataset.

    Returns:
        The root.

    Raises:
        ConfigError: fewer than two characters.
        GlyphError: the font lacks some of the characters; nothing was written.
        OverwriteError: the root contains files that were not written by this function, or were modified.
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
    """Return the distinct characters in order, without spaces. A letter with an accent is one (Unicode form NFC).

    Raises:
        ConfigError: there are fewer than two, or some are lone surrogates.
    """
    found = list(dict.fromkeys(c for c in unicodedata.normalize("NFC", characters) if not c.isspace()))
    if any("\ud800" <= c <= "\udfff" for c in found):
        raise ConfigError("The characters are not UTF-8.", "Read them from a UTF-8 file.")
    if len(found) < 2:
        given = "1 character" if found else "0 characters"
        raise ConfigError(f"{given} given; at least 2 are needed.", "Pass at least two, such as 0123456789.")
    return found


def check_drawable(characters: Sequence[str], style: WritingStyle) -> None:
    """Check that the fonts of a style have every character.

    Raises:
        GlyphError: the fonts lack some characters, or a font file cannot be read.
    """
    for font in style.fonts:
        check_font(font)
    missing = [character for character in characters if not _is_drawable(character, style.fonts)]
    if missing:
        names = [f"{c if c.isprintable() else ''} (U+{ord(c):04X})".strip() for c in missing[:_MAX_NAMED_CHARACTERS]]
        more = f" and {len(missing) - len(names)} more" if len(missing) > len(names) else ""
        where = " and ".join(font.name for font in style.fonts) or "The built-in font"
        raise GlyphError(
            f"{where} lacks {len(missing)} of the {len(characters)} characters: {', '.join(names)}{more}",
            "Leave them out, or use a font that has them (`fonts`).",
        )


def _is_drawable(character: str, fonts: tuple[Path, ...]) -> bool:
    try:
        found = find_faces(character, fonts)
    except GlyphError:
        return False
    return all(has_ink(character, face) for face in found)


class _Task(NamedTuple):
    """Images of one character by the writers `first` to `last` (exclusive) of a split, counted from 0."""

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
    """Write `ROOT/<split>/<folder>/<n><suffix>`. Each split has its own writers, who write every character once.

    Args:
        root: An empty folder.
        folders: Folder name → character.
        splits: Name → number of writers, at most `MAX_WRITERS_PER_SPLIT`.
        suffix: `.png` or `.bmp`.
        request: Size of the images, style, processes and progress callback.

    Returns:
        File → its manifest entry, split by split.
    """
    total, done = sum(splits.values()) * len(folders), 0
    tasks = [
        _Task(root / split, number, folder, character, first, last, request.size, suffix, request.style)
        for folder, character in folders.items()  # outermost, so that one process finds its strokes once
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
    root: Path, folders: Mapping[str, str], suffix: str, request: SynthRequest, written: Iterable[str] = ()
) -> dict[str, SynthEntry]:
    """Write `classes.txt` and, if requested, `preview.png` with a row per character and a column per writer.

    Args:
        root: The folder that contains `train`.
        folders: Folder name → character.
        suffix: Suffix of the images.
        request: Whether to write a preview.
        written: Other files in the root that were written before.

    Returns:
        File → its manifest entry, including those of `written`.
    """
    write_classes(root / CLASSES_FILE, folders)
    if request.preview:
        rows = []
        for folder in list(folders)[:_PREVIEW_CHARACTERS]:
            paths = [root / "train" / folder / f"{number}{suffix}" for number in range(1, _PREVIEW_WRITERS + 1)]
            rows.append([read_image(path) for path in paths if path.is_file()])
        write_image(root / PREVIEW_FILE, contact_sheet(rows))
    files = (*written, CLASSES_FILE, *[PREVIEW_FILE] * request.preview)
    return {name: SynthEntry(sha256_of(root / name)) for name in files}
