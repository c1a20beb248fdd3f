"""Measure two things in turn (A B A B …), and compare them by the ratio of neighboring measurements."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
CHARCNN = [sys.executable, "-m", "charcnn"]


class Paired(NamedTuple):
    """Medians of A, of B and of their pairwise ratios, with the minimum and maximum ratio."""

    a: float
    b: float
    ratio: float
    least: float
    most: float

    def row(self, what: str, wanted: str, unit: str = "s") -> tuple[str, ...]:
        """Return the row of the table."""
        form = ",.0f" if unit == "/s" else ".2f"
        spread = f"{self.least:.2f} – {self.most:.2f}"
        return (what, f"{self.a:{form}} {unit}", f"{self.b:{form}} {unit}", f"{self.ratio:.2f}", wanted, spread)


def paired(a: Callable[[], float], b: Callable[[], float], runs: int, invert: bool = False) -> Paired:
    """Measure two things in turn, after one warm-up of each.

    Args:
        a: Measures A.
        b: Measures B.
        runs: Number of measurements of each.
        invert: Whether the ratio is B / A (the speedup, if they are times) instead of A / B.
    """
    found = [(a(), b()) for _ in range(runs + 1)][1:]
    ratios = [second / first if invert else first / second for first, second in found]
    return Paired(
        statistics.median(first for first, _ in found),
        statistics.median(second for _, second in found),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )


def seconds(command: Sequence[str], cwd: Path) -> float:
    """Run a command and return its wall time, in seconds.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - started


def output(command: Sequence[str], cwd: Path) -> str:
    """Run a command and return its stdout.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout
