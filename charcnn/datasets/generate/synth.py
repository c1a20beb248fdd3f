"""Write a dataset of synthetic handwriting: some characters, or the starter set."""

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
"""Maximum number of characters that are used as a folder name."""


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
    """Write a dataset of synthetic handwriting: the given characters, or else the starter set.

    Args:
        characters: The characters to write; spaces and repetitions are ignored.
        root: The folder for `train` and `test`. By default, a folder under the data root that is named after the
            characters; for the starter set, the data root itself.
        sets: Names of character sets to add: `digits`, `latin`, `hiragana`, ….
        per_class: Training images per character, each by a different writer.
        test_per_class: Test images per character, each by a different writer who is not in the training set.
        size: Side of the images, in pixels; by default 64, or 28 for the starter set.
        style: How the handwriting looks.
        jobs: Number of processes. The files do not depend on it. With several, a script needs
            `if __name__ == "__main__":`.
        preview: Also write a contact sheet, `preview.png`.
        force: Write even if there are other files, or a dataset of other characters. Files with other names are kept.
            Those that would be read as part of the dataset have to be moved first.
        on_progress: Called with the number of images written and the total.

    Returns:
        The folder. Its `train` is the dataset to train on.

    Raises:
        ConfigError: a set is unknown, there are fewer than two characters, or a number is out of range.
        GlyphError: the font lacks some of the characters; nothing was written.
        OverwriteError: the folder contains files that were not written by this function, or were modified, or a
            dataset of other characters.
        OSError: a file cannot be written.

    Examples:
        >>> import charcnn
        >>> folder = charcnn.synth("xyz", per_class=5, test_per_class=2)
        >>> folder.as_posix()
        'data/xyz'
        >>> sorted(path.name for path in (folder / "train").iterdir())
        ['x', 'y', 'z']
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
    """Return the folder name of some characters: the characters, the names of the sets, or else `charsN-HASH`.

    N is the number of characters, and the hash keeps different ones of the same number apart.

    Raises:
        ConfigError: the characters spell the name of a character set.
    """
    if characters in CHARSETS:
        raise ConfigError(
            f"{characters} is also the name of a character set.",
            f'Use `sets=["{characters}"]` for the set. To write the letters, choose a folder with `root`.',
        )
    if not characters.strip():
        return "-".join(dict.fromkeys(sets))
    wanted = distinct_characters(characters + "".join(map(get_charset, sets)))
    name = unicodedata.normalize("NFC", "".join(wanted))
    is_plain = len(wanted) <= _MAX_NAME_CHARACTERS and name.isalnum() and name in folder_names([name])
    if is_plain and name not in (*DATASET_FOLDERS, *CHARSETS):
        return name
    return f"chars{len(wanted)}-{hashlib.sha256(name.encode()).hexdigest()[:4]}"
