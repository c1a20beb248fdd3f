"""Train with fewer threads while other programs keep cores busy.

The threads of an operation get equal parts of it, and wait for the slowest. If one of them shares its core with another
program, all run at its speed and wait for each other thousands of times per second. On two cores, while one other
program is busy, two threads reach a third of their speed, and one thread almost two thirds
(docs/decisions/0004-threads.md).
"""

import logging
import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil
import torch

from charcnn.machine import usable_cpus
from charcnn.training.callbacks import Batch, Callback

if TYPE_CHECKING:
    from torch import nn

    from charcnn.specs.resolved_config import ResolvedConfig

log = logging.getLogger(__name__)

_INTERVAL_S = 1.0
"""Length of a measurement. The system counts CPU time in steps of 0.01 s."""
_BUSY_CORES, _FREE_CORES = 0.6, 0.4
"""From how many cores of other work on a thread fewer is used, and below how many one more."""


def other_cpu_seconds() -> float:
    """Return the CPU time, in seconds since some start, that other processes used on the CPUs of this process.

    Work at a lower priority than this process's (`nice`) does not count, because it yields.
    """
    counts_nice = hasattr(os, "nice") and os.nice(0) > 0
    own, times = psutil.Process().cpu_times(), psutil.cpu_times(percpu=True)
    cpus = usable_cpus()
    if max(cpus) >= len(times):  # some CPUs are offline, so their numbers are not those of the list
        cpus = set(range(len(times)))
    used = sum(times[cpu].user + times[cpu].system + (times[cpu].nice if counts_nice else 0) for cpu in cpus)
    return float(used - own.user - own.system)


class CoreSharing(Callback):
    """Adapts torch's number of threads to the cores that other programs leave free.

    A change takes two measurements in a row, one second each, so that short bursts of other work have no effect. A
    training whose number of threads changed ends with slightly different weights, because sums are taken in another
    order.

    Args:
        threads: The most threads to use.
        cores: Number of CPUs of this process.
        measure: Returns the CPU seconds that other processes have used.
        clock: Returns the time, in seconds.

    Attributes:
        fewest: The fewest threads that were used.
    """

    def __init__(
        self,
        threads: int,
        cores: int,
        measure: Callable[[], float] = other_cpu_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fewest = self._current = self._candidate = self._most = threads
        self._cores, self._measure, self._clock = cores, measure, clock

    def on_train_begin(self, config: "ResolvedConfig", network: "nn.Module", images: int) -> None:
        """Start measuring."""
        self._since, self._used = self._clock(), self._read()

    def on_batch_begin(self, batch: Batch) -> None:
        """Measure once a second, and change the number of threads if two measurements agree."""
        now = self._clock()
        if now - self._since < _INTERVAL_S:
            return
        before, since = self._used, self._since
        self._used, self._since = self._read(), now
        if math.isnan(self._used - before):
            return
        wanted = self._wanted_threads((self._used - before) / (now - since))
        is_confirmed = wanted == self._candidate
        if is_confirmed and wanted != self._current:
            self._change(wanted)
        self._candidate = wanted

    def _read(self) -> float:
        """Return the CPU seconds of other processes; NaN where the system does not provide them."""
        try:
            return self._measure()
        except (OSError, psutil.Error):
            return math.nan

    def _wanted_threads(self, busy: float) -> int:
        """Return the number of threads for a number of cores that others keep busy."""
        free = self._cores - busy
        fits = self._current <= free + _BUSY_CORES
        has_room = self._current + 1 <= free + _FREE_CORES
        if fits and not has_room:
            return self._current
        return min(self._most, max(1, round(free)))

    def _change(self, threads: int) -> None:
        if self.fewest == self._most:
            log.info(
                "Other programs keep cores busy: training with fewer threads (%d instead of %d) while they do.",
                threads,
                self._most,
            )
        self._current = threads
        self.fewest = min(self.fewest, threads)
        torch.set_num_threads(threads)
