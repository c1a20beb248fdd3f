"""`charcnn synth`, as a function: what is written where."""

import hashlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from charcnn.datasets.generate.samples import Progress, distinct, write_dataset
from charcnn.datasets.generate.starter import SIZE as STARTER_SIZE
from charcnn.datasets.generate.starter import synth as write_starter
from charcnn.datasets.labels import folder_names
from charcnn.datasets.locate import DATASET_FOLDERS, data_root
from charcnn.errors import ConfigError
from charcnn.handwriting.charsets import CHARSETS, get_charset
from charcnn.handwriting.hand import WritingStyle

_LONG = 12
"""Characters that still make a name."""


def synth(
    characters: str | None = None,
    root: Path | str | None = None,
    *,
    sets: Sequence[str] = (),
    per_class: int = 500,
    test_per_class: int = 100,
    size: int | None = None,
    hand: WritingStyle | None = None,
    jobs: int = 1,
    preview: bool = False,
    force: bool = False,
    on_progress: Progress = lambda _done, _total: None,
) -> Path:
    """Writes a dataset of synthetic handwriting: of some characters, or else the starter set.

    Args:
        characters: What to write; spaces and repetitions do not count.
        root: The folder that gets `train` and `test`; where not given, one below the data root, named after what is
            written. The starter set goes into the data root itself.
        sets: Named sets of characters, which follow: `digits`, `latin`, `hiragana`, ….
        per_class: Training images of each character: as many writers.
        test_per_class: Test images of each character: as many other writers.
        size: Side of the images, in pixels; 64, of the starter set 28.
        hand: How it is to be written.
        jobs: Processes. The files do not depend on it. With several, a script needs `if __name__ == "__main__":`.
        preview: Make a contact sheet, `preview.png`, too.
        force: Write although other files are there; files of other names stay.
        on_progress: Called with images written and images in all.

    Returns:
        The folder: its `train` is what a training takes.

    Raises:
        ConfigError: no such set, fewer than two characters, or a number that makes no sense.
        GlyphError: the font lacks some of the characters; nothing was written.
        OverwriteError: there are files in the way that charcnn did not write, or that were changed.
        OSError: a file cannot be written.
    """
    if characters is None and not sets:
        return write_starter(
            root or data_root(),
            per_class=per_class,
            test_per_class=test_per_class,
            size=size or STARTER_SIZE,
            hand=hand,
            jobs=jobs,
            preview=preview,
            force=force,
            on_progress=on_progress,
        )
    return write_dataset(
        (characters or "") + "".join(map(get_charset, sets)),
        root or data_root() / _name(characters or "", sets),
        per_class=per_class,
        test_per_class=test_per_class,
        size=size or 64,
        hand=hand,
        jobs=jobs,
        preview=preview,
        force=force,
        on_progress=on_progress,
    )


def _name(characters: str, sets: Sequence[str]) -> str:
    """What the folder of some characters is called.

    Raises:
        ConfigError: the characters are a set's name: the set is meant.
    """
    if characters in CHARSETS:
        raise ConfigError(
            f"{characters} is a set of characters, and a word too.",
            f"For the set: charcnn synth --set {characters}. For the letters: charcnn synth {characters} -o DIR",
        )
    if not characters.strip():
        return "-".join(dict.fromkeys(sets))
    wanted = distinct(characters + "".join(map(get_charset, sets)))
    name = unicodedata.normalize("NFC", "".join(wanted))
    plain = len(wanted) <= _LONG and name.isalnum() and name in folder_names([name])  # no name of a Windows device
    return (
        name
        if plain and name not in (*DATASET_FOLDERS, *CHARSETS)
        else f"synth-{len(wanted)}-{hashlib.sha256(name.encode()).hexdigest()[:4]}"
    )
