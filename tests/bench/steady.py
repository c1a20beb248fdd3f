"""Training beside other work, as a share of its speed alone: a busy loop, two, a second training, a prediction."""

import csv
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.bench.paired import CHARCNN
from tests.bench.world import World

EPOCHS = "14"
ROUNDS = 3
LOOP = [sys.executable, "-c", "while True: pass"]
THREADED = [sys.executable, "-c", "import torch\na = torch.rand(700, 700)\nwhile True: a @ a"]

_numbers = count()


def rows(world: World) -> list[tuple[str, ...]]:
    """Each kind of other work in turn with no other work."""
    predict = (
        f"while true; do {' '.join(CHARCNN)} predict {world.copies('ten', 10_000)} --model {world.cnn} --csv; done"
    )
    return [
        _beside(world, "one busy loop", [LOOP], "≥ 0.40"),
        _beside(world, "two busy loops", [LOOP, LOOP], ""),
        _beside(world, "matrix products in all threads", [THREADED], ""),
        _beside(world, "predict of 10,000 images, again and again", [["sh", "-c", predict]], ""),
        _second_training(world),
    ]


def _beside(world: World, what: str, commands: list[list[str]], wanted: str) -> tuple[str, ...]:
    alone, slowed = [], []
    for _ in range(ROUNDS):
        alone += _speeds(world, 1)
        with _running(commands):
            slowed += _speeds(world, 1)
    return _row(f"training beside {what}", slowed, alone, wanted)


def _second_training(world: World) -> tuple[str, ...]:
    alone, slowed = [], []
    for _ in range(ROUNDS):
        alone += _speeds(world, 1)
        slowed += _speeds(world, 2)
    return _row("each of two trainings at once", slowed, alone, "≥ 0.35")


def _row(what: str, slowed: list[list[float]], alone: list[list[float]], wanted: str) -> tuple[str, ...]:
    """Medians over the epochs; the spread is of single epochs, the slowest and the fastest."""
    base = statistics.median(statistics.median(speeds) for speeds in alone)
    medians = [statistics.median(speeds) / base for speeds in slowed]
    epochs = [speed / base for speeds in slowed for speed in speeds]
    return (
        what,
        f"{statistics.median(medians) * base:,.0f} /s",
        f"{base:,.0f} /s",
        f"{min(medians):.2f}",
        wanted,
        f"{min(epochs):.2f} – {max(epochs):.2f}",
    )


def _speeds(world: World, trainings: int) -> list[list[float]]:
    """Train several models at once, and return the images per second of each epoch of each."""
    names = [f"steady{next(_numbers)}" for _ in range(trainings)]
    command = [*CHARCNN, "train", "--data", str(world.train), "--epochs", EPOCHS]
    running = [
        subprocess.Popen(
            [*command, "--name", name], cwd=world.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for name in names
    ]
    if any(process.wait() for process in running):
        raise RuntimeError("a training failed")
    return [_history(world.root / "registry" / name / "1" / "history.csv") for name in names]


def _history(path: Path) -> list[float]:
    with path.open(newline="", encoding="utf-8") as stream:
        return [float(row["images_per_second"]) for row in csv.DictReader(stream)]


@contextmanager
def _running(commands: list[list[str]]) -> Iterator[None]:
    """Run other programs during a block."""
    silent = subprocess.DEVNULL
    others = [subprocess.Popen(line, start_new_session=True, stdout=silent, stderr=silent) for line in commands]
    try:
        yield
    finally:
        for other in others:
            os.killpg(other.pid, signal.SIGKILL)
            other.wait()
