"""The starter set: the lab's twelve characters, drawn with OpenCV's font and warped, to try every command with.

ROOT/train/1 … 12      500 each        ROOT/ttest/1.bmp …   10 of each, shuffled
ROOT/test/1 … 12       100 each        ROOT/ttest.csv       their truth
ROOT/classes.txt       1 → 博 …         ROOT/synth.csv       what was made, with sha256
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from filelock import FileLock

from charcnn.datasets.cache import cache_folder
from charcnn.datasets.labels import CLASSES_FILE
from charcnn.errors import OverwriteError
from charcnn.handwriting.warp import warped_drawings
from charcnn.images.folder import LEFT_BY_SYSTEMS, new_folder
from charcnn.images.io import encode_image

CHARACTERS = "博学笃志切问近思自由无用"
FOLDERS = ("train", "test", "ttest")
MANIFEST = "synth.csv"
_SIZE = 28
_FLAT_PER_CLASS = 10


def synth(
    root: Path | str,
    *,
    per_class: int = 500,
    test_per_class: int = 100,
    seed: int = 0,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Path:
    """Writes the starter set. One that was made before and not touched since is made anew.

    Args:
        root: The folder that gets `train`, `test`, `ttest`, `ttest.csv` and `classes.txt`.
        per_class: Training images of each character.
        test_per_class: Test images of each character.
        seed: Drives everything that is drawn.
        force: Write although other files are there; files of other names stay.
        on_progress: Called with images drawn and images in all.

    Returns:
        The root.

    Raises:
        OverwriteError: `train`, `test`, `ttest` or one of the two files holds something that `synth` did not write.
        OSError: a file cannot be written.
    """
    root = Path(root)
    _refuse_foreign(root, force)
    root.mkdir(parents=True, exist_ok=True)
    with _lock(root):
        _refuse_foreign(root, force)
        files = _drawn_files(per_class, test_per_class, seed, on_progress)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        made = _made_before(root)
        if made >= hashes.keys() and _listed(root) == hashes:
            return root  # another process wrote it while this one waited
        _write_manifest(root, {**_listed(root), **hashes})  # first: what is half done is known to be ours
        for folder in FOLDERS:
            with new_folder(root / folder, _within(folder, made).__contains__, force) as fresh:
                for name, data in files.items():
                    top, _, rest = name.partition("/")
                    if top == folder and rest:
                        (fresh / rest).parent.mkdir(exist_ok=True)
                        (fresh / rest).write_bytes(data)
        for name in (CLASSES_FILE, "ttest.csv"):
            (root / name).write_bytes(files[name])
        _write_manifest(root, hashes)
    return root


def is_free_for_starter(root: Path) -> bool:
    """Tells whether nothing but (a part of) the starter set itself stands where it would be written."""
    return not _foreign(root)


def _lock(root: Path) -> AbstractContextManager[object]:
    """One process at a time writes to a root; the lock lies in the user's cache folder, or is done without."""
    name = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return nullcontext()
    return FileLock(folder / f"synth-{name}.lock")


def _listed(root: Path) -> dict[str, str]:
    """What the manifest names: file below `root` → sha256; empty where there is none of charcnn's."""
    path = root / MANIFEST
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8", errors="replace") as stream:
        lines = csv.DictReader(stream)
        return {row["file"]: row["sha256"] for row in lines} if lines.fieldnames == ["file", "sha256"] else {}


def _write_manifest(root: Path, hashes: dict[str, str]) -> None:
    lines = [f"{name},{digest}\n" for name, digest in hashes.items()]
    (root / MANIFEST).write_text("file,sha256\n" + "".join(lines), encoding="utf-8")


def _made_before(root: Path) -> set[str]:
    """The files below `root` that `synth` wrote and nobody changed."""
    listed = _listed(root)
    unchanged = {
        name
        for name, digest in listed.items()
        if (root / name).is_file() and hashlib.sha256((root / name).read_bytes()).hexdigest() == digest
    }
    return unchanged | ({MANIFEST} if listed else set())


def _within(folder: str, names: Iterable[str]) -> set[Path]:
    """The names that lie in a folder, relative to it."""
    return {Path(name).relative_to(folder) for name in names if name.startswith(f"{folder}/")}


def _foreign(root: Path) -> list[Path]:
    """The files where the starter set would be written that `synth` did not write, or that were changed since."""
    present = [root / name for name in (CLASSES_FILE, "ttest.csv", MANIFEST, *FOLDERS) if (root / name).is_file()]
    present += [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    if not present:
        return []
    made = _made_before(root)
    seen = [path for path in present if path.name not in LEFT_BY_SYSTEMS]
    return [path for path in seen if path.relative_to(root).as_posix() not in made]


def _refuse_foreign(root: Path, force: bool) -> None:
    foreign = [] if force else _foreign(root)
    if foreign:
        raise OverwriteError(
            f"{root} holds {len(foreign)} files that charcnn synth did not write, or that were changed: {foreign[0]}",
            "Name another folder: charcnn synth -o DIR",
        )


def _drawn_files(
    per_class: int, test_per_class: int, seed: int, on_progress: Callable[[int, int], None]
) -> dict[str, bytes]:
    """File name below the root → content. Each part and each character has a generator of its own."""
    files: dict[str, bytes] = {}
    counts = {"train": per_class, "test": test_per_class, "ttest": _FLAT_PER_CLASS}
    total = sum(counts.values()) * len(CHARACTERS)
    flat: list[tuple[str, bytes]] = []
    done = 0
    for part, count in enumerate(counts.items()):
        for index, character in enumerate(CHARACTERS):
            rng = np.random.default_rng([seed, part, index])
            pictures = [encode_image(p, ".bmp") for p in warped_drawings(character, count[1], _SIZE, rng)]
            if count[0] == "ttest":
                flat += [(character, picture) for picture in pictures]
            else:
                files |= {f"{count[0]}/{index + 1}/{i}.bmp": picture for i, picture in enumerate(pictures, 1)}
            done += count[1]
            on_progress(done, total)
    truth = io.StringIO()
    truth.write("file,label\n")
    for number, position in enumerate(np.random.default_rng(seed).permutation(len(flat)), 1):
        character, picture = flat[position]
        files[f"ttest/{number}.bmp"] = picture
        truth.write(f"{number}.bmp,{character}\n")
    files["ttest.csv"] = truth.getvalue().encode()
    files[CLASSES_FILE] = "".join(f"{i}\t{c}\n" for i, c in enumerate(CHARACTERS, 1)).encode()
    return files
