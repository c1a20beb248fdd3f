"""Characters → a dataset of synthetic handwriting. Training and test images are of different writers.

ROOT/train/<folder>/1.png …     the writers 0, 1, …; each writes every character once
ROOT/test/<folder>/1.png …      the writers 1,000,000, 1,000,001, …
ROOT/classes.txt                folder → character
ROOT/synth.csv                  what was made: file, sha256, writer
"""

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from charcnn.datasets.generate.owned_folder import replace_owned_folder
from charcnn.datasets.labels import CLASSES_FILE, folder_names, write_classes
from charcnn.datasets.provenance.synth_manifest import SynthEntry
from charcnn.errors import ConfigError, GlyphError
from charcnn.handwriting.fonts import check_font
from charcnn.handwriting.glyph import faces, has_ink
from charcnn.handwriting.hand import BLOCK, WritingStyle
from charcnn.handwriting.writer import handwriting
from charcnn.images.contact_sheet import contact_sheet
from charcnn.images.io import encode_image, read_image, write_bytes, write_image
from charcnn.parallel import ProcessPool
from charcnn.storage.files import sha256_of

PREVIEW = "preview.png"
MOST = 1_000_000
"""Images of a character that a part may have. So many numbers of writers are kept for each part: how many one part has
changes nothing in the others."""
_FEW = 4000
"""Samples below which starting further processes takes longer than it saves."""
_SHARE = 5 * BLOCK
"""Writers of a task: whole blocks."""
_SHEET = 40, 20
"""Characters and writers of a preview."""
Progress = Callable[[int, int], None]


def write_dataset(
    characters: str,
    root: Path | str,
    *,
    per_class: int = 500,
    test_per_class: int = 100,
    size: int = 64,
    hand: WritingStyle | None = None,
    jobs: int = 1,
    preview: bool = False,
    force: bool = False,
    on_progress: Progress = lambda _done, _total: None,
) -> Path:
    """Writes a dataset. One that was made before and not touched since is made anew.

    Args:
        characters: What to write; spaces and repetitions do not count.
        root: The folder that gets `train`, `test`, `classes.txt` and `synth.csv`.
        per_class: Training images of each character: as many writers.
        test_per_class: Test images of each character: as many other writers.
        size: Side of the images, in pixels.
        hand: How it is to be written.
        jobs: Processes. The files do not depend on it.
        preview: Make a contact sheet, `preview.png`, too.
        force: Write although other files are there; files of other names stay.
        on_progress: Called with images written and images in all.

    Returns:
        The root.

    Raises:
        ConfigError: fewer than two characters, or a number that makes no sense.
        GlyphError: the font lacks some of the characters; nothing was written.
        OverwriteError: there are files in the way that charcnn did not write, or that were changed.
        OSError: a file cannot be written.
    """
    root, hand = Path(root), hand or WritingStyle()
    wanted = distinct(characters)
    check_numbers(per_class, test_per_class, size)
    check_drawable(wanted, hand)
    folders = folder_names(wanted)
    parts = {"train": per_class, "test": test_per_class}

    def fill(folder: Path) -> dict[str, SynthEntry]:
        entries = write_samples(folder, folders, parts, size, ".png", hand, jobs, on_progress)
        write_classes(folder / CLASSES_FILE, folders)
        if preview:
            write_preview(folder, folders, ".png")
        return entries | {name: entry_of(folder / name) for name in (CLASSES_FILE, *[PREVIEW] * preview)}

    replace_owned_folder(root, fill, force)
    return root


def distinct(characters: str) -> list[str]:
    """Gives each character once, in order, without spaces; a letter with its accent is one (Unicode form NFC).

    Raises:
        ConfigError: there are fewer than two, or some are no characters at all.
    """
    found = list(dict.fromkeys(c for c in unicodedata.normalize("NFC", characters) if not c.isspace()))
    if any("\ud800" <= c <= "\udfff" for c in found):
        raise ConfigError("The characters are not UTF-8.", "Put them into a file in UTF-8: charcnn synth --file LIST")
    if len(found) < 2:
        raise ConfigError(
            f"{len(found)} character{'s' * (not found)} given: there is nothing to tell apart.",
            "Name two at least: charcnn synth 0123456789",
        )
    return found


def check_numbers(per_class: int, test_per_class: int, size: int) -> None:
    """Checks what a set shall hold.

    Raises:
        ConfigError: a number is too small, or too large.
    """
    ranges = {"per-class": (per_class, 1, MOST), "test-per-class": (test_per_class, 0, MOST), "size": (size, 8, 512)}
    for name, (value, least, most) in ranges.items():
        if not least <= value <= most:
            raise ConfigError(f"--{name} {value} is outside {least} … {most}.")


def check_drawable(characters: Sequence[str], hand: WritingStyle) -> None:
    """Checks that the font has every character.

    Raises:
        GlyphError: it lacks some, all of which are named, or a font file cannot be read.
    """
    for font in hand.fonts:
        check_font(font)
    lacking = [character for character in characters if not _is_drawable(character, hand)]
    if lacking:
        named = ", ".join(f"{c if c.isprintable() else ''} (U+{ord(c):04X})".strip() for c in lacking[:100])
        more = f" and {len(lacking) - 100} more" if len(lacking) > 100 else ""
        where = " and ".join(font.name for font in hand.fonts) or "The built-in font"
        raise GlyphError(
            f"{where} lacks {len(lacking)} of the {len(characters)} characters: {named}{more}",
            "Leave them out, or name a font that has them: charcnn synth … --font FILE.ttf",
        )


def _is_drawable(character: str, hand: WritingStyle) -> bool:
    try:
        having = faces(character, hand.fonts)
    except GlyphError:
        return False
    return all(has_ink(character, face) for face in having)


class _Task(NamedTuple):
    """What the `first`-th to `last`-th writers of a part (from 0; the last exclusive) write of one character."""

    root: Path
    part: int
    folder: str
    character: str
    first: int
    last: int
    size: int
    suffix: str
    hand: WritingStyle


def write_samples(
    root: Path,
    folders: Mapping[str, str],
    parts: Mapping[str, int],
    size: int,
    suffix: str,
    hand: WritingStyle,
    jobs: int,
    on_progress: Progress,
) -> dict[str, SynthEntry]:
    """Writes `ROOT/<part>/<folder>/<n><suffix>`, each part by writers of its own, each of whom writes every character.

    Args:
        root: An empty folder.
        folders: Folder name → character.
        parts: Name → how many writers, 1,000,000 at most.
        size: Side of the images, in pixels.
        suffix: `.png` or `.bmp`.
        hand: How it is to be written.
        jobs: Processes.
        on_progress: Called with images written and images in all.

    Returns:
        File → its entry in the manifest, part by part.
    """
    total, done = sum(parts.values()) * len(folders), 0
    tasks = [
        _Task(root / part, number, folder, character, first, min(first + _SHARE, count), size, suffix, hand)
        for folder, character in folders.items()  # its strokes are found once, by the process that takes its tasks
        for number, (part, count) in enumerate(parts.items())
        for first in range(0, count, _SHARE)
    ]
    for task in tasks:
        (task.root / task.folder).mkdir(parents=True, exist_ok=True)
    results: dict[int, dict[str, SynthEntry]] = {}
    with ProcessPool(1 if total < _FEW else jobs) as crew:
        for number, result in crew.share(_write, tasks):
            results[number] = result
            done += len(result)
            on_progress(done, total)
    entries = {name: entry for number in range(len(tasks)) for name, entry in results[number].items()}
    return {name: entry for part in parts for name, entry in entries.items() if name.startswith(f"{part}/")}


def _write(task: _Task) -> dict[str, SynthEntry]:
    writers = range(task.part * MOST + task.first, task.part * MOST + task.last)
    pictures = handwriting(task.character, writers, task.size, task.hand)
    folder, entries = str(task.root / task.folder), {}
    for writer, number, picture in zip(writers, range(task.first + 1, task.last + 1), pictures, strict=True):
        data, name = encode_image(picture, task.suffix), f"{number}{task.suffix}"
        write_bytes(f"{folder}/{name}", data)
        sha256 = hashlib.sha256(data).hexdigest()
        entries[f"{task.root.name}/{task.folder}/{name}"] = SynthEntry(sha256, f"{task.hand.seed}-{writer}")
    return entries


def write_preview(root: Path, folders: Mapping[str, str], suffix: str) -> None:
    """Writes `preview.png`: a row of training images for each character, a column for each writer."""
    characters, writers = _SHEET
    rows = []
    for folder in list(folders)[:characters]:
        paths = [root / "train" / folder / f"{n}{suffix}" for n in range(1, writers + 1)]
        rows.append([read_image(path) for path in paths if path.is_file()])
    write_image(root / PREVIEW, contact_sheet(rows))


def entry_of(path: Path) -> SynthEntry:
    """Gives the entry of a file that nobody wrote by hand."""
    return SynthEntry(sha256_of(path))
