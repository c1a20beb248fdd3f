"""Parity: an exported file gives the answers of the network that it was made from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from charcnn.errors import ParityError
from charcnn.inference.predictor import Predictor
from charcnn.specs.image import ImageSpec

_TOLERANCE = 1e-4
"""The largest difference of a probability that rounding may make."""


def onnx_reader(path: Path) -> Callable[[Tensor], Tensor]:
    """Return what an ONNX file computes: images uint8 `[N,1,H,W]` → probabilities float32 `[N,classes]`."""
    predictor = Predictor(path)
    return lambda images: torch.from_numpy(predictor.probabilities(images[:, 0].numpy()))


def probe(spec: ImageSpec, count: int) -> Tensor:
    """Return images to compare answers on: strokes of noise on paper, uint8 `[count,1,H,W]`."""
    rng = np.random.default_rng(0)
    ink = rng.random((count, 1, spec.height, spec.width)) < 0.2
    return torch.from_numpy(np.where(ink, rng.integers(0, 128, ink.shape), 255).astype(np.uint8))


def check_parity(expected: nn.Module, actual: Callable[[Tensor], Tensor]) -> float:
    """Compare an exported file with its network, on a batch of another size than the one that was exported.

    Args:
        expected: The `Recognizer`.
        actual: What the file computes: images uint8 `[N,1,H,W]` → probabilities float32 `[N,classes]`.

    Returns:
        The largest difference of a probability.

    Raises:
        ParityError: a probability differs by more than rounding explains.
    """
    images = probe(expected.spec, 33)  # type: ignore[arg-type]
    with torch.inference_mode():
        difference = float((expected(images) - actual(images)).abs().max())
    if not difference <= _TOLERANCE:
        raise ParityError(
            f"The exported file gives other answers than the model: probabilities differ by up to {difference:.2g}.",
            "Nothing was written.",
        )
    return difference
