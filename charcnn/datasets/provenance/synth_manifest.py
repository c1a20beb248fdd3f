"""`synth.csv`: who wrote each image of a synthetic dataset, and what it hashes to."""

import csv
from pathlib import Path
from typing import NamedTuple

SYNTH_MANIFEST = "synth.csv"


class SynthEntry(NamedTuple):
    """What `synth.csv` says of a file. The writer is named by seed and number; empty where the file is not an image."""

    sha256: str
    writer: str = ""


def read_synth_entries(folder: Path) -> dict[str, SynthEntry]:
    """Return what a folder's `synth.csv` says, by file; nothing where there is none, or it is another kind of file."""
    path = folder / SYNTH_MANIFEST
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        lines = csv.reader(stream)
        if next(lines, [])[:2] != ["file", "sha256"]:
            return {}
        return {line[0]: SynthEntry(*line[1:3]) for line in lines if len(line) > 1}


def read_writers(folder: Path) -> dict[str, str]:
    """Return file → writer, of the images that `synth.csv` in a folder names."""
    return {file: written.writer for file, written in read_synth_entries(folder).items() if written.writer}
