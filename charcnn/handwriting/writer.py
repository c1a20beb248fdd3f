"""Strokes → samples: writers with habits of their own, who write on different papers.

A *writer* is a set of habits, drawn once from the seed and the writer's number: slant, rise, proportions, how far
strokes miss where they should meet, how round corners are, how often the pen stays down between two strokes, how wide
the pen is. The same writer keeps them for every character; each sample then varies a little round them. All samples of
a character are computed together, in arrays; only the drawing of lines goes image by image, in OpenCV.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ConfigError, closest
from charcnn.handwriting.outline import Outline, outlines
from charcnn.handwriting.paper import PAPERS, on_paper

Floats = NDArray[np.float32]

STYLES = {"neat": 0.55, "normal": 1.0, "hasty": 1.45}
"""Style → how far writers stray from print; 1 is what people do who fill in a form."""
PENS = {"fineliner": (0.022, 0.035), "ballpoint": (0.032, 0.055), "pencil": (0.038, 0.068), "marker": (0.065, 0.12)}
"""Pen → the least and the greatest width of its line, in heights of the character."""


@dataclass(frozen=True)
class Hand:
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
                raise ConfigError(f"Unknown {what}: {name}", closest(name, known))


@dataclass(frozen=True)
class _Habits:
    """What writers do always, float32 `[N]` each. Lengths are in ems, angles in radians."""

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
    width: Floats
    pressure: Floats
    face: Floats
    paper: Floats
    paper_shade: Floats


def handwriting(
    character: str, writers: Sequence[int] | NDArray[np.int64], size: int, hand: Hand | None = None
) -> NDArray[np.uint8]:
    """Writes one character, once by each of the writers.

    Args:
        character: One character that the font has.
        writers: `N` numbers of writers, 0 or greater. A number that comes twice writes twice, not twice the same.
        size: Side of the pictures, in pixels.
        hand: How it is to be written.

    Returns:
        uint8 `[N, size, size]`, dark ink on white paper, the ink inside the frame.

    Raises:
        GlyphError: the font lacks the character.
    """
    hand = hand or Hand()
    numbers = np.asarray(writers, np.int64)
    shapes = outlines(character, hand.fonts)
    habits = _habits(numbers, hand)
    rng = np.random.default_rng([hand.seed, ord(character), len(numbers), int(numbers[0]) if len(numbers) else 0])
    pictures = np.empty((len(numbers), size, size), np.uint8)
    which = np.minimum((habits.face * len(shapes)).astype(int), len(shapes) - 1)
    for number, shape in enumerate(shapes):
        mine = np.flatnonzero(which == number)
        if not len(mine):
            continue
        own = _Habits(*(getattr(habits, field.name)[mine] for field in fields(_Habits)))
        lines, drawn = _written(shape, own, rng)
        pictures[mine] = _drawn(lines, drawn, own, shape.widest, size, hand, rng)
    return pictures


@lru_cache(maxsize=4)
def _all_habits(count: int, hand: Hand) -> _Habits:
    """The habits of the writers 0 … count - 1. Writer n is the same whatever the count is."""
    names = [field.name for field in fields(_Habits)]
    u = np.stack([np.random.default_rng([hand.seed, 1, i]).random(count, np.float32) for i in range(len(names))])
    g = np.stack(
        [np.random.default_rng([hand.seed, 2, i]).standard_normal(count, np.float32) for i in range(len(names))]
    )
    stray = STYLES[hand.style] * (0.4 + 1.0 * u[0])
    low, high = PENS[hand.pen] if hand.pen else (0.022, 0.13)
    return _Habits(
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
        small=0.12 * stray * u[11],
        warp=stray * (0.4 + u[11]),
        tremor=0.006 * u[12],
        width=np.asarray(low * (high / low) ** u[13] ** 1.5, np.float32),
        pressure=0.25 * u[14],
        face=u[15],
        paper=u[16],
        paper_shade=u[17],
    )


def _habits(writers: NDArray[np.int64], hand: Hand) -> _Habits:
    count = 1 << max(10, int(writers.max(initial=0)).bit_length())
    everyone = _all_habits(count, hand)
    return _Habits(*(np.asarray(getattr(everyone, field.name), np.float32)[writers] for field in fields(_Habits)))


def _written(shape: Outline, habits: _Habits, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
    """Deforms a character's strokes.

    Returns:
        float32 `[N,P,2]`: the points in ems, and bool `[N,P-1]`: which of them a line joins.
    """
    many, stray = len(habits.stray), habits.stray[:, None]
    normal = rng.standard_normal
    segment, t = shape.segment, shape.t
    links = rng.random((many, shape.links), np.float32) < habits.link[:, None] * shape.link_ease
    points = np.repeat(shape.points[None], many, 0)

    # Parts of the character, and single strokes, are shifted, scaled and turned against each other.
    for group, count, strength in ((shape.part, shape.parts, 1.0), (shape.stroke, shape.strokes, 0.5)):
        amount = strength * habits.parts[:, None]
        shift = normal((2, many, count), np.float32) * amount
        scale = np.exp(normal((2, many, count), np.float32) * 3 * amount - 1.5 * strength * habits.small[:, None])
        angle = normal((many, count), np.float32) * 1.6 * amount
        if group is shape.stroke:
            scale *= np.exp(shape.small * habits.dots[:, None])  # pens make dots longer than print does
        middle = (shape.anchors if group is shape.stroke else shape.centres(group, count))[group]
        away = points - middle
        c, s = np.cos(angle)[:, group], np.sin(angle)[:, group]
        x, y = away[..., 0] * scale[0][:, group], away[..., 1] * scale[1][:, group]
        points[..., 0] = middle[:, 0] + c * x - s * y + shift[0][:, group]
        points[..., 1] = middle[:, 1] + s * x + c * y + shift[1][:, group]

    # Nodes move; where a corner is open, both its sides move on their own. Ends go too far or not far enough.
    node = normal((many, shape.nodes, 2), np.float32) * (0.018 * stray)[..., None]
    own = normal((many, shape.segments, 2, 2), np.float32) * (0.045 * habits.open[:, None])[..., None, None]
    broken = rng.random((many, shape.segments, 2), np.float32) < habits.open[:, None, None]
    loose = broken | shape.free[None]
    own += normal((many, shape.segments, 2, 2), np.float32) * (0.022 * stray)[..., None, None] * loose[..., None]
    reach = normal((many, shape.segments, 2, 1), np.float32) * (0.045 * stray)[..., None, None] * loose[..., None]
    flick = normal((many, shape.segments, 1), np.float32) * (0.4 * shape.hooked * shape.lengths)[None, :, None]
    own[:, :, 1] += flick * (0.5 + habits.stray[:, None, None])
    own = own + reach * shape.tangents * np.minimum(1.0, 3 * shape.lengths)[:, None, None]
    ends = node[:, shape.ends] + own
    points += ends[:, segment, 0] * (1 - t)[:, None] + ends[:, segment, 1] * t[:, None]

    # Strokes are bowed, each a little in its own way, and horizontal ones mostly upwards.
    bow = habits.bow[:, None] * shape.sideways + normal((many, shape.segments), np.float32) * (0.035 * stray)
    bulge = (4 * t * (1 - t)) * (bow * shape.lengths)[:, segment]
    skew = normal((many, shape.segments), np.float32) * (0.02 * stray) * shape.lengths
    bulge += np.sin(2 * np.pi * t, dtype=np.float32) * skew[:, segment]
    points += bulge[..., None] * shape.normals[segment]

    points = _bent(points, habits, rng)
    points += normal(points.shape, np.float32) * (habits.tremor * 1.0)[:, None, None]

    # What joins what: segments inside, corners that stay closed, links that stay down; small hooks fall away.
    joined = np.repeat(shape.inside[None], many, 0)
    joined[:, shape.corner_at] |= ~broken[:, shape.corner_of, 0]
    if shape.links:
        points[:, shape.link_points] = _between(points, shape)
        joined[:, shape.link_edges] = np.repeat(links, shape.link_edges.shape[0] // shape.links, 1)
    if len(shape.hooks):
        gone = rng.random((many, len(shape.hooks)), np.float32) < habits.hook[:, None] * 0.7
        joined[:, shape.hook_edges] &= ~gone[:, shape.hook_of_edge]
    points = _rounded(points, joined, habits)
    return points, joined


def _bent(points: Floats, habits: _Habits, rng: np.random.Generator) -> Floats:
    """The whole character: uneven proportions along both axes, a smooth warp, slant, rise, turn, aspect."""
    many = len(points)
    normal = rng.standard_normal
    warp = habits.warp[:, None]
    x, y = points[..., 0], points[..., 1]
    one = normal((4, many, 1), np.float32) * 0.07 * warp
    x, y = (
        x + one[0] * np.cos(np.pi * x) + one[1] * np.sin(2 * np.pi * x) * 0.5,
        y + one[2] * np.cos(np.pi * y) + one[3] * np.sin(2 * np.pi * y) * 0.5,
    )
    for _ in range(3):
        wave = normal((2, many, 1), np.float32) * 2.6
        phase = rng.random((many, 1), np.float32) * (2 * np.pi)
        push = normal((2, many, 1), np.float32) * 0.018 * warp
        height = np.sin(wave[0] * x + wave[1] * y + phase)
        x, y = x + push[0] * height, y + push[1] * height
    small = normal((4, many, 1), np.float32)
    slant = habits.slant[:, None] + 0.05 * small[0]
    rise = habits.rise[:, None] + 0.035 * small[1]
    turn = habits.turn[:, None] + 0.025 * small[2]
    aspect = habits.aspect[:, None] * np.exp(0.07 * small[3])
    x, y = x - slant * y, y - rise * x
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([(c * x - s * y) * np.sqrt(aspect), (s * x + c * y) / np.sqrt(aspect)], -1)


def _between(points: Floats, shape: Outline) -> Floats:
    """The points of links: on the straight line from the end of a stroke to the start of the next."""
    start, end = points[:, shape.link_from], points[:, shape.link_to]
    share = shape.link_share[:, None]
    return np.asarray(start * (1 - share) + end * share, np.float32)


def _rounded(points: Floats, joined: NDArray[np.bool_], habits: _Habits) -> Floats:
    """Lets the pen cut corners: each point is drawn to its neighbours on the line, the ends of lines stay."""
    both = (joined[:, 1:] & joined[:, :-1]).astype(np.float32) * (0.75 * habits.corner)[:, None]
    weight = (both / 2)[..., None]
    for _ in range(4):
        middle = points[:, 1:-1]
        points[:, 1:-1] = middle + weight * (points[:, :-2] + points[:, 2:] - 2 * middle)
    return points


def _drawn(
    lines: Floats,
    joined: NDArray[np.bool_],
    habits: _Habits,
    widest: float,
    size: int,
    hand: Hand,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Draws the lines with the writers' pens, none wider than the character bears, on their papers."""
    many = len(lines)
    fine = max(2, round(112 / size))  # drawn so many times as large, then shrunk: that makes soft edges
    side = fine * size
    seen = np.zeros((many, lines.shape[1]), bool)
    seen[:, :-1] |= joined
    seen[:, 1:] |= joined
    low = np.where(seen[..., None], lines, np.inf).min(1)
    high = np.where(seen[..., None], lines, -np.inf).max(1)
    extent = np.maximum((high - low).max(1), 0.4)  # a dot stays small
    fill = 1 - 0.4 * rng.random(many, np.float32) ** 2
    width = habits.width * (1 + 0.12 * rng.standard_normal(many, np.float32))
    width = np.clip(width, 0.02, widest)
    thick = np.maximum(fine * 0.9, width * fill * side)
    room = side - 2 * fine - thick * (1 + habits.pressure) - 5
    scale = fill * room / extent
    span = (high - low) * scale[:, None]
    spare = (room[:, None] - span) * 0.5
    offset = (1 - 0.7) * spare * rng.uniform(-1, 1, (many, 2))
    origin = side / 2 + offset - (low + high) / 2 * scale[:, None]
    pixels = np.rint((lines * scale[:, None, None] + origin[:, None]) * 16).astype(np.int32)
    canvas = np.empty((side, side), np.uint8)
    pictures = np.empty((many, size, size), np.uint8)
    weights = np.maximum(1, np.rint(thick[:, None] * (1 + habits.pressure[:, None] * rng.uniform(-1, 1, (many, 2)))))
    for index in range(many):
        canvas.fill(255)
        breaks = np.flatnonzero(~joined[index]) + 1
        strokes = [line for line in np.split(pixels[index], breaks) if len(line) > 1]
        light, heavy = weights[index].astype(int).tolist()
        if light == heavy:
            cv2.polylines(canvas, strokes, False, (0,), light, cv2.LINE_8, 4)
        else:
            cv2.polylines(canvas, strokes[::2], False, (0,), light, cv2.LINE_8, 4)
            cv2.polylines(canvas, strokes[1::2], False, (0,), heavy, cv2.LINE_8, 4)
        pictures[index] = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return on_paper(pictures, habits.paper, habits.paper_shade, hand.paper, rng)
