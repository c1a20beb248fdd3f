"""Two things measured in turn, A B A B …: what counts is the ratio within one run."""

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
    """Medians of A and B, and of the ratio pair by pair, with its smallest and largest."""

    a: float
    b: float
    ratio: float
    least: float
    most: float

    def row(self, what: str, wanted: str, unit: str = "s") -> tuple[str, ...]:
        """A line of the table."""
        form = ",.0f" if unit == "/s" else ".2f"
        spread = f"{self.least:.2f} – {self.most:.2f}"
        return (what, f"{self.a:{form}} {unit}", f"{self.b:{form}} {unit}", f"{self.ratio:.2f}", wanted, spread)


def paired(a: Callable[[], float], b: Callable[[], float], runs: int, invert: bool = False) -> Paired:
    """Measures two things in turn after one warm-up of each.

    Args:
        a: Measures the one.
        b: Measures the other.
        runs: How often.
        invert: The ratio is B / A (how many times as fast, where they are seconds), else A / B.
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
    """Runs a command and gives its wall time.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - started


def output(command: Sequence[str], cwd: Path) -> str:
    """Runs a command and gives what it writes to stdout.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout
