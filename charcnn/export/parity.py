"""Compare exported files with the network that they were exported from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from charcnn.errors import ParityError
from charcnn.inference.predictor import Predictor
from charcnn.specs.image import ImageSpec

_TOLERANCE = 1e-4
"""Maximum difference between two probabilities that counts as rounding."""


def onnx_function(path: Path) -> Callable[[Tensor], Tensor]:
    """Return the function of an ONNX file: images uint8 `[N,1,H,W]` → probabilities float32 `[N,classes]`."""
    predictor = Predictor(path)
    return lambda images: torch.from_numpy(predictor.probabilities(images[:, 0].numpy()))


def make_probe_images(spec: ImageSpec, count: int) -> Tensor:
    """Return images to compare outputs on, uint8 `[count,1,H,W]`: dark noise on white paper."""
    rng = np.random.default_rng(0)
    ink = rng.random((count, 1, spec.height, spec.width)) < 0.2
    return torch.from_numpy(np.where(ink, rng.integers(0, 128, ink.shape), 255).astype(np.uint8))


def check_parity(expected: nn.Module, actual: Callable[[Tensor], Tensor]) -> float:
    """Compare the outputs of an exported file and its network, on a larger batch than the exported one.

    Args:
        expected: The `Recognizer`.
        actual: The function of the file: images uint8 `[N,1,H,W]` → probabilities float32 `[N,classes]`.

    Returns:
        The largest difference between two probabilities.

    Raises:
        ParityError: a difference is too large for rounding.
    """
    images = make_probe_images(expected.spec, 33)  # type: ignore[arg-type]
    with torch.inference_mode():
        difference = float((expected(images) - actual(images)).abs().max())
    if not difference <= _TOLERANCE:
        raise ParityError(
            f"The exported file does not match the model: probabilities differ by up to {difference:.2g}.",
            "Nothing was written.",
        )
    return difference
