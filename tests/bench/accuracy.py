"""Accuracy of the default command on fudan12 (five splits), casia20 and MNIST."""

import time

import numpy as np

from tests.bench.paired import CHARCNN, output, seconds
from tests.bench.world import SHARED, World

SPLITS = 5


def rows(world: World) -> list[tuple[str, ...]]:
    """Return a row per dataset, or no rows if the real images are missing."""
    if not SHARED.is_dir():
        return []
    found: list[tuple[str, ...]] = []
    fifths = []
    started = time.perf_counter()
    for seed in range(SPLITS):
        train, test = world.split(seed)
        fifths.append(_accuracy(world, ["--data", str(train)], str(test)))
    each = (time.perf_counter() - started) / SPLITS
    spread = f"{min(fifths):.2%} – {max(fifths):.2%}"
    found.append(
        (f"fudan12, mean of {SPLITS} splits", f"{each:.0f} s", "", f"{np.mean(fifths):.2%}", "≥ 99.3 %", spread)
    )
    casia, digits = SHARED / "casia20", world.root / "mnist"
    files = map(str, sorted((SHARED / "mnist").glob("*.gz")))
    seconds([*CHARCNN, "data", "import", "idx", *files, "-o", str(digits)], world.root)
    for name, folder, wanted in (("casia20", casia, "≥ 97 %"), ("MNIST", digits, "≥ 99.6 %")):
        started = time.perf_counter()
        reached = _accuracy(world, ["--data", str(folder / "train")], str(folder / "test"))
        found.append((name, f"{time.perf_counter() - started:.0f} s", "", f"{reached:.2%}", wanted, ""))
    return found


def _accuracy(world: World, flags: list[str], test: str) -> float:
    reference = output([*CHARCNN, "train", *flags, "--name", "a"], world.root).strip()
    return world.accuracy(world.root / "registry" / reference.replace("@", "/"), world.root / test)
