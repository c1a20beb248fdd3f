"""Two commands timed in turn, A B A B …, as whole processes: what counts is the ratio within one run."""

import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Paired(NamedTuple):
    """Seconds of two commands, medians, and the ratio A / B pair by pair: median, smallest, largest."""

    a: float
    b: float
    ratio: float
    least: float
    most: float


def paired(a: Sequence[str], b: Sequence[str], cwd: Path, runs: int = 9) -> Paired:
    """Times two commands in turn after one warm-up of each.

    Raises:
        subprocess.CalledProcessError: one of them failed.
    """
    times = [(seconds(a, cwd), seconds(b, cwd)) for _ in range(runs + 1)][1:]
    ratios = [first / second for first, second in times]
    return Paired(
        statistics.median(first for first, _ in times),
        statistics.median(second for _, second in times),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )


def seconds(command: Sequence[str], cwd: Path) -> float:
    """Runs a command and gives its wall time."""
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - started
