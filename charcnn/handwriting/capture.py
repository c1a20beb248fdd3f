"""Simulated capture of handwriting: 1-bit scan, gray scan, photo, pen tablet."""

from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.specs.choices import Paper

PAPERS: tuple[Paper, ...] = get_args(Paper)
"""1-bit scan, gray scan, photo (uneven light, blur, noise, compression), pen tablet (even lines)."""

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]


def capture(
    pictures: Pictures, choice: Floats, shade: Floats, paper: Paper | None, rng: np.random.Generator
) -> Pictures:
    """Return clean drawings as they look after capture.

    Args:
        pictures: uint8 `[N,H,W]`, black ink on white.
        choice: float32 `[N]`, 0 … 1: selects each writer's paper if `paper` is None.
        shade: float32 `[N]`, 0 … 1: darkness of the ink, and height of the threshold.
        paper: One of `PAPERS`, or None.
        rng: Generator for the noise.

    Returns:
        uint8 `[N,H,W]`.
    """
    kind = np.full(len(pictures), PAPERS.index(paper)) if paper else np.minimum((choice * 4).astype(int), 3)
    captured = pictures.copy()
    scan = np.flatnonzero(kind == PAPERS.index("scan"))
    level = (110 + 90 * shade[scan])[:, None, None]
    faint = pictures[scan].min((1, 2))[:, None, None]  # the finest lines never reach black
    captured[scan] = np.where(pictures[scan] < np.maximum(level, faint + 30.0), 0, 255)
    gray = np.flatnonzero((kind == PAPERS.index("gray")) | (kind == PAPERS.index("photo")))
    captured[gray] = _scan_in_gray(pictures[gray], shade[gray], rng)
    for index in np.flatnonzero(kind == PAPERS.index("photo")):
        captured[index] = _photograph(captured[index], rng)
    return captured


def _scan_in_gray(pictures: Pictures, shade: Floats, rng: np.random.Generator) -> Pictures:
    """Return drawings with ink that is not quite black and uneven."""
    height, width = pictures.shape[1:]
    ink = 1 - pictures.astype(np.float32) / 255
    gain = np.exp(0.25 * rng.standard_normal((len(pictures), 1, 1), np.float32)) * 1.2
    patches = rng.uniform(0.75, 1.0, (len(pictures), 4, 4)).astype(np.float32)
    uneven = patches[:, np.arange(height) * 4 // height][:, :, np.arange(width) * 4 // width]
    dark = (0.55 + 0.45 * shade)[:, None, None]
    return np.asarray(255 - 255 * np.clip(ink * gain, 0, 1) * dark * uneven, np.uint8)


def _photograph(picture: Pictures, rng: np.random.Generator) -> Pictures:
    """Add uneven light, blur, noise and JPEG compression."""
    height, width = picture.shape
    light = cv2.resize(rng.uniform(0.72, 1.0, (2, 2)).astype(np.float32), (width, height))
    blurred = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 0.3 + width / 90)))
    noisy = blurred * light + rng.normal(0, rng.uniform(1, 6), picture.shape)
    _, data = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), (cv2.IMWRITE_JPEG_QUALITY, 60))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
