"""`charcnn data import idx|split`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import Force, Seed
from charcnn.text import pluralize

app = typer.Typer(help="Bring datasets in, and divide them.", no_args_is_help=True)
importers = typer.Typer(help="Turn other formats into class folders.", no_args_is_help=True)
app.add_typer(importers, name="import")


@importers.command("idx")
def import_idx(
    files: Annotated[list[Path], typer.Argument(help="idx files, plain or .gz: images and labels of each part.")],
    destination: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to.", show_default="mnist under the data root"),
    ] = None,
    packed: Annotated[
        bool, typer.Option("--packed", help="One array instead of a file per image: for 100,000 images and more.")
    ] = False,
    force: Force = False,
) -> None:
    """Turn MNIST's idx files, or others of the same form, into class folders of PNG files, or into one array."""
    from charcnn.datasets.formats.idx import import_idx as write_datasets
    from charcnn.datasets.locate import data_root

    target = destination or data_root() / "mnist"
    with output.progress("Writing") as update:
        written = write_datasets(files, target, packed=packed, force=force, on_progress=update)
    for path, count in written.items():
        output.say(f"Wrote {pluralize(count, 'image')} to {path}.")
    first = next(iter(written))
    output.next_step(
        f"charcnn train --data {shlex.quote(str(first))}"
        if first.name == "train" or packed
        else f"charcnn data split {shlex.quote(str(first))}"
    )


@app.command("split")
def split(
    source: Annotated[str, typer.Argument(metavar="DIR", help="A labelled dataset, or its name under the data root.")],
    destination: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write to.", show_default="beside DIR")
    ] = None,
    test: Annotated[float, typer.Option(min=0.01, max=0.99, help="Share of each class to put aside.")] = 0.2,
    by: Annotated[str, typer.Option(help="list: train.csv and test.csv; copy: folders train and test.")] = "list",
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Put a part of a dataset aside for testing: writes train.csv and test.csv beside it, or where -o says.

    The images stay where they are. Duplicates and augmented children stay on one side.
    """
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.datasets.scan import scan
    from charcnn.datasets.split_files import split_dataset
    from charcnn.errors import ConfigError
    from charcnn.storage.paths import sibling_path
    from charcnn.text import did_you_mean

    if by not in ("list", "copy"):
        raise ConfigError(f"Unknown --by: {by}", did_you_mean(by, ("list", "copy")))
    path = dataset_or_starter(source)
    written = split_dataset(
        scan(path),
        destination or sibling_path(path, "."),
        share=test,
        seed=seed,
        by="list" if by == "list" else "copy",
        force=force,
    )
    for side, count in written.items():
        output.say(f"Wrote {pluralize(count, 'image')} to {side}.")
    output.next_step(f"charcnn train --data {shlex.quote(str(next(iter(written))))}")
