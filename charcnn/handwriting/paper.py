"""How handwriting was captured: scanned in 1 bit or in grey, photographed, written on a tablet."""

import cv2
import numpy as np
from numpy.typing import NDArray

PAPERS = ("scan", "grey", "photo", "tablet")
"""1-bit scan, scan in shades of grey, photo (uneven light, blur, noise, compression), pen tablet (even lines)."""

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]


def on_paper(
    pictures: Pictures, choice: Floats, shade: Floats, paper: str | None, rng: np.random.Generator
) -> Pictures:
    """Makes clean drawings look as they would after capture.

    Args:
        pictures: uint8 `[N,H,W]`, black ink on white.
        choice: float32 `[N]`, 0 … 1: picks each writer's paper where `paper` is None.
        shade: float32 `[N]`, 0 … 1: how dark the ink, how high the threshold.
        paper: One of `PAPERS`, or None.
        rng: Drives the noise.

    Returns:
        uint8 `[N,H,W]`.
    """
    kind = np.full(len(pictures), PAPERS.index(paper)) if paper else np.minimum((choice * 4).astype(int), 3)
    made = pictures.copy()
    scan = np.flatnonzero(kind == 0)
    level = (110 + 90 * shade[scan])[:, None, None]
    faint = pictures[scan].min((1, 2))[:, None, None]  # the finest lines never reach black
    made[scan] = np.where(pictures[scan] < np.maximum(level, faint + 30.0), 0, 255)
    grey = np.flatnonzero((kind == 1) | (kind == 2))
    made[grey] = _in_grey(pictures[grey], shade[grey], rng)
    for index in np.flatnonzero(kind == 2):
        made[index] = _photographed(made[index], rng)
    return made


def _in_grey(pictures: Pictures, shade: Floats, rng: np.random.Generator) -> Pictures:
    """Ink that is not quite black and not even."""
    height, width = pictures.shape[1:]
    ink = 1 - pictures.astype(np.float32) / 255
    gain = np.exp(0.25 * rng.standard_normal((len(pictures), 1, 1), np.float32)) * 1.2
    patches = rng.uniform(0.75, 1.0, (len(pictures), 4, 4)).astype(np.float32)
    uneven = patches[:, np.arange(height) * 4 // height][:, :, np.arange(width) * 4 // width]
    dark = (0.55 + 0.45 * shade)[:, None, None]
    return np.asarray(255 - 255 * np.clip(ink * gain, 0, 1) * dark * uneven, np.uint8)


def _photographed(picture: Pictures, rng: np.random.Generator) -> Pictures:
    """Uneven light, blur, noise and JPEG."""
    height, width = picture.shape
    light = cv2.resize(rng.uniform(0.72, 1.0, (2, 2)).astype(np.float32), (width, height))
    blurred = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 0.3 + width / 90)))
    noisy = blurred * light + rng.normal(0, rng.uniform(1, 6), picture.shape)
    _, data = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), (cv2.IMWRITE_JPEG_QUALITY, 60))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
