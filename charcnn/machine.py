"""Facts about the machine: usable cores, processor name, cache folder. No torch."""

import math
import os
import platform
from functools import cache
from pathlib import Path

import platformdirs

_MAX_THREADS = 16
"""On images this small, more threads than this lose more time to synchronization than they gain."""


def usable_cores() -> int:
    """Return how many threads to compute with: the cores available to this process, without hyperthreads.

    `OMP_NUM_THREADS` takes precedence. The CPU limit of a container (cgroups v2) is respected. Hyperthreads are
    recognized on Linux only.
    """
    requested = os.environ.get("OMP_NUM_THREADS", "")
    if requested.isdecimal() and int(requested) > 0:
        return int(requested)
    logical = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = len({_core_of(cpu) for cpu in logical})
    return max(1, min(cores, _container_cpu_limit(), _MAX_THREADS))


def _core_of(cpu: int) -> str:
    """Return an id of the core that a logical CPU belongs to; its own number on systems other than Linux."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return siblings.read_text(encoding="ascii") if siblings.is_file() else str(cpu)


def _container_cpu_limit() -> int:
    """Return the CPU limit of the cgroup (`cpu.max`: quota and period in microseconds), rounded up."""
    limit = Path("/sys/fs/cgroup/cpu.max")
    quota, _, period = limit.read_text(encoding="ascii").partition(" ") if limit.is_file() else ("max", "", "")
    return _MAX_THREADS if quota == "max" else max(1, math.ceil(int(quota) / int(period)))


@cache
def processor_name() -> str:
    """Return the processor's name, from `/proc/cpuinfo` on Linux and from `platform` on other systems."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def cache_root() -> Path:
    """Return the cache folder: `$CHARCNN_CACHE`, or the user's cache folder for charcnn."""
    return Path(os.environ.get("CHARCNN_CACHE") or platformdirs.user_cache_dir("charcnn"))
