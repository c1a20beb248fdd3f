"""Facts about the machine: usable cores, processor name, cache folder. No torch."""

import math
import os
import platform
from functools import cache
from pathlib import Path

import platformdirs

_SPIN_ROUNDS = 1000
"""Rounds of a loop that a thread of GNU's OpenMP waits in before it sleeps."""
_MAX_THREADS = 16
"""On images this small, more threads than this lose more time to synchronization than they gain."""


def usable_cores() -> int:
    """Return how many threads to compute with: the cores available to this process, without hyperthreads.

    `OMP_NUM_THREADS` takes precedence. The process's CPU affinity and the CPU limits of its cgroups (versions 1 and 2)
    are respected. Hyperthreads are recognized on Linux only. loky's `cpu_count` does the same, but importing it takes
    0.05 s, a fifth of a `charcnn predict`.
    """
    requested = os.environ.get("OMP_NUM_THREADS", "")
    if requested.isdecimal() and int(requested) > 0:
        return int(requested)
    cores = len({_core_of(cpu) for cpu in usable_cpus()})
    return max(1, math.ceil(min(cores, _cgroup_cpu_limit(), _MAX_THREADS)))


def usable_cpus() -> set[int]:
    """Return the numbers of the logical CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def max_threads() -> int:
    """Return the maximum number of threads: one per logical processor, and at least as many as any default.

    A training with the default number of a larger machine can so be repeated here with the same number.
    """
    return max(os.cpu_count() or 1, _MAX_THREADS, usable_cores())


def _core_of(cpu: int) -> str:
    """Return an id of the core that a logical CPU belongs to; its own number on systems other than Linux."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return siblings.read_text(encoding="ascii") if siblings.is_file() else str(cpu)


def _cgroup_cpu_limit() -> float:
    """Return the CPUs that the cgroups of this process grant it, infinity without a limit.

    A cgroup's limit also applies to the cgroups inside it. A container sees its own cgroup as the topmost one.

    Source:
        cgroups(7); Linux documentation: cgroup-v2 (`cpu.max`), cgroup-v1 (`cpu.cfs_quota_us`).
    """
    version_2 = Path("/sys/fs/cgroup")
    version_1 = version_2 / "cpu"
    own = Path("/proc/self/cgroup")
    folders = [version_1, version_2]
    for line in own.read_text(encoding="utf-8").splitlines() if own.is_file() else ():
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            innermost = (version_1 if controllers else version_2) / path.lstrip("/")
            folders += [innermost, *innermost.parents]
    return min(map(_quota, folders))


def _quota(cgroup: Path) -> float:
    """Return the CPUs of one cgroup: its quota over its period, both in microseconds."""
    names = ("cpu.max",) if (cgroup / "cpu.max").is_file() else ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    if not all((cgroup / name).is_file() for name in names):
        return math.inf
    quota, period = " ".join((cgroup / name).read_text(encoding="ascii") for name in names).split()
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)


def limit_openmp_spinning() -> None:
    """Let idle threads of GNU's OpenMP sleep soon, if this process has not loaded it (with torch) yet.

    By default, threads that wait for each other keep their cores busy for milliseconds. While other programs run, they
    slow them, and each other, down. LLVM's and Intel's OpenMP, which torch uses on macOS and Windows, yield by default.
    A `GOMP_SPINCOUNT` or `OMP_WAIT_POLICY` that the user has set is kept. Child processes inherit the setting.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(_SPIN_ROUNDS))


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
