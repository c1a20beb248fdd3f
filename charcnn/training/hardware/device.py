"""The device to train on, the threads that compute, and what a card says of the machine and the libraries."""

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

import torch

from charcnn.errors import ConfigError
from charcnn.machine import processor_name
from charcnn.specs.card import Environment
from charcnn.specs.choices import Device

_LIBRARIES = ("charcnn", "torch", "numpy", "opencv-python", "onnx", "onnxruntime", "safetensors")


def pick_device(name: Device) -> torch.device:
    """Return a device by name; for `auto`, the fastest one of this machine.

    Raises:
        ConfigError: the machine has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, present in there.items() if present))
    if not there[name]:
        known = [kind for kind, present in there.items() if present]
        raise ConfigError(
            "this machine has no such device", "Try `device=cpu`.", field="device", value=name, known=known
        )
    return torch.device(name)


@contextmanager
def compute_settings(threads: int) -> Iterator[None]:
    """Compute with some threads, and with numbers too small for float32 (denormals) as 0, within this block.

    Denormals are slow. Adam's moments of weights that no longer change become denormal; at batch size 1 a step then
    takes several times as long.
    """
    before, flushed_before = torch.get_num_threads(), _flushes_denormals()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed_before)
        torch.set_num_threads(before)


def _flushes_denormals() -> bool:
    """Return whether this thread takes denormals for 0, which torch sets but does not tell."""
    return bool(torch.tensor(1e-310, dtype=torch.float64) * 1 == 0)


def check_compiler(wanted: bool, device: torch.device) -> None:
    """Check that `torch.compile` has the compiler that it needs.

    Raises:
        ConfigError: it has not.
    """
    compiler = (shlex.split(os.environ.get("CXX", "")) or ["g++"])[0]
    if wanted and device.type == "cpu" and sys.platform == "linux" and shutil.which(compiler) is None:
        raise ConfigError(f"`compile` needs a C++ compiler, and there is no {compiler}.", "Leave `compile` out.")


def describe_environment(
    device: torch.device, precision: str, threads: int, fewest_threads: int, processes: int
) -> Environment:
    """Return what a card says of this machine."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        processor=torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name(),
        device=device.type,
        threads=threads,
        fewest_threads=fewest_threads,
        precision=precision,
        processes=processes,
        flush_denormal=True,
        libraries={name: _version(name) for name in _LIBRARIES},
    )


def _version(library: str) -> str:
    """Return a library's version; "unknown" if it is installed under another name."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "unknown"
