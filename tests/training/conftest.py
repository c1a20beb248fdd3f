"""Small synthetic datasets, and an empty registry."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from charcnn.datasets.labels import CLASSES_FILE, write_classes
from charcnn.handwriting.style import WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.images.codec import write_image
from charcnn.registry.store import Registry
from charcnn.specs.train_config import TrainConfig
from charcnn.training import publish as card
from charcnn.training import train as module
from charcnn.training.callbacks import Callback

Draw = Callable[..., Path]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Write a dataset of neat handwriting: `draw("name", {"1": "博", "2": "学"}, count=8)` returns its folder."""

    def write(
        name: str,
        classes: Mapping[str, str] | str = "博学自",
        count: int = 8,
        *,
        seed: int = 0,
        size: int = 28,
        light_on_dark: bool = False,
    ) -> Path:
        root = tmp_path / name
        folders = dict(zip("123456789", classes, strict=False)) if isinstance(classes, str) else dict(classes)
        for folder, character in folders.items():
            (root / folder).mkdir(parents=True)
            pictures = write_character(character, range(count), size, WritingStyle("neat", paper="scan", seed=seed))
            for number, picture in enumerate(pictures, 1):
                write_image(root / folder / f"{number}.png", 255 - picture if light_on_dark else picture)
        write_classes(root / CLASSES_FILE, folders)
        return root

    return write


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the slow ONNX export, for tests that do not need the ONNX file."""

    def nothing(_network: object, _labels: object, _spec: object, path: Path) -> float:
        path.write_bytes(b"no ONNX")
        return 0.0

    monkeypatch.setattr(card, "write_onnx", nothing)


@pytest.fixture
def run(registry: Registry, without_onnx: None) -> Callable[..., module.Trained]:
    """Train with the given settings. By default, `lenet` for one epoch, without an ONNX file."""

    def train(data: Path | tuple[Path, ...], callback: Callback | None = None, **settings: Any) -> module.Trained:
        sources = data if isinstance(data, tuple) else (data,)
        config = TrainConfig.parse(
            {
                "net": "lenet",
                "epochs": 1,
                "batch_size": 8,
                "precision": "fp32",
                "data": [str(path) for path in sources],
                **settings,
            }
        )
        return module.train(config, registry=registry, callbacks=[callback] if callback else [])

    return train
