"""`charcnn augment`."""

import shlex
from typing import Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import ForceOverChanges, Seed
from charcnn.text import pluralize


def augment(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A folder of images, or a name under the data root.")],
    destination: Annotated[str, typer.Argument(metavar="DST", help="The new folder.")],
    min_angle: Annotated[int, typer.Option(help="Smallest rotation, whole degrees, counter-clockwise.")] = 0,
    max_angle: Annotated[int, typer.Option(help="Rotations stay below this.")] = 10,
    shear: Annotated[float, typer.Option(help="Largest slant either way, degrees.")] = 0,
    scale: Annotated[float, typer.Option(help="Largest change of size either way: 0.1 is 90 … 110 %.")] = 0,
    shift: Annotated[float, typer.Option(help="Largest shift either way, share of the side.")] = 0,
    noise: Annotated[float, typer.Option(help="Noise: standard deviation in grey levels.")] = 0,
    copies: Annotated[int, typer.Option(min=1, help="Children per image; names say which.")] = 1,
    seed: Seed = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes.", show_default="the cores")
    ] = None,
    force: ForceOverChanges = False,
    flip: Annotated[bool, typer.Option("--flip", "--hflip", "--vflip", "--fliplr", "--flipud", hidden=True)] = False,
) -> None:
    """Rotate images into a new folder, with a manifest of what was done to each.

    Each image is turned about its centre by a whole angle drawn from --min-angle up to --max-angle; corners that come
    into view get the colour of the image's own paper. File names and sub-folders stay. augment.csv names for each child
    its parent and all that was drawn, so that train keeps both on one side of its split. Its own folder is made anew,
    but not where a file in it was changed.
    """
    from charcnn.datasets.generate.augment import Ranges
    from charcnn.datasets.generate.augment import augment as write_augmented
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.datasets.locate import destination_path
    from charcnn.errors import ConfigError
    from charcnn.machine import usable_cores

    if flip:
        raise ConfigError(
            "Characters are not flipped: a mirrored b is a d, and a mirrored 由 is no 由.",
            "Leave the flip out.",
        )
    target = destination_path(destination, source)
    with output.progress("Turning") as update:
        made = write_augmented(
            dataset_or_starter(source),
            target,
            Ranges(min_angle, max_angle, shear, scale, shift, noise),
            copies=copies,
            seed=seed,
            jobs=jobs or usable_cores(),
            force=force,
            on_progress=update,
        )
    for reason in list(made.failures.values())[:5]:
        output.warn(reason)
    if made.failures:
        output.warn(f"Left out {pluralize(len(made.failures), 'image')} that could not be read.")
    output.say(f"Wrote {pluralize(made.children, 'image')} and augment.csv to {made.folder}.")
    command = "train --data" if any(path.is_dir() for path in made.folder.iterdir()) else "predict"
    output.next_step(f"charcnn {command} {shlex.quote(str(target))}")
