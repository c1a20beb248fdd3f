"""The machine: the device to train on, its cores, and what a card says of it and of the libraries."""

import math
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from charcnn.errors import ConfigError
from charcnn.spec import Device, Environment

_LIBRARIES = ("charcnn", "torch", "numpy", "opencv-python", "onnx", "onnxruntime", "safetensors")
_MOST_THREADS = 16
"""More threads than this wait for each other longer than they work, on images this small."""


def pick_device(name: Device) -> torch.device:
    """Gives the device asked for; for `auto`, the fastest one there is.

    Raises:
        ConfigError: it is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, present in there.items() if present))
    if not there[name]:
        raise ConfigError(f"This machine has no device {name}.", "Leave --device out, or use --device cpu.")
    return torch.device(name)


def usable_cores() -> int:
    """Gives how many threads should compute: the cores that this process may use, hyperthreads not counted.

    `OMP_NUM_THREADS` goes before; a container's share of the processors is respected.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    logical = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = len({_core_of(cpu) for cpu in logical})
    return max(1, min(cores, _container_share(), _MOST_THREADS))


def _core_of(cpu: int) -> str:
    """Names the core that a logical processor belongs to; Linux tells it, elsewhere each is its own."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return siblings.read_text(encoding="ascii") if siblings.is_file() else str(cpu)


def _container_share() -> int:
    """Gives the processors that a control group grants (`cpu.max`: quota and period in microseconds), rounded up."""
    limit = Path("/sys/fs/cgroup/cpu.max")
    quota, _, period = limit.read_text(encoding="ascii").partition(" ") if limit.is_file() else ("max", "", "")
    return _MOST_THREADS if quota == "max" else max(1, math.ceil(int(quota) / int(period)))


@contextmanager
def computing_on(threads: int) -> Iterator[None]:
    """Computes with so many threads, and takes numbers too small for float32 (denormals) for 0: they are slow.

    Adam's moments of weights that no longer change become denormal; at batch size 1 a step then takes several times
    as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


def check_compiler(wanted: bool, device: torch.device) -> None:
    """Checks that what `torch.compile` needs is there.

    Raises:
        ConfigError: it is not.
    """
    compiler = os.environ.get("CXX") or "g++"
    if wanted and device.type == "cpu" and shutil.which(compiler) is None:
        raise ConfigError(f"--compile needs a C++ compiler, and there is no {compiler}.", "Leave --compile out.")


def processor_name() -> str:
    """Gives the processor's name; Linux tells it in a file, other systems through `platform`."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def describe_environment(device: torch.device, precision: str, threads: int, processes: int) -> Environment:
    """Describes this machine, for a card."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        processor=torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name(),
        device=device.type,
        threads=threads,
        precision=precision,
        processes=processes,
        libraries={name: _version(name) for name in _LIBRARIES},
    )


def _version(library: str) -> str:
    """A library's version; "unknown" where it is installed under another name."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "unknown"
