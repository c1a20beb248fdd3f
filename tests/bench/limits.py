"""Compare with the limits of the machine, and measure how cost grows with images and classes."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.paired import output, paired
from tests.bench.world import World

SMALL, LARGE = 1_000, 1_000_000


def rows(world: World) -> list[tuple[str, ...]]:
    """Return rows for reading (against decoding only), training (against a matrix product) and growth."""
    return [_reading(world), _training(world), *_by_images(world), *_by_classes(world)]


def _reading(world: World) -> tuple[str, ...]:
    import cv2

    from charcnn.images.load import load_images
    from charcnn.specs.image import ImageSpec

    files = sorted(world.copies("many", 10_000).iterdir())

    def load() -> float:
        started = time.perf_counter()
        load_images(files, ImageSpec(polarity="dark-on-light"))
        return time.perf_counter() - started

    def decode() -> float:
        started = time.perf_counter()
        for file in files:
            cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
        return time.perf_counter() - started

    return paired(load, decode, runs=5).row("10,000 files to pixels, hashed / decoded only", "")


_MATMUL = """
import time, torch
torch.set_num_threads(THREADS)
a = torch.rand(2048, 2048, dtype=torch.DTYPE)
times = []
for _ in range(8):
    started = time.perf_counter()
    a @ a
    times.append(time.perf_counter() - started)
print(2 * 2048**3 / min(times))
"""


def _training(world: World) -> tuple[str, ...]:
    """Compare GFLOP/s in training (three times the FLOPs of a forward pass) and in a large matrix product."""
    version = world.trained("--epochs", "2", "--name", "limit")
    card: Any = world.card(version)
    flops = 3 * 2 * _products(version)
    settings = card["training"]["config"]
    program = _MATMUL.replace("THREADS", str(settings["threads"]))
    program = program.replace("DTYPE", "bfloat16" if settings["precision"] == "bf16" else "float32")

    def train() -> float:
        card: Any = world.card(world.trained("--epochs", "2", "--name", "limit"))
        return float(card["training"]["images_per_second"]) * flops / 1e9

    def matmul() -> float:
        return float(output([sys.executable, "-c", program], world.root)) / 1e9

    return paired(train, matmul, runs=3).row("compact, GFLOP/s in training / in a matrix product", "", "GFLOP/s")


def _products(version: Path) -> int:
    """Return the number of multiplications in a forward pass, from the exported graph."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load(str(version / "model.onnx"))).graph
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in graph.value_info}
    weights = {weight.name: int(np.prod(weight.dims)) for weight in graph.initializer}
    places: dict[str, Callable[[str], int]] = {"Conv": lambda name: int(np.prod(shapes[name][2:])), "Gemm": lambda _: 1}
    return sum(
        weights[node.input[1]] * places[node.op_type](node.output[0]) for node in graph.node if node.op_type in places
    )


def _packed(world: World, images: int, classes: int) -> Path:
    """Write a packed dataset of noise, because only speed and memory matter here."""
    from charcnn.datasets.formats.packed import write_packed

    folder = world.root / "data" / f"packed-{images}-{classes}" / "train"
    if not folder.exists():
        folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        pixels = np.lib.format.open_memmap(folder / "raw.npy", "w+", np.uint8, (images, 28, 28))
        for start in range(0, images, 10_000):
            pixels[start : start + 10_000] = 255 - 200 * (rng.random((min(10_000, images - start), 28, 28)) < 0.2)
        labels = np.arange(images) % classes
        write_packed(folder, pixels, labels, [f"c{number}" for number in range(classes)])
        (folder / "raw.npy").unlink()
    return folder


def _by_images(world: World) -> list[tuple[str, ...]]:
    """Return rows of training time per image and peak anonymous memory, for 1,000 to 1,000,000 images."""
    base = 0.0
    found: list[tuple[str, ...]] = []
    for images in (SMALL, 10_000, 100_000, LARGE):
        used, memory = _train(world, _packed(world, images, 10), [])
        base = base or used
        found.append(
            (
                f"train on {images:,} images, one epoch: µs an image / with {SMALL:,}",
                f"{used:.0f} µs",
                f"{base:.0f} µs",
                f"{used / base:.2f}",
                "≤ 700 MB" if images == LARGE else "",
                f"RssAnon {memory:,.0f} MB",
            )
        )
    return found


def _by_classes(world: World) -> list[tuple[str, ...]]:
    base = 0.0
    found: list[tuple[str, ...]] = []
    for classes in (10, 100, 1_000, 3_755):
        used, memory = _train(world, _packed(world, 20_000, classes), ["--net", "compact-l", "--size", "28"])
        base = base or used
        found.append(
            (
                f"compact-l, {classes:,} classes: µs an image / with 10",
                f"{used:.0f} µs",
                f"{base:.0f} µs",
                f"{used / base:.2f}",
                "",
                f"RssAnon {memory:,.0f} MB",
            )
        )
    return found


_WATCHED = """
import json, resource, runpy, sys, threading, time

most = 0

def watch():
    global most
    while True:
        with open("/proc/self/status") as status:
            lines = [line for line in status if line.startswith("RssAnon")]
        most = max(most, *(int(line.split()[1]) for line in lines), 0)
        time.sleep(0.05)

threading.Thread(target=watch, daemon=True).start()
sys.argv = ["charcnn", *sys.argv[1:]]
try:
    runpy.run_module("charcnn", run_name="__main__")
except SystemExit:
    pass
print(json.dumps(most / 1024))
"""


def _train(world: World, data: Path, flags: list[str]) -> tuple[float, float]:
    """Return the training time per image in microseconds, and the peak anonymous memory in MB."""
    line = ["train", "--data", str(data), "--epochs", "1", "--name", "grow", *flags]
    reference, memory = output([sys.executable, "-c", _WATCHED, *line], world.root).split()
    card: Any = world.card(world.root / "registry" / reference.replace("@", "/"))
    return 1e6 / card["training"]["images_per_second"], json.loads(memory)
