"""The device to train on, and what a card says of the machine and the libraries."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from charcnn.errors import ConfigError
from charcnn.spec import Device, Environment

_LIBRARIES = ("charcnn", "torch", "numpy", "opencv-python", "onnx", "onnxruntime", "safetensors")


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


def describe_environment(device: torch.device) -> Environment:
    """Describes this machine, for a card."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        processor=torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        device=device.type,
        threads=torch.get_num_threads(),
        precision="fp32",
        libraries={name: _version(name) for name in _LIBRARIES},
    )


def _version(library: str) -> str:
    """A library's version; "unknown" where it is installed under another name."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "unknown"


def _processor() -> str:
    """The processor's name; Linux tells it in a file, other systems through `platform`."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
