"""Accuracy after training on synthetic handwriting, with and without a few real images, and its generation speed."""

import csv
import random
import time
from pathlib import Path

import numpy as np

from charcnn.handwriting.charsets import get_charset
from charcnn.handwriting.outline import find_outlines
from tests.bench.paired import CHARCNN, output, seconds
from tests.bench.world import SHARED, World

SEEDS = 3
FEW = (1, 5, 20, 100)
TWELVE = "博学笃志切问近思自由无用"


def rows(world: World) -> list[tuple[str, ...]]:
    """Return rows for speed and, if the real images exist, for accuracy."""
    started = time.perf_counter()
    folder = world.root / "drawn"
    seconds([*CHARCNN, "synth", TWELVE, "--size", "28", "--test-per-class", "1", "-o", str(folder)], world.root)
    taken = time.perf_counter() - started
    found = [("6,012 samples, the whole command", f"{taken:.1f} s", "", f"{6012 / taken:,.0f} / s", "≥ 2,000 / s", "")]
    started = time.perf_counter()
    for character in get_charset("gb2312-1"):
        find_outlines(character)
    taken = time.perf_counter() - started
    found.append(("strokes of 3,755 characters, one core", f"{taken:.0f} s", "", "", "≤ 180 s", ""))
    return found + (_reading(world) if SHARED.is_dir() else [])


def _reading(world: World) -> list[tuple[str, ...]]:
    digits, casia, lab = world.root / "mnist", SHARED / "casia20" / "test", SHARED / "fudan12" / "train"
    files = map(str, sorted((SHARED / "mnist").glob("t10k*.gz")))
    seconds([*CHARCNN, "data", "import", "idx", *files, "-o", str(digits)], world.root)
    look_alikes = "".join(sorted(path.name for path in casia.iterdir()))
    found: list[tuple[str, ...]] = []
    for name, characters, test, wanted in (
        ("fudan12", TWELVE, lab, "≥ 98.0 %"),
        ("casia20", look_alikes, casia, "≥ 85 %"),
        ("MNIST", get_charset("digits"), digits / "test", "≥ 93 %"),
    ):
        read = [_trained(world, [str(_drawn(world, characters, seed) / "train")], test) for seed in range(SEEDS)]
        found.append((f"synthetic only → {name}", "", "", *_told(read, wanted)))
    for few in (*FEW, 0):
        both, alone = [], []
        for seed in range(SEEDS):
            train, rest = _few(world, lab, few, seed) if few else world.split(seed)
            both.append(_trained(world, [str(_drawn(world, TWELVE, seed) / "train"), str(train)], rest))
            alone.append(
                _trained(world, [str(train)], rest) if few != 1 else 0.0
            )  # one image per class cannot be split
        wanted = "≥ 98.9 %" if few == 5 else ""
        name = f"{few} real a class" if few else "all real but the fifth that is read"
        found.append((f"synthetic + {name}", "", f"{np.mean(alone):.2%}", *_told(both, wanted)))
    return found


def _told(read: list[float], wanted: str) -> tuple[str, str, str]:
    return f"{np.mean(read):.2%}", wanted, f"{min(read):.2%} – {max(read):.2%}"


def _drawn(world: World, characters: str, seed: int) -> Path:
    folder = world.root / f"synth-{len(characters)}-{seed}"
    if not folder.exists():
        seconds([*CHARCNN, "synth", characters, "-o", str(folder), "--seed", str(seed)], world.root)
    return folder


def _few(world: World, real: Path, count: int, seed: int) -> tuple[Path, Path]:
    """Write CSV files that list `count` real images of each class, and all others."""
    draw = random.Random(seed)
    lists: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    labels = dict(line.split("\t") for line in (real.parent / "classes.txt").read_text("utf-8").splitlines() if line)
    for folder in sorted(path for path in real.iterdir() if path.is_dir()):
        files = sorted(folder.iterdir())
        draw.shuffle(files)
        for number, file in enumerate(files):
            lists[number >= count].append((str(file), labels[folder.name]))
    paths = world.root / f"few-{count}-{seed}.csv", world.root / f"rest-{count}-{seed}.csv"
    for path, lines in zip(paths, lists, strict=True):
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("file", "label"), *lines])
    return paths


def _trained(world: World, data: list[str], test: Path) -> float:
    flags = [word for source in data for word in ("--data", source)]
    reference = output([*CHARCNN, "train", *flags, "--name", "s"], world.root).strip()
    return world.accuracy(world.root / "registry" / reference.replace("@", "/"), test)
