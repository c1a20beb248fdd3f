"""`charcnn data import idx|split`."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from charcnn.cli import output
from charcnn.cli.options import Force, Seed, choices_metavar
from charcnn.cli.suggestions import quote
from charcnn.specs.choices import SplitForm
from charcnn.text import pluralize

app = typer.Typer(help="Import and split datasets.", no_args_is_help=True)
importers = typer.Typer(help="Convert other formats to class folders.", no_args_is_help=True)
app.add_typer(importers, name="import")


@importers.command("idx")
def import_idx(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="idx files, plain or .gz: images and labels of each split.")
    ],
    destination: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to.", show_default="mnist under the data root"),
    ] = None,
    packed: Annotated[
        bool, typer.Option("--packed", help="Write one array instead of a file per image: for 100,000 images or more.")
    ] = False,
    force: Force = False,
) -> None:
    """Convert idx files, the format of MNIST, to class folders of PNG files or to one array.

    Prints the folders written, one per line.
    """
    from charcnn.datasets.formats.idx import import_idx as write_datasets
    from charcnn.datasets.locate import data_root

    target = destination or data_root() / "mnist"
    with output.progress("Writing") as update:
        written = write_datasets(files, target, packed=packed, force=force, on_progress=update)
    _report(written)
    first = next(iter(written))
    output.next_step(
        f"charcnn train --data {quote(str(first))}"
        if first.name == "train" or packed
        else f"charcnn data split {quote(str(first))}"
    )


_TEST_SPLIT = 0.2


@app.command("split")
def split(
    source: Annotated[str, typer.Argument(metavar="DIR", help="Labeled dataset, or its name under the data root.")],
    destination: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write to.", show_default="next to DIR")
    ] = None,
    test_split: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=0.99, help="Share of each class that goes to the test set.", show_default=str(_TEST_SPLIT)
        ),
    ] = None,
    old_test_split: Annotated[float | None, typer.Option("--test", min=0.01, max=0.99, hidden=True)] = None,
    by: Annotated[
        SplitForm,
        typer.Option(
            case_sensitive=False,
            metavar=choices_metavar(get_args(SplitForm)),
            help="list: train.csv and test.csv; copy: folders train and test.",
        ),
    ] = "list",
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Split off a test set: write train.csv and test.csv next to the dataset, or to --out.

    With --by list the images stay where they are. Duplicates of an image and its augmented copies stay on one side.

    Prints the files or folders written, one per line.
    """
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.datasets.scan import scan
    from charcnn.datasets.split_files import split_dataset
    from charcnn.errors import ConfigError
    from charcnn.storage.paths import sibling_path

    if test_split is not None and old_test_split is not None:
        raise ConfigError("--test-split and --test are one setting.", "Leave one of them out.")
    share = test_split or old_test_split or _TEST_SPLIT
    path = dataset_or_starter(source)
    written = split_dataset(
        scan(path),
        destination or sibling_path(path, "."),
        test_split=share,
        seed=seed,
        by=by,
        force=force,
    )
    _report(written)
    output.next_step(f"charcnn train --data {quote(str(next(iter(written))))}")


def _report(written: dict[Path, int]) -> None:
    """Say how many images each dataset has; print the paths of the datasets."""
    for path, count in written.items():
        output.say(f"Wrote {pluralize(count, 'image')} to {path}.")
    for path in written:
        output.put(str(path))
