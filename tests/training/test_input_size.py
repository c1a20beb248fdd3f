"""The network's input is larger for characters with many strokes, if the images have the pixels."""

from collections.abc import Callable
from pathlib import Path

import pytest

import charcnn
from charcnn.training.input_size import choose_size
from charcnn.training.train import Trained

SIZES = (28, 32, 48, 64)
DENSE = "寨察寡富"
PLAIN = "人口中木"


@pytest.mark.parametrize(
    ("sizes", "labels", "side", "size"),
    [
        (SIZES, DENSE, 64, 48),
        (SIZES, DENSE, 48, 48),
        (SIZES, DENSE, 28, 28),
        (SIZES, PLAIN, 64, 28),
        (SIZES, "0123456789", 64, 28),
        (SIZES, [*DENSE, "x", "ab", "□"], 64, 48),  # labels without known strokes do not count
        (SIZES, ["寨察", "富"], 64, 48),
        ((28,), DENSE, 64, 28),
        ((64, 28, 48), DENSE, 64, 64),
    ],
)
def test_the_size_follows_strokes_and_pixels(sizes: tuple[int, ...], labels: list[str], side: int, size: int) -> None:
    assert choose_size(sizes, labels, side) == size


@pytest.fixture
def dense(world: Path) -> Path:
    return charcnn.synth(DENSE, per_class=6, test_per_class=1) / "train"


def test_training_chooses_the_size_and_says_why(
    dense: Path, run: Callable[..., Trained], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "charcnn")
    card = run(dense, net="compact", epochs=1).version.card
    assert (card.image.height, card.training.config.size) == (48, 48)
    assert "13.5 strokes on average, so `size=48`" in caplog.text


def test_a_requested_size_is_used(dense: Path, run: Callable[..., Trained]) -> None:
    assert run(dense, net="compact", epochs=1, size=28).version.card.image.height == 28


@pytest.mark.parametrize(("net", "size"), [("compact", 28), ("compact-l", 32)])
def test_a_parent_version_keeps_its_size(dense: Path, run: Callable[..., Trained], net: str, size: int) -> None:
    parent = run(dense, net=net, epochs=1, size=size).version.reference
    assert run(dense, net=net, epochs=1, init_from=parent).version.card.image.height == size


def test_a_chosen_size_is_not_a_deviation_from_the_recipe(dense: Path, run: Callable[..., Trained]) -> None:
    assert "size" not in (run(dense, net="compact", epochs=1).version.card.training.varied or ())
