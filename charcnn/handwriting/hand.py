"""Writers: what is chosen for all of them, and the habits that each has.

A *writer* is a set of habits, drawn once from the seed and the writer's number and kept for every character: slant,
rise, proportions, how far strokes miss where they should meet, how round corners are, how often the pen stays down
between two strokes, how wide the pen is.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ConfigError
from charcnn.handwriting.paper import PAPERS
from charcnn.text import did_you_mean

Floats = NDArray[np.float32]

BLOCK = 50
"""Writers whose habits are drawn together: the writers 0 … 49 are a block, 50 … 99 the next."""
STYLES = {"neat": 0.55, "normal": 1.0, "hasty": 1.45}
"""Style → how far writers stray from print; 1 is what people do who fill in a form."""
PENS = {"fineliner": (0.022, 0.035), "ballpoint": (0.032, 0.055), "pencil": (0.038, 0.068), "marker": (0.065, 0.12)}
"""Pen → the least and the greatest width of its line, in heights of a Chinese character."""
_ANY_PEN = (0.022, 0.13)
"""Where each writer has their own."""
_SMALLER = 2.2
"""Letters and digits are written up to so many times smaller, and a pen's lines are that much wider in them."""


@dataclass(frozen=True)
class WritingStyle:
    """How it is to be written.

    Attributes:
        style: One of `STYLES`.
        pen: One of `PENS`; None: each writer has their own.
        paper: One of `PAPERS`; None: each writer has their own.
        fonts: Files of fonts whose shapes are written; empty: OpenCV's built-in ones.
        seed: Who the writers are.

    Raises:
        ConfigError: there is no such style, pen or paper.
    """

    style: str = "normal"
    pen: str | None = None
    paper: str | None = None
    fonts: tuple[Path, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for what, name, known in (
            ("style", self.style, STYLES),
            ("pen", self.pen, PENS),
            ("paper", self.paper, PAPERS),
        ):
            if name is not None and name not in known:
                raise ConfigError(f"Unknown {what}: {name}", did_you_mean(name, known))


@dataclass(frozen=True)
class Habits:
    """What writers do always, float32 `[N]` each. Lengths are in ems, angles in radians; `pen`: 0 fine … 1 broad."""

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

    def of(self, which: slice | NDArray[np.int64]) -> "Habits":
        """Gives the habits of some of the writers."""
        return Habits(*(np.asarray(getattr(self, field.name)[which], np.float32) for field in fields(self)))


def habits_of(block: int, hand: WritingStyle) -> Habits:
    """Gives the habits of the writers `block * BLOCK … (block + 1) * BLOCK - 1`."""
    rng = np.random.default_rng([hand.seed, block])
    kinds = len(fields(Habits))
    u, g = rng.random((kinds, BLOCK), np.float32), rng.standard_normal((kinds, BLOCK), np.float32)
    stray = STYLES[hand.style] * (0.4 + 1.0 * u[0])
    found = Habits(
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
    return found.of(slice(None))


def line_widths(habits: Habits, hand: WritingStyle, is_small: bool) -> Floats:
    """Gives how wide the writers' lines are, in heights of the character, float32 `[N]`.

    Args:
        habits: The writers'.
        hand: Tells the pen.
        is_small: Whether it is a letter or digit, not a character as large as a Chinese one.
    """
    low, high = PENS[hand.pen] if hand.pen else _ANY_PEN
    if is_small:
        return np.asarray(low * (_SMALLER * high / low) ** habits.pen, np.float32)
    return np.asarray(low * (high / low) ** habits.pen**1.5, np.float32)
