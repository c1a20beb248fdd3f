"""Baseline for training: a loop as in a tutorial, with PIL, torchvision's transforms, DataLoader and Adam.

python tutorial.py TRAIN.csv TEST.csv [--epochs N] [--batch-size N] [--until ACCURACY] [--steps N]

Prints one JSON line per epoch: seconds of training so far (without imports and evaluation), images per second of the
epoch, and accuracy on TEST.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import torch
from lab_network import build
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


class Characters(Dataset[tuple[Tensor, int]]):
    """A dataset that opens, converts and resizes an image on each access, as torchvision's ImageFolder does."""

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __init__(self, path: Path, labels: list[str] | None = None) -> None:
        with path.open(newline="", encoding="utf-8") as stream:
            self.rows = list(csv.DictReader(stream))
        self.root = path.parent
        self.labels = labels or sorted({row["label"] for row in self.rows})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        row = self.rows[index]
        with Image.open(self.root / row["file"]) as image:
            return self.transform(image.convert("L")), self.labels.index(row["label"])


def accuracy(network: nn.Module, images: DataLoader[tuple[Tensor, int]]) -> float:
    network.eval()
    with torch.no_grad():
        right = [(network(batch).argmax(1) == labels).float().mean() * len(labels) for batch, labels in images]
    count: int = len(images.dataset)  # type: ignore[arg-type]
    return float(torch.stack(right).sum()) / count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--until", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=0)
    asked = parser.parse_args()
    train = Characters(asked.train)
    test = DataLoader(Characters(asked.test, train.labels), batch_size=256)
    torch.manual_seed(0)
    network = build(len(train.labels))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    loader = DataLoader(train, batch_size=asked.batch_size, shuffle=True)
    total = 0.0
    for _ in range(asked.epochs):
        network.train()
        started, seen = time.perf_counter(), 0
        for step, (images, labels) in enumerate(loader, 1):
            optimizer.zero_grad()
            functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seen += len(labels)
            if step == asked.steps:
                break
        seconds = time.perf_counter() - started
        total += seconds
        found = accuracy(network, test)
        print(json.dumps({"seconds": total, "images_per_second": seen / seconds, "accuracy": found}), flush=True)
        if found >= asked.until:
            break


main()
