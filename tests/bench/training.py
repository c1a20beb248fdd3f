"""Compare training with a tutorial loop: time to an accuracy, and images per second of the same network."""

import csv
import json
import os
import sys
from pathlib import Path

from tests.bench.paired import CHARCNN, HERE, output, paired, seconds
from tests.bench.world import World

GOOD = 0.982
"""Target accuracy on the test set."""
EPOCHS = "2"
"""Epochs in which the default network reaches `GOOD`."""


def rows(world: World) -> list[tuple[str, ...]]:
    """Return rows for time to 98.2 %, speed at batch sizes 64 and 1, and two processes with torchrun."""
    return [
        _time_to_accuracy(world),
        _speed(world, 64, "fp32", "≥ 1.8"),
        _speed(world, 64, "auto", "≥ 2.5"),
        _speed(world, 1, "fp32", "≥ 2"),
        _two_processes(world),
    ]


def _tutorial(world: World, *flags: str) -> list[dict[str, float]]:
    script = [sys.executable, str(HERE / "tutorial.py"), str(world.train), str(world.test), *flags]
    return [json.loads(line) for line in output(script, world.root).splitlines()]


def _time_to_accuracy(world: World) -> tuple[str, ...]:
    """Compare the whole process with cold caches, without the time to import torch, with the tutorial's loop only."""

    def ours() -> float:
        cache = os.environ["CHARCNN_CACHE"]
        os.environ["CHARCNN_CACHE"] = f"{cache}-cold-{os.urandom(4).hex()}"
        imports = seconds([sys.executable, "-c", "import torch"], world.root)
        whole = seconds([*CHARCNN, "train", "--data", str(world.train), "--epochs", EPOCHS, "--name", "t"], world.root)
        os.environ["CHARCNN_CACHE"] = cache
        version = max((world.root / "registry" / "t").glob("[0-9]*"), key=lambda path: int(path.name))
        reached = world.accuracy(version, world.test)
        if reached < GOOD:
            sys.stderr.write(f"charcnn train --epochs {EPOCHS} reached only {reached:.2%}\n")
        return whole - imports

    def theirs() -> float:
        return _tutorial(world, "--epochs", "30", "--until", str(GOOD))[-1]["seconds"]

    return paired(ours, theirs, runs=3, invert=True).row(f"train until {GOOD:.1%}: tutorial loop / charcnn", "≥ 8")


def _images_per_second(version: Path) -> float:
    """Return the speed of the last epoch, because the first one is a warm-up."""
    with (version / "history.csv").open(newline="") as stream:
        return float(list(csv.DictReader(stream))[-1]["images_per_second"])


def _speed(world: World, batch: int, precision: str, wanted: str) -> tuple[str, ...]:
    """Compare the speed of `cnn`. At batch size 1, the tutorial loop stops after 1,500 steps."""
    size = ["--batch-size", str(batch)]
    lab = ["--recipe", "lab", "--precision", precision, "--epochs", "2", "--name", "s", *size]
    steps = ["--steps", "1500"] if batch == 1 else []
    figures = paired(
        lambda: _images_per_second(world.trained(*lab)),
        lambda: _tutorial(world, "--epochs", "2", *size, *steps)[-1]["images_per_second"],
        runs=3 if batch > 1 else 1,
    )
    return figures.row(f"cnn, batch size {batch}, {precision}: charcnn / tutorial loop", wanted, "/s")


def _two_processes(world: World) -> tuple[str, ...]:
    train = [
        "train",
        "--data",
        str(world.train),
        "--epochs",
        "12",
    ]  # after two epochs, accuracies would differ by chance
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "charcnn"]
    reached: dict[str, float] = {}

    def speed(command: list[str], name: str) -> float:
        reference = output([*command, *train, "--name", name], world.root).strip()
        version = world.root / "registry" / reference.replace("@", "/")
        reached[name] = world.accuracy(version, world.test)
        return _images_per_second(version)

    figures = paired(lambda: speed(torchrun, "two"), lambda: speed(CHARCNN, "one"), runs=2)
    return figures.row(
        f"two processes / one (they read {reached['two']:.2%} and {reached['one']:.2%})", "± 0.3 %", "/s"
    )
