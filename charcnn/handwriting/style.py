"""Writing styles, and the traits of simulated writers.

A *writer* is a set of traits, drawn once from the seed and the writer's number and used for every character: slant,
rise, proportions, how far strokes miss the point where they should meet, how round corners are, how often the pen stays
down between two strokes, pen width.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ConfigError
from charcnn.specs.choices import Neatness, Paper, Pen

Floats = NDArray[np.float32]

WRITERS_PER_BLOCK = 50
"""Number of writers whose traits are drawn together: writers 0 … 49 are a block, 50 … 99 the next."""
DEVIATION: dict[Neatness, float] = {"neat": 0.55, "normal": 1.0, "hasty": 1.45}
"""How far writers deviate from print; 1 is typical of people who fill in a form."""
PEN_WIDTHS: dict[Pen, tuple[float, float]] = {
    "fineliner": (0.022, 0.035),
    "ballpoint": (0.032, 0.055),
    "pencil": (0.038, 0.068),
    "marker": (0.065, 0.12),
}
"""Pen → minimum and maximum line width, in heights of a Chinese character."""
_ANY_PEN_WIDTHS = (0.022, 0.13)
"""Line widths if each writer has their own pen."""
_MAX_SMALL_LINE_RATIO = 2.2
"""Letters and digits are up to this factor smaller, so pen lines are wider by the same factor relative to them."""


@dataclass(frozen=True)
class WritingStyle:
    """How synthetic handwriting looks.

    Attributes:
        style: `neat`, `normal` or `hasty`.
        pen: `fineliner`, `ballpoint`, `pencil` or `marker`; None gives each writer their own.
        paper: `scan` (1 bit), `gray`, `photo` or `tablet`; None gives each writer their own.
        fonts: Font files that define the shapes; empty for OpenCV's built-in fonts.
        seed: Random seed, which determines the writers.

    Raises:
        ConfigError: style, pen or paper is unknown.
    """

    style: Neatness = "normal"
    pen: Pen | None = None
    paper: Paper | None = None
    fonts: tuple[Path, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for field, choices in (("style", Neatness), ("pen", Pen), ("paper", Paper)):
            value, known = getattr(self, field), get_args(choices)
            if value not in known and (value is not None or field == "style"):
                raise ConfigError(f"unknown {field}", field=field, value=value, known=known)


@dataclass(frozen=True)
class WriterTraits:
    """Traits of writers, float32 `[N]` each. Lengths are in ems, angles in radians; `pen` is 0 (fine) … 1 (broad)."""

    stray: Floats
    slant: Floats
    rise: Floats
    turn: Floats
    aspect: Floats
    bow: Floats
    corner: Floats
    open: Floats
    link: Floats
    hook: Floats
    parts: Floats
    dots: Floats
    small: Floats
    warp: Floats
    tremor: Floats
    pen: Floats
    pressure: Floats
    face: Floats
    paper: Floats
    paper_shade: Floats

    def select(self, indices: slice | NDArray[np.int64]) -> "WriterTraits":
        """Return the traits of some of the writers."""
        return WriterTraits(*(np.asarray(getattr(self, field.name)[indices], np.float32) for field in fields(self)))


def draw_traits(block: int, style: WritingStyle) -> WriterTraits:
    """Return the traits of the writers `block * WRITERS_PER_BLOCK … (block + 1) * WRITERS_PER_BLOCK - 1`."""
    rng = np.random.default_rng([style.seed, block])
    shape = len(fields(WriterTraits)), WRITERS_PER_BLOCK
    u, g = rng.random(shape, np.float32), rng.standard_normal(shape, np.float32)
    stray = DEVIATION[style.style] * (0.4 + 1.0 * u[0])
    traits = WriterTraits(
        stray=stray,
        slant=0.10 * stray * g[1] + 0.03,
        rise=0.02 + stray * (0.08 + 0.07 * g[2]),
        turn=0.04 * stray * g[3],
        aspect=np.exp(0.2 * g[4] - 0.15),
        bow=0.05 * stray * g[5],
        corner=np.clip(0.1 + 0.75 * u[6] * stray, 0, 1),
        open=np.clip(u[7] ** 2 * stray, 0, 1),
        link=np.clip((u[8] * 1.6 - 0.5) * stray, 0, 0.9),
        hook=np.clip(u[9] * 1.4 - 0.2, 0, 1),
        parts=0.045 * stray * (0.5 + u[10]),
        dots=np.clip(0.45 + 0.3 * g[10], -0.2, 1.2),
        small=0.12 * stray * u[18],
        warp=stray * (0.4 + u[11]),
        tremor=0.006 * u[12],
        pen=u[13],
        pressure=0.25 * u[14],
        face=u[15],
        paper=u[16],
        paper_shade=u[17],
    )
    return traits.select(slice(None))


def line_widths(traits: WriterTraits, style: WritingStyle, is_small: bool) -> Floats:
    """Return the line width of each writer, in heights of the character, float32 `[N]`.

    Args:
        traits: Traits of the writers.
        style: Writing style; only its pen is used.
        is_small: Whether the character is a letter or digit, which is smaller than a Chinese character.
    """
    low, high = PEN_WIDTHS[style.pen] if style.pen else _ANY_PEN_WIDTHS
    if is_small:
        return np.asarray(low * (_MAX_SMALL_LINE_RATIO * high / low) ** traits.pen, np.float32)
    return np.asarray(low * (high / low) ** traits.pen**1.5, np.float32)
