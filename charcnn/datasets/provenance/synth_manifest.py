"""`synth.csv`: the sha256 of each file of a synthetic dataset, and the writer of each image."""

import csv
from pathlib import Path
from typing import NamedTuple

SYNTH_MANIFEST = "synth.csv"


class SynthEntry(NamedTuple):
    """A row of `synth.csv`. The writer is named by seed and number; empty if the file is not an image."""

    sha256: str
    writer: str = ""


def read_synth_entries(folder: Path) -> dict[str, SynthEntry]:
    """Return the entries of a folder's `synth.csv` by file; empty if there is none, or if it is a different file."""
    return dict(read_synth_rows(folder))


def read_synth_rows(folder: Path) -> list[tuple[str, SynthEntry]]:
    """Return the rows of a folder's `synth.csv`. While a dataset is replaced, a file has an old and a new row."""
    path = folder / SYNTH_MANIFEST
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        lines = csv.reader(stream)
        if next(lines, [])[:2] != ["file", "sha256"]:
            return []
        return [(line[0], SynthEntry(*line[1:3])) for line in lines if len(line) > 1]


def read_writers(folder: Path) -> dict[str, str]:
    """Return file → writer, for the images listed in a folder's `synth.csv`."""
    return {file: entry.writer for file, entry in read_synth_entries(folder).items() if entry.writer}
