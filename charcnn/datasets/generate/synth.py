"""Synthetic handwriting: what is written where."""

import hashlib
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from charcnn.datasets.generate.request import SynthRequest
from charcnn.datasets.generate.samples import distinct_characters, write_dataset
from charcnn.datasets.generate.starter import STARTER_SIZE, write_starter
from charcnn.datasets.labels import folder_names
from charcnn.datasets.locate import DATASET_FOLDERS, data_root
from charcnn.errors import ConfigError
from charcnn.handwriting.charsets import CHARSETS, get_charset
from charcnn.handwriting.style import WritingStyle

_MAX_NAME_CHARACTERS = 12
"""Characters that still make the name of a folder."""


def synth(
    characters: str | None = None,
    root: Path | str | None = None,
    *,
    sets: Sequence[str] = (),
    per_class: int = 500,
    test_per_class: int = 100,
    size: int | None = None,
    style: WritingStyle | None = None,
    jobs: int = 1,
    preview: bool = False,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Path:
    """Write a dataset of synthetic handwriting: of some characters, or else the starter set.

    Args:
        characters: What to write; spaces and repetitions do not count.
        root: The folder that gets `train` and `test`; where not given, one below the data root, named after what is
            written. The starter set goes into the data root itself.
        sets: Named sets of characters to add: `digits`, `latin`, `hiragana`, ….
        per_class: Training images of each character: as many writers.
        test_per_class: Test images of each character: as many other writers.
        size: Side of the images, in pixels; 64, of the starter set 28.
        style: How the handwriting looks.
        jobs: Processes. The files do not depend on it. With several, a script needs `if __name__ == "__main__":`.
        preview: Also write a contact sheet, `preview.png`.
        force: Write although other files, or a set of other characters, are there; files of other names stay.
            Those that would be read as part of the dataset have to be moved first.
        on_progress: Called with images written and images in all.

    Returns:
        The folder; a training takes its `train`.

    Raises:
        ConfigError: an unknown set, fewer than two characters, or a number that is too small or too large.
        GlyphError: the font lacks some of the characters; nothing was written.
        OverwriteError: the folder holds files that were not written by this function, or were modified, or a
            set of other characters.
        OSError: a file cannot be written.
    """
    is_starter = characters is None and not sets
    request = SynthRequest(
        per_class=per_class,
        test_per_class=test_per_class,
        size=size if size is not None else STARTER_SIZE if is_starter else SynthRequest.size,
        style=style or WritingStyle(),
        jobs=jobs,
        preview=preview,
        force=force,
        on_progress=on_progress,
    )
    if is_starter:
        return write_starter(Path(root or data_root()), request)
    wanted = (characters or "") + "".join(map(get_charset, sets))
    return write_dataset(wanted, Path(root or data_root() / _folder_name(characters or "", sets)), request)


def _folder_name(characters: str, sets: Sequence[str]) -> str:
    """Return the name of the folder of some characters.

    Raises:
        ConfigError: the characters are the name of a set.
    """
    if characters in CHARSETS:
        raise ConfigError(
            f"{characters} is the name of a character set, and a word.",
            f'Use `sets=["{characters}"]` for the set, or name the folder with `root` for the letters.',
        )
    if not characters.strip():
        return "-".join(dict.fromkeys(sets))
    wanted = distinct_characters(characters + "".join(map(get_charset, sets)))
    name = unicodedata.normalize("NFC", "".join(wanted))
    is_plain = len(wanted) <= _MAX_NAME_CHARACTERS and name.isalnum() and name in folder_names([name])
    if is_plain and name not in (*DATASET_FOLDERS, *CHARSETS):
        return name
    return f"synth-{len(wanted)}-{hashlib.sha256(name.encode()).hexdigest()[:4]}"
