"""On what machine and with which libraries a version came about."""

import platform
from importlib.metadata import version
from pathlib import Path

import torch

from charcnn.spec import Environment

_LIBRARIES = ("charcnn", "torch", "numpy", "opencv-python", "onnx", "onnxruntime", "safetensors")


def describe_environment(device: torch.device) -> Environment:
    """Describes this machine, for a card."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        processor=torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        device=device.type,
        threads=torch.get_num_threads(),
        precision="fp32",
        libraries={name: version(name) for name in _LIBRARIES},
    )


def _processor() -> str:
    """The processor's name; Linux tells it in a file, other systems through `platform`."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
