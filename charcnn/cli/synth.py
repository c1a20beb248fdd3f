"""`charcnn synth`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import Force, Seed


def synth(
    destination: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to.", show_default="$CHARCNN_DATA, else data"),
    ] = None,
    per_class: Annotated[int, typer.Option(min=2, help="Training images of each character.")] = 500,
    test_per_class: Annotated[int, typer.Option(min=1, help="Test images of each character.")] = 100,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write the starter set: twelve characters, drawn and warped, to try everything with.

    Folders train and test with a folder per character, and a flat, shuffled ttest with its truth in ttest.csv.
    It is drawn from a font: accuracy on it says nothing about handwriting.
    """
    from charcnn.datasets.locate import data_root
    from charcnn.datasets.starter import synth as write_starter

    with output.progress("Drawing") as update:
        root = write_starter(
            destination or data_root(),
            per_class=per_class,
            test_per_class=test_per_class,
            seed=seed,
            force=force,
            on_progress=update,
        )
    output.say(f"Wrote {root / 'train'}, {root / 'test'}, {root / 'ttest'} and {root / 'ttest.csv'}.")
    output.next_step(
        "charcnn train" if destination is None else f"charcnn train --data {shlex.quote(str(root / 'train'))}"
    )
