"""The starter set: the lab's twelve characters in synthetic handwriting, to try every command with.

ROOT/train/1 … 12      500 each        ROOT/ttest/1.bmp …   10 of each, shuffled
ROOT/test/1 … 12       100 each        ROOT/ttest.csv       their truth
ROOT/classes.txt       1 → 博 …         ROOT/synth.csv       what was made, with sha256 and writer
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from charcnn.datasets.generate.owned_folder import replace_owned_folder
from charcnn.datasets.generate.samples import PREVIEW, Progress, check_numbers, entry_of, write_preview, write_samples
from charcnn.datasets.labels import CLASSES_FILE, write_classes
from charcnn.datasets.provenance.synth_manifest import SynthEntry
from charcnn.handwriting.charsets import STARTER
from charcnn.handwriting.hand import WritingStyle

SIZE = 28
_FLAT, _TRUTH = "ttest", "ttest.csv"
_FLAT_PER_CLASS = 10
_CLASSES = {str(number): character for number, character in enumerate(STARTER, 1)}


def synth(
    root: Path | str,
    *,
    per_class: int = 500,
    test_per_class: int = 100,
    size: int = SIZE,
    hand: WritingStyle | None = None,
    seed: int = 0,
    jobs: int = 1,
    preview: bool = False,
    force: bool = False,
    on_progress: Progress = lambda _done, _total: None,
) -> Path:
    """Writes the starter set. One that was made before and not touched since is made anew.

    Args:
        root: The folder that gets `train`, `test`, `ttest`, `ttest.csv` and `classes.txt`.
        per_class: Training images of each character.
        test_per_class: Test images of each character.
        size: Side of the images, in pixels.
        hand: How it is to be written; where not given, as a form that was scanned in 1 bit.
        seed: Drives everything that is drawn, where no hand is given.
        jobs: Processes. The files do not depend on it.
        preview: Make a contact sheet, `preview.png`, too.
        force: Write although other files are there; files of other names stay.
        on_progress: Called with images drawn and images in all.

    Returns:
        The root.

    Raises:
        ConfigError: a number that makes no sense.
        OverwriteError: there are files in the way that charcnn did not write, or that were changed.
        OSError: a file cannot be written.
    """
    root, hand = Path(root), hand or WritingStyle(seed=seed)
    hand = hand if hand.paper else replace(hand, paper="scan")  # as the lab's images are
    check_numbers(per_class, test_per_class, size)
    parts = {"train": per_class, "test": test_per_class, _FLAT: _FLAT_PER_CLASS}

    def fill(folder: Path) -> dict[str, SynthEntry]:
        entries = write_samples(folder, _CLASSES, parts, size, ".bmp", hand, jobs, on_progress)
        entries = _shuffled(folder, entries, hand.seed)
        write_classes(folder / CLASSES_FILE, _CLASSES)
        if preview:
            write_preview(folder, _CLASSES, ".bmp")
        files = (_TRUTH, CLASSES_FILE, *[PREVIEW] * preview)
        return entries | {name: entry_of(folder / name) for name in files}

    replace_owned_folder(root, fill, force)
    return root


def _shuffled(root: Path, entries: dict[str, SynthEntry], seed: int) -> dict[str, SynthEntry]:
    """Makes `ttest` a flat folder, its images in any order, and writes down what they show."""
    names = [name for name in entries if name.startswith(f"{_FLAT}/")]
    kept = {name: entry for name, entry in entries.items() if not name.startswith(f"{_FLAT}/")}
    truth = ["file,label\n"]
    for number, position in enumerate(np.random.default_rng(seed).permutation(len(names)), 1):
        old = names[position]
        character = _CLASSES[old.split("/")[1]]
        (root / old).rename(root / _FLAT / f"{number}.bmp")
        kept[f"{_FLAT}/{number}.bmp"] = entries[old]
        truth.append(f"{number}.bmp,{character}\n")
    for folder in _CLASSES:
        (root / _FLAT / folder).rmdir()
    (root / _TRUTH).write_text("".join(truth), encoding="utf-8")
    return kept
