"""Whatever lies in a folder: what can be read is read, what cannot is named and counted, and nothing hangs."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

Cli = Callable[..., Result]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither such names nor such links")


@pytest.fixture
def odd(starter: Path, tmp_path: Path) -> Path:
    """Two classes of ten real images each, and everything odd that a scanner, a zip or a person leaves."""
    root = tmp_path / "odd"
    for label in "12":
        shutil.copytree(starter / "train" / label, root / label)
        for extra in sorted((root / label).iterdir())[10:]:
            extra.unlink()
    one = next((root / "1").iterdir())
    place = root / "1"
    (place / "empty.png").write_bytes(b"")
    (place / "text.png").write_text("no image")
    (place / "cut.png").write_bytes(_png(40)[:60])
    (place / "x.png").mkdir()
    (place / "loop.png").symlink_to(place / "loop.png")
    (place / "nowhere.png").symlink_to(root / "is not there.png")
    (root / "2" / "up").symlink_to(root)  # a folder within itself
    (place / "new\nline.bmp").write_bytes(one.read_bytes())
    Path(os.fsdecode(os.fsencode(place) + b"/\xff\xfe.bmp")).write_bytes(one.read_bytes())
    (place / "wrong.png").write_bytes(one.read_bytes())  # a BMP by another name
    (place / "float.tiff").write_bytes(_tiff(np.full((9, 9), np.nan, np.float32)))
    os.mkfifo(place / "pipe.png")
    return root


def _png(side: int) -> bytes:
    import io

    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def _tiff(values: np.ndarray) -> bytes:
    import io

    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "TIFF")
    return stream.getvalue()


def test_training_names_and_counts_what_it_cannot_read(cli: Cli, odd: Path) -> None:
    result = cli("train", "--data", odd, "--net", "lenet", "--epochs", 1, "--json")
    assert result.exit_code == 0, result.stderr
    card = json.loads(result.stdout)
    assert card["data"]["unreadable"] == 7
    assert sum(card["data"]["per_class"].values()) == 23  # and three of 1 that are odd by name alone
    assert "7 of 30 images" in result.stderr
    assert "cannot be read" in result.stderr
    assert "Traceback" not in result.stderr


def test_predicting_goes_on_past_what_it_cannot_read(cli: Cli, odd: Path, trained: Path) -> None:
    result = cli("predict", odd, "--registry", trained, "--json")
    lines = json.loads(result.stdout)["predictions"]
    assert len(lines) == 30
    assert [line["status"] for line in lines].count("read") == 23
    assert "7 could not be read" in result.stderr


def test_augmenting_copies_what_can_be_read(cli: Cli, odd: Path, tmp_path: Path) -> None:
    result = cli("augment", odd / "1", "out", "--jobs", 1)
    assert "empty.png" in result.stderr
    assert "Traceback" not in result.stderr
    assert len([path for path in (tmp_path / "out").rglob("*") if path.is_file()]) >= 13
