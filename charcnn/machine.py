"""The machine: how many cores may compute, what its processor is called, where caches may lie. No torch."""

import math
import os
import platform
from functools import cache
from pathlib import Path

import platformdirs

_MAX_THREADS = 16
"""More threads than this wait for each other longer than they work, on images this small."""


def usable_cores() -> int:
    """Return how many threads should compute: the cores that this process may use, hyperthreads not counted.

    `OMP_NUM_THREADS` goes before; a container's share of the processors (control groups, version 2) is respected.
    Systems other than Linux do not tell cores from hyperthreads.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    logical = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = len({_core_of(cpu) for cpu in logical})
    return max(1, min(cores, _container_share(), _MAX_THREADS))


def max_threads() -> int:
    """Return how many threads may be asked for: one for each logical processor, and always as many as a default can be.

    A training with the defaults of a larger machine can so be repeated here with the same number, bit for bit.
    """
    return max(os.cpu_count() or 1, _MAX_THREADS)


def _core_of(cpu: int) -> str:
    """Return the core that a logical processor belongs to; Linux tells it, elsewhere each is its own."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return siblings.read_text(encoding="ascii") if siblings.is_file() else str(cpu)


def _container_share() -> int:
    """Return the processors that a control group grants (`cpu.max`: quota and period in microseconds), rounded up."""
    limit = Path("/sys/fs/cgroup/cpu.max")
    quota, _, period = limit.read_text(encoding="ascii").partition(" ") if limit.is_file() else ("max", "", "")
    return _MAX_THREADS if quota == "max" else max(1, math.ceil(int(quota) / int(period)))


@cache
def processor_name() -> str:
    """Return the processor's name; Linux tells it in a file, other systems through `platform`."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def cache_root() -> Path:
    """Return `$CHARCNN_CACHE`, else the user's cache folder for charcnn."""
    return Path(os.environ.get("CHARCNN_CACHE") or platformdirs.user_cache_dir("charcnn"))
