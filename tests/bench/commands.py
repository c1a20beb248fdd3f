"""Whole commands beside plain scripts that do the same."""

import shutil
import sys

from tests.bench.paired import CHARCNN, HERE, paired, seconds
from tests.bench.world import World

FOLDER, CHILDREN = 10_000, 75_000


def rows(world: World) -> list[tuple[str, ...]]:
    """Start-up, one image, a folder, augmentation."""
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
    source = world.copies("source/1", CHILDREN).parent
    ours, theirs = world.root / "ours", world.root / "theirs"

    def augment() -> float:
        shutil.rmtree(ours, ignore_errors=True)
        return seconds([*CHARCNN, "augment", str(source), str(ours)], world.root)

    def loop() -> float:
        shutil.rmtree(theirs, ignore_errors=True)
        return seconds([sys.executable, str(HERE / "lab_augment.py"), str(source), str(theirs)], world.root)

    return paired(augment, loop, runs=3, invert=True).row(
        f"augment {CHILDREN:,} images: the lab's loop / charcnn", "≥ 1.6"
    )
