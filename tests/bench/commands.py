"""Compare whole commands with plain scripts for the same task."""

import os
import sys
from itertools import count

from tests.bench.paired import CHARCNN, HERE, paired, seconds
from tests.bench.world import World

FOLDER, CHILDREN = 10_000, 75_000


def rows(world: World) -> list[tuple[str, ...]]:
    """Return rows for startup, one image, a folder and augmentation."""
    reader = [sys.executable, str(HERE / "torch_predict.py"), str(world.cnn / "model.safetensors"), world.labels]
    image, many = next(world.images.iterdir()), world.copies("many", FOLDER)
    return [
        paired(
            lambda: seconds([*CHARCNN, "--help"], world.root),
            lambda: seconds([sys.executable, str(HERE / "bare_app.py"), "--help"], world.root),
            runs=9,
        ).row("charcnn --help / bare Typer and Rich app", "≤ 1.5"),
        paired(
            lambda: seconds([*CHARCNN, "predict", str(image), "--model", str(world.cnn)], world.root),
            lambda: seconds([*reader, str(image)], world.root),
            runs=9,
            invert=True,
        ).row("predict one image: torch script / charcnn", "≥ 5"),
        paired(
            lambda: seconds([*CHARCNN, "predict", str(many), "--csv", "--model", str(world.cnn)], world.root),
            lambda: seconds([*reader, str(many)], world.root),
            runs=3,
            invert=True,
        ).row(f"predict {FOLDER:,} images: one-by-one loop / charcnn", "≥ 8"),
        _augment(world),
    ]


def _augment(world: World) -> tuple[str, ...]:
    """Compare augmentation. Each run writes to a new folder, after the disk is synced."""
    folders = [world.copies(f"source/{number}", CHILDREN // 12) for number in range(1, 13)]
    source, number = folders[0].parent, count()

    def measured(command: list[str]) -> float:
        os.sync()
        return seconds([*command, str(source), str(world.root / f"turned{next(number)}")], world.root)

    lab = [sys.executable, str(HERE / "lab_augment.py")]
    return paired(lambda: measured([*CHARCNN, "augment"]), lambda: measured(lab), runs=3, invert=True).row(
        f"augment {CHILDREN:,} images: the course's loop / charcnn", "≥ 1.6"
    )
