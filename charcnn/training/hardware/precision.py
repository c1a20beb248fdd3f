"""bfloat16 or float32: which one is faster on this machine.

In bf16 the network's matrix products and activations have 8 bits of mantissa; weights, gradients of the weights, the
loss and the optimizer stay float32. Processors without units for it (AMX, AVX512_BF16) are many times slower in it.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from charcnn.machine import cache_root, processor_name
from charcnn.specs.choices import Precision
from charcnn.storage.files import write_atomically
from charcnn.training.hardware.device import compute_settings

_PROBE_FILE = "precision.json"
_STEPS = 6


def has_bf16_units() -> bool:
    """Return whether the CPU multiplies matrices of bfloat16 in units of their own."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch cannot tell
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def benchmark_step(precision: Literal["fp32", "bf16"]) -> float:
    """Return the seconds of the fastest of some training steps of two convolutions and a linear layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(9216, 64)
        ).to(memory_format=torch.channels_last)
        images = torch.rand(64, 1, 28, 28)
    times = []
    for _ in range(_STEPS):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            answers = network(images)
        answers.float().square().mean().backward()
        times.append(time.perf_counter() - started)
    return min(times)


Benchmark = Callable[[Literal["fp32", "bf16"]], float]


def choose_precision(
    asked: Precision,
    device: torch.device,
    threads: int,
    *,
    has_units: Callable[[], bool] = has_bf16_units,
    benchmark: Benchmark = benchmark_step,
) -> Literal["fp32", "bf16"]:
    """Return the precision to train in.

    `auto` is bf16 on a CPU or GPU that has units for it; on a CPU only if a short benchmark shows that it is faster.
    The benchmark's answer is kept in the cache folder, so that the same machine always trains in the same way.

    Args:
        asked: What the config says.
        device: The device that computes.
        threads: Threads that compute on the CPU.
        has_units: Returns whether the CPU has units for bfloat16.
        benchmark: Returns the seconds of a training step in a precision.
    """
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu" or not has_units():
        return "fp32"
    return "bf16" if _is_faster_here(cache_root() / _PROBE_FILE, threads, benchmark) else "fp32"


def _is_faster_here(path: Path, threads: int, benchmark: Benchmark) -> bool:
    """Return the kept answer, or that of a benchmark, which is then kept; False if it cannot be kept."""
    key = f"{processor_name()}, {threads} threads, torch {torch.__version__}"
    answers: dict[str, bool] = {}
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        answers = kept if isinstance(kept, dict) else {}
    if key not in answers:
        with compute_settings(threads):
            answers[key] = benchmark("bf16") < benchmark("fp32")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(answers, indent=1).encode(), durable=False)
        except OSError:
            return False
    return answers[key]
