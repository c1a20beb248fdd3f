"""The data of the benchmarks: real images or the starter set, in a temporary folder with registry and cache."""

import json
import os
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.bench.paired import CHARCNN, output, seconds

SHARED = Path(__file__).parents[3] / "shared" / "data"


class World:
    """A temporary folder with data, registry and cache.

    Args:
        root: The folder.

    Attributes:
        train: CSV of the training images.
        test: CSV of the test images, a fifth of all.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        os.environ.update(
            CHARCNN_DATA=str(root / "data"), CHARCNN_REGISTRY=str(root / "registry"), CHARCNN_CACHE=str(root / "cache")
        )
        real = SHARED / "fudan12" / "train"
        if not real.is_dir():
            seconds([*CHARCNN, "synth"], root)
        self.source = real if real.is_dir() else root / "data" / "train"
        self.train, self.test = self.split(0)

    def split(self, seed: int) -> tuple[Path, Path]:
        """Split the images, and return the CSVs of the training and test images."""
        folder = self.root / f"split{seed}"
        if not folder.exists():
            seconds([*CHARCNN, "data", "split", str(self.source), "-o", str(folder), "--seed", str(seed)], self.root)
        return folder / "train.csv", folder / "test.csv"

    @cached_property
    def images(self) -> Path:
        """A folder with the images of one class."""
        return next(path for path in sorted(self.source.iterdir()) if path.is_dir())

    @cached_property
    def cnn(self) -> Path:
        """The folder of a trained version of `cnn`."""
        return self.trained("--net", "cnn", "--epochs", "1", "--name", "bench")

    @cached_property
    def labels(self) -> str:
        """The labels of `cnn`, one character each."""
        labels: list[str] = self.card(self.cnn)["labels"]
        return "".join(labels)

    def trained(self, *flags: str) -> Path:
        """Train on `train`, and return the folder of the version."""
        reference = output([*CHARCNN, "train", "--data", str(self.train), *flags], self.root).strip()
        return self.root / "registry" / reference.replace("@", "/")

    def card(self, version: Path) -> dict[str, Any]:
        """Read the card of a version."""
        card: dict[str, Any] = json.loads((version / "card.json").read_text(encoding="utf-8"))
        return card

    def accuracy(self, version: Path, test: Path) -> float:
        """Return the accuracy of a version on a dataset."""
        found = output([*CHARCNN, "evaluate", "--model", str(version), "--data", str(test), "--json"], self.root)
        return float(json.loads(found)["accuracy"])

    def copies(self, name: str, count: int) -> Path:
        """Return a folder with `count` copies of the images."""
        folder = self.root / name
        if not folder.exists():
            folder.mkdir(parents=True)
            files = sorted(path for path in self.images.iterdir() if path.is_file())
            for number in range(count):
                file = files[number % len(files)]
                shutil.copyfile(file, folder / f"{number}{file.suffix}")
        return folder
