"""bfloat16 or float32: which one is faster on this machine.

In bf16 the network's matrix products and activations have 8 bits of mantissa; weights, gradients of the weights, the
loss and the optimizer stay float32. Processors without units for it (AMX, AVX512_BF16) are many times slower in it.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from charcnn.machine import cache_root, processor_name
from charcnn.specs.choices import Precision
from charcnn.storage.files import write_atomically
from charcnn.training.hardware.device import compute_settings

_BENCHMARK_FILE = "precision-benchmark.json"
_ROUNDS = 8
_CLEAR_RATIO = 1.1
"""From this ratio of the two times on, the result of the benchmark is clear."""


def has_bf16_units() -> bool:
    """Return whether the CPU multiplies matrices of bfloat16 in units of their own."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch cannot tell
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def benchmark_steps() -> dict[str, float]:
    """Return the seconds of a training step of two convolutions and a linear layer, in `fp32` and in `bf16`.

    The two precisions take turns, so that other work on the machine slows both of them. The fastest step of each is
    the one that other work slowed least.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(9216, 64)
        ).to(memory_format=torch.channels_last)
        images = torch.rand(64, 1, 28, 28)
    seconds = {"fp32": math.inf, "bf16": math.inf}
    for _ in range(_ROUNDS):
        for precision in seconds:
            started = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                answers = network(images)
            answers.float().square().mean().backward()
            seconds[precision] = min(seconds[precision], time.perf_counter() - started)
    return seconds


Benchmark = Callable[[], Mapping[str, float]]


def choose_precision(
    asked: Precision,
    device: torch.device,
    threads: int,
    *,
    has_units: Callable[[], bool] = has_bf16_units,
    benchmark: Benchmark = benchmark_steps,
) -> Literal["fp32", "bf16"]:
    """Return the precision to train in.

    `auto` is bf16 on a CPU or GPU that has units for it; on a CPU, only if a short benchmark clearly shows that it is
    faster. A clear result is kept in the cache folder, and used from then on. After an unclear one, this training uses
    fp32 and the next one measures again.

    Args:
        asked: The precision in the config.
        device: The device to train on.
        threads: Number of CPU threads.
        has_units: Returns whether the CPU has units for bfloat16.
        benchmark: Returns the seconds of a training step in each precision.
    """
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu" or not has_units():
        return "fp32"
    return "bf16" if _is_bf16_faster(cache_root() / _BENCHMARK_FILE, threads, benchmark) else "fp32"


def _is_bf16_faster(path: Path, threads: int, benchmark: Benchmark) -> bool:
    """Return the kept result, or that of a benchmark. A clear one is kept; False if it is unclear or cannot be kept."""
    key = f"{processor_name()}, {threads} threads, torch {torch.__version__}"
    results: dict[str, bool] = {}
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        results = kept if isinstance(kept, dict) else {}
    if key in results:
        return results[key]
    with compute_settings(threads):
        seconds = benchmark()
    if max(seconds.values()) < _CLEAR_RATIO * min(seconds.values()):
        return False
    results[key] = seconds["bf16"] < seconds["fp32"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(results, indent=1).encode(), durable=False)
    except OSError:
        return False
    return results[key]
