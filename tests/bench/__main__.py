"""`make bench`: figures from one run, side by side. Let nothing else run meanwhile."""

import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.paired import Paired, paired, seconds

HERE = Path(__file__).parent
CHARCNN = [sys.executable, "-m", "charcnn"]


def main() -> None:
    """Trains a small model of the starter set in a scratch folder, and measures with it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ.update(CHARCNN_DATA=f"{folder}/data", CHARCNN_REGISTRY=f"{folder}/registry")
        seconds([*CHARCNN, "synth", "--per-class", "50", "--test-per-class", "10"], folder)
        seconds([*CHARCNN, "train", "--epochs", "1", "--name", "bench"], folder)
        table = Table(
            "measure", "this", "yardstick", "ratio", "at most", "spread", title="whole processes, medians of 9 pairs"
        )
        for row in (_help(folder), _predict_one(folder)):
            table.add_row(*row)
        Console().print(table)


def _help(folder: Path) -> tuple[str, ...]:
    figures = paired([*CHARCNN, "--help"], [sys.executable, str(HERE / "bare_app.py"), "--help"], folder)
    return _row("charcnn --help / bare Typer and Rich app", figures, "1.5")


def _predict_one(folder: Path) -> tuple[str, ...]:
    image, weights = folder / "data/ttest/1.bmp", folder / "registry/bench/1/model.safetensors"
    script = [sys.executable, str(HERE / "torch_predict.py"), str(weights), "博学笃志切问近思自由无用", str(image)]
    figures = paired([*CHARCNN, "predict", str(image)], script, folder)
    return _row("charcnn predict, one image / torch script", figures, "0.2")


def _row(what: str, figures: Paired, limit: str) -> tuple[str, ...]:
    spread = f"{figures.least:.2f} – {figures.most:.2f}"
    return (what, f"{figures.a:.2f} s", f"{figures.b:.2f} s", f"{figures.ratio:.2f}", limit, spread)


main()
