"""`charcnn augment`."""

import shlex
from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import ForceOverChanges, Jobs, Seed
from charcnn.text import pluralize


def augment(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A folder of images, or a name under the data root.")],
    destination: Annotated[str, typer.Argument(metavar="DST", help="The new folder.")],
    min_angle: Annotated[int, typer.Option(help="Smallest rotation, whole degrees, counter-clockwise.")] = 0,
    max_angle: Annotated[int, typer.Option(help="Rotations stay below this.")] = 10,
    shear: Annotated[float, typer.Option(help="Largest slant either way, degrees.")] = 0,
    scale: Annotated[float, typer.Option(help="Largest change of size either way: 0.1 is 90 … 110 %.")] = 0,
    shift: Annotated[float, typer.Option(help="Largest shift either way, share of the side.")] = 0,
    noise: Annotated[float, typer.Option(help="Noise: standard deviation in gray levels.")] = 0,
    copies: Annotated[int, typer.Option(min=1, help="Copies per image (numbered in the file name).")] = 1,
    seed: Seed = 0,
    jobs: Jobs = None,
    force: ForceOverChanges = False,
    flip: Annotated[bool, typer.Option("--flip", "--hflip", "--vflip", "--fliplr", "--flipud", hidden=True)] = False,
) -> None:
    """Rotate images into a new folder, with a manifest of what was done to each.

    Each image is turned about its center by a whole angle drawn from --min-angle up to --max-angle; corners that come
    into view get the level of the image's own paper. File names and sub-folders stay. augment.csv names for each copy
    its original and all that was drawn, so that train keeps both on one side of its split. Re-running replaces earlier
    output unless a file in it was modified. stdout: the new folder.
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
            "Leave the flip out.",
        )
    target = destination_path(destination, source)
    with output.progress("Turning") as update:
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
    command = "train --data" if any(path.is_dir() for path in result.folder.iterdir()) else "predict"
    output.next_step(f"charcnn {command} {shlex.quote(str(target))}")
