"""`charcnn augment`."""

from pathlib import Path
from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import ForceOverChanges, Jobs, Seed
from charcnn.cli.suggestions import quote
from charcnn.text import pluralize


def augment(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Folder of images, or its name under the data root.")],
    destination: Annotated[str, typer.Argument(metavar="DST", help="New folder.")],
    min_angle: Annotated[int, typer.Option(help="Smallest rotation, in whole degrees, counter-clockwise.")] = 0,
    max_angle: Annotated[int, typer.Option(help="Upper limit of the rotation, itself excluded.")] = 10,
    shear: Annotated[float, typer.Option(help="Largest shear either way, in degrees.")] = 0,
    scale: Annotated[float, typer.Option(help="Largest change of size either way: 0.1 is 90 to 110 %.")] = 0,
    shift: Annotated[float, typer.Option(help="Largest shift either way, as a share of the side.")] = 0,
    noise: Annotated[float, typer.Option(help="Standard deviation of the noise, in gray levels.")] = 0,
    copies: Annotated[int, typer.Option(min=1, help="Copies per image, numbered in the file names.")] = 1,
    seed: Seed = 0,
    jobs: Jobs = None,
    force: ForceOverChanges = False,
    flip: Annotated[bool, typer.Option("--flip", "--hflip", "--vflip", "--fliplr", "--flipud", hidden=True)] = False,
) -> None:
    """Write rotated copies of images to a new folder.

    Rotates each image about its center by a random whole angle from --min-angle up to, but not including, --max-angle.
    Corners that come into view are filled with the gray level of the image's own paper. File names and subfolders stay
    the same. augment.csv lists the original and the parameters of each copy, so that train keeps both on the same side
    of its split. Running the command again replaces its earlier output, unless a file in it was modified.

    Prints the new folder.
    """
    from charcnn.datasets.generate.augment import augment as write_copies
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.datasets.generate.rotation import AugmentRanges
    from charcnn.datasets.locate import destination_path
    from charcnn.errors import ConfigError
    from charcnn.machine import usable_cores

    if flip:
        raise ConfigError(
            "Characters are not flipped: a mirrored b is a d, and a mirrored 由 is not a character.",
            "Leave this flag out.",
        )
    target = destination_path(destination, source)
    with output.progress("Rotating") as update:
        result = write_copies(
            dataset_or_starter(source),
            target,
            AugmentRanges(min_angle, max_angle, shear, scale, shift, noise),
            copies=copies,
            seed=seed,
            jobs=jobs or usable_cores(),
            force=force,
            on_progress=update,
        )
    for reason in list(result.failures.values())[:5]:
        output.warn(reason)
    if result.failures:
        output.warn(f"Left out {pluralize(len(result.failures), 'image')} that could not be read.")
    output.say(f"Wrote {pluralize(result.copies, 'image')} and augment.csv to {result.folder}.")
    output.put(str(result.folder))
    is_labeled = any(path.is_dir() for path in result.folder.iterdir())
    output.next_step(f"charcnn train --data {quote(str(target))}" if is_labeled else _reading_step(target))


def _reading_step(folder: Path) -> str:
    """Return the command that reads a flat folder; the one that trains a model if there is none yet."""
    from charcnn.registry.reader import RegistryReader

    return f"charcnn predict {quote(str(folder))}" if RegistryReader().names() else "charcnn train"
