"""Strokes → samples: what writers make of a character, on their papers.

All samples of a block of writers are computed together, in arrays; only the drawing of lines goes image by image, in
OpenCV. Each sample varies a little round its writer's habits.
"""

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.hand import BLOCK, Floats, Habits, WritingStyle, habits_of, line_widths
from charcnn.handwriting.outline import Outline, outlines
from charcnn.handwriting.paper import on_paper


def handwriting(
    character: str, writers: Sequence[int] | NDArray[np.int64], size: int, hand: WritingStyle | None = None
) -> NDArray[np.uint8]:
    """Writes one character, once by each of the writers.

    What a writer writes depends on the character, the size, the hand and the writer's number alone, not on who else
    is asked for. Writers are computed by blocks: whole ones (0 … 49, 50 … 99, …) are the cheapest.

    Args:
        character: One character that the font has.
        writers: `N` numbers of writers, 0 or greater.
        size: Side of the pictures, in pixels.
        hand: How it is to be written.

    Returns:
        uint8 `[N, size, size]`, dark ink on white paper, the ink inside the frame.

    Raises:
        GlyphError: the font lacks the character.
    """
    hand = hand or WritingStyle()
    numbers = np.asarray(writers, np.int64)
    shapes = outlines(character, hand.fonts)
    pictures = np.empty((len(numbers), size, size), np.uint8)
    for block in np.unique(numbers // BLOCK):
        mine = numbers // BLOCK == block
        pictures[mine] = _block(ord(character), shapes, int(block), size, hand)[numbers[mine] % BLOCK]
    return pictures


def _block(code: int, shapes: Sequence[Outline], block: int, size: int, hand: WritingStyle) -> NDArray[np.uint8]:
    """What a block of writers writes, uint8 `[BLOCK, size, size]`; each has one of the shapes of the character."""
    habits = habits_of(block, hand)
    rng = np.random.default_rng([hand.seed, block, code])
    is_small = unicodedata.east_asian_width(chr(code)) not in "WF"  # letters, digits and signs
    pictures = np.empty((BLOCK, size, size), np.uint8)
    which = np.minimum((habits.face * len(shapes)).astype(int), len(shapes) - 1)
    for number in np.unique(which):
        mine = np.flatnonzero(which == number)
        own, shape = habits.of(mine), shapes[number]
        lines, joined = _written(shape, own, rng)
        width, widest = line_widths(own, hand, is_small), shape.widest(is_small)
        pictures[mine] = _drawn(lines, joined, own, width, widest, size, hand, rng)
    return pictures


def _written(shape: Outline, habits: Habits, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
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
            scale *= np.exp(shape.dots * habits.dots[:, None])  # pens make dots longer than print does
        middle = (shape.anchors if group is shape.stroke else shape.centres(group, count))[group]
        away = points - middle
        c, s = np.cos(angle)[:, group], np.sin(angle)[:, group]
        x, y = away[..., 0] * scale[0][:, group], away[..., 1] * scale[1][:, group]
        points[..., 0] = middle[:, 0] + c * x - s * y + shift[0][:, group]
        points[..., 1] = middle[:, 1] + s * x + c * y + shift[1][:, group]

    # Nodes move, and with them what meets there. Loose ends move on their own too, and go too far or not far enough.
    node = normal((many, shape.nodes, 2), np.float32) * (0.018 * stray)[..., None]
    own = normal((many, shape.segments, 2, 2), np.float32) * (0.045 * habits.open[:, None])[..., None, None]
    broken = rng.random((many, shape.segments, 2), np.float32) < habits.open[:, None, None]
    loose = broken | shape.free[None]
    own += normal((many, shape.segments, 2, 2), np.float32) * (0.022 * stray)[..., None, None] * loose[..., None]
    reach = normal((many, shape.segments, 2, 1), np.float32) * (0.09 * stray)[..., None, None] * loose[..., None]
    flick = normal((many, shape.segments, 1), np.float32) * (0.4 * shape.hooked * shape.lengths)[None, :, None]
    own[:, :, 1] += flick * (0.5 + habits.stray[:, None, None])
    own = own + reach * shape.tangents * np.minimum(1.0, 3 * shape.lengths)[:, None, None]
    ends = node[:, shape.ends] + own
    points += ends[:, segment, 0] * shape.pulls[0][:, None] + ends[:, segment, 1] * shape.pulls[1][:, None]

    # Strokes are bowed, each a little in its own way, and horizontal ones mostly upwards.
    bow = habits.bow[:, None] * shape.sideways + normal((many, shape.segments), np.float32) * (0.035 * stray)
    bulge = (4 * t * (1 - t)) * (bow * shape.lengths)[:, segment]
    skew = normal((many, shape.segments), np.float32) * (0.02 * stray) * shape.lengths
    bulge += np.sin(2 * np.pi * t, dtype=np.float32) * skew[:, segment]
    points += bulge[..., None] * shape.normals[segment]

    points = _bent(points, habits, rng)
    points += normal(points.shape, np.float32) * habits.tremor[:, None, None]

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


def _bent(points: Floats, habits: Habits, rng: np.random.Generator) -> Floats:
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


def _rounded(points: Floats, joined: NDArray[np.bool_], habits: Habits) -> Floats:
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
    habits: Habits,
    width: Floats,
    widest: float,
    size: int,
    hand: WritingStyle,
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
    width = np.clip(width * (1 + 0.12 * rng.standard_normal(many, np.float32)), 0.02, widest)
    thick = np.maximum(fine * 0.9, width * fill * side)
    room = side - 2 * fine - thick * (1 + habits.pressure) - 5
    scale = fill * room / extent
    span = (high - low) * scale[:, None]
    spare = (room[:, None] - span) * 0.5
    offset = 0.3 * spare * rng.uniform(-1, 1, (many, 2))
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
