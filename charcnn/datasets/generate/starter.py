"""The starter set: twelve characters in synthetic handwriting, for trying out every command.

ROOT/train/1 … 12      500 each        ROOT/ttest/1.bmp …   10 of each, shuffled
ROOT/test/1 … 12       100 each        ROOT/ttest.csv       their labels
ROOT/classes.txt       1 → 博 …         ROOT/synth.csv       manifest: file, sha256, writer
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from charcnn.datasets.generate.owned_folder import is_free_for_dataset, replace_owned_folder
from charcnn.datasets.generate.request import SynthRequest
from charcnn.datasets.generate.samples import write_companions, write_samples
from charcnn.datasets.provenance.synth_manifest import SynthEntry
from charcnn.handwriting.charsets import STARTER

STARTER_SIZE = 28
"""Default side of the images, in pixels."""
_FLAT_FOLDER, _FLAT_LABELS_FILE = "ttest", "ttest.csv"
_FLAT_PER_CLASS = 10
_CLASSES = {str(number): character for number, character in enumerate(STARTER, 1)}


def write_starter(root: Path, request: SynthRequest | None = None) -> Path:
    """Write the starter set. An earlier one is replaced if it was not modified.

    Args:
        root: The folder for `train`, `test`, `ttest`, `ttest.csv`, `classes.txt` and `synth.csv`.
        request: Parameters of the set. Its handwriting is `neat`, in `ballpoint` and `scan` (1 bit), unless the style
            says otherwise: as easy to read as the students' handwriting that the set is modeled on.

    Returns:
        The root.

    Raises:
        OverwriteError: the root contains files that were not written by this function, or were modified, or a dataset
            of other characters.
        OSError: a file cannot be written.
    """
    request = request or SynthRequest(size=STARTER_SIZE)
    asked = request.style
    style = replace(asked, style=asked.style or "neat", pen=asked.pen or "ballpoint", paper=asked.paper or "scan")
    request = replace(request, style=style)
    splits = {"train": request.per_class, "test": request.test_per_class, _FLAT_FOLDER: _FLAT_PER_CLASS}

    def fill(folder: Path) -> dict[str, SynthEntry]:
        entries = write_samples(folder, _CLASSES, splits, ".bmp", request)
        entries = _shuffle_flat(folder, entries, style.seed)
        return entries | write_companions(folder, _CLASSES, ".bmp", request, [_FLAT_LABELS_FILE])

    replace_owned_folder(root, _CLASSES, fill, request.force)
    return root


def is_free_for_starter(root: Path) -> bool:
    """Return whether the starter set may be written, because only unmodified files of an earlier one exist."""
    return is_free_for_dataset(root, _CLASSES)


def _shuffle_flat(root: Path, entries: dict[str, SynthEntry], seed: int) -> dict[str, SynthEntry]:
    """Flatten `ttest`, shuffle its images, and write their labels to `ttest.csv`."""
    names = [name for name in entries if name.startswith(f"{_FLAT_FOLDER}/")]
    kept = {name: entry for name, entry in entries.items() if not name.startswith(f"{_FLAT_FOLDER}/")}
    lines = ["file,label\n"]
    for number, position in enumerate(np.random.default_rng(seed).permutation(len(names)), 1):
        old = names[position]
        character = _CLASSES[old.split("/")[1]]
        (root / old).rename(root / _FLAT_FOLDER / f"{number}.bmp")
        kept[f"{_FLAT_FOLDER}/{number}.bmp"] = entries[old]
        lines.append(f"{number}.bmp,{character}\n")
    for folder in _CLASSES:
        (root / _FLAT_FOLDER / folder).rmdir()
    (root / _FLAT_LABELS_FILE).write_text("".join(lines), encoding="utf-8")
    return kept
