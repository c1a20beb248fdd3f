"""Write characters in simulated handwriting: from strokes to images.

The samples of a block of writers are computed together, in arrays. Only the drawing of lines goes image by image, in
OpenCV. Each sample varies a little around the traits of its writer.
"""

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.capture import capture
from charcnn.handwriting.outline import Links, Outline, find_outlines
from charcnn.handwriting.style import WRITERS_PER_BLOCK, Floats, WriterTraits, WritingStyle, draw_traits, line_widths

Booleans = NDArray[np.bool_]

_MIN_CANVAS_PIXELS = 112
"""Approximate minimum side of the canvas. The drawing is then shrunk, which makes soft edges."""
_SUBPIXEL_BITS = 4
"""Fractional bits of the coordinates given to OpenCV: sixteenths of a pixel."""


def write_character(
    character: str, writers: Sequence[int] | NDArray[np.int64], size: int, style: WritingStyle | None = None
) -> NDArray[np.uint8]:
    """Write a character, once by each writer.

    A sample depends only on the character, the size, the style and the writer's number, not on the other writers.
    Writers are computed in blocks, so whole blocks (0 … 49, 50 … 99, …) are the most efficient.

    Args:
        character: A character that the font has.
        writers: Numbers of `N` writers, 0 or greater.
        size: Side of the pictures, in pixels.
        style: How the handwriting looks.

    Returns:
        uint8 `[N, size, size]`, dark ink on white paper, the ink inside the frame.

    Raises:
        GlyphError: the font lacks the character.
    """
    style = style or WritingStyle()
    numbers = np.asarray(writers, np.int64)
    outlines = find_outlines(character, style.fonts)
    pictures = np.empty((len(numbers), size, size), np.uint8)
    for block in np.unique(numbers // WRITERS_PER_BLOCK):
        is_in_block = numbers // WRITERS_PER_BLOCK == block
        written = _write_block(ord(character), outlines, int(block), size, style)
        pictures[is_in_block] = written[numbers[is_in_block] % WRITERS_PER_BLOCK]
    return pictures


def _write_block(
    code: int, outlines: Sequence[Outline], block: int, size: int, style: WritingStyle
) -> NDArray[np.uint8]:
    """Write a character by all writers of a block, each in one shape: uint8 `[WRITERS_PER_BLOCK, size, size]`."""
    traits = draw_traits(block, style)
    rng = np.random.default_rng([style.seed, block, code])
    is_small = unicodedata.east_asian_width(chr(code)) not in "WF"  # letters, digits and signs
    pictures = np.empty((WRITERS_PER_BLOCK, size, size), np.uint8)
    choice = np.minimum((traits.face * len(outlines)).astype(int), len(outlines) - 1)
    for number in np.unique(choice):
        writers = np.flatnonzero(choice == number)
        own, outline = traits.select(writers), outlines[number]
        lines, joined = _deform(outline, own, rng)
        widths = line_widths(own, style, is_small)
        clean = _draw(lines, joined, own, widths, outline.max_line_width(is_small), size, rng)
        pictures[writers] = capture(clean, own.paper, own.paper_shade, style.paper, rng)
    return pictures


def _deform(outline: Outline, traits: WriterTraits, rng: np.random.Generator) -> tuple[Floats, Booleans]:
    """Deform the strokes of a character for each writer.

    Returns:
        float32 `[N,P,2]`: the points in ems; and bool `[N,P-1]`: whether a line joins a point and the next.
    """
    writers = len(traits.stray)
    linked = rng.random((writers, len(outline.links.ease)), np.float32) < traits.link[:, None] * outline.links.ease
    points = np.repeat(outline.points[None], writers, 0)
    _shift_parts(points, outline, traits, rng)
    broken = _move_ends(points, outline, traits, rng)
    _bow(points, outline, traits, rng)
    points = _bend(points, traits, rng)
    points += rng.standard_normal(points.shape, np.float32) * traits.tremor[:, None, None]
    joined = _join(points, outline, traits, linked, broken, rng)
    _round_corners(points, joined, traits)
    return points, joined


def _shift_parts(points: Floats, outline: Outline, traits: WriterTraits, rng: np.random.Generator) -> None:
    """Shift, scale and rotate the parts and strokes of a character relative to each other, in place."""
    writers, normal = len(points), rng.standard_normal
    for group, count, strength in ((outline.part, outline.parts, 1.0), (outline.stroke, outline.strokes, 0.5)):
        amount = strength * traits.parts[:, None]
        shift = normal((2, writers, count), np.float32) * amount
        scale = np.exp(normal((2, writers, count), np.float32) * 3 * amount - 1.5 * strength * traits.small[:, None])
        angle = normal((writers, count), np.float32) * 1.6 * amount
        if group is outline.stroke:
            scale *= np.exp(outline.dots * traits.dots[:, None])  # pens make dots longer than print does
        center = (outline.anchors if group is outline.stroke else outline.centers(group, count))[group]
        offset = points - center
        c, s = np.cos(angle)[:, group], np.sin(angle)[:, group]
        x, y = offset[..., 0] * scale[0][:, group], offset[..., 1] * scale[1][:, group]
        points[..., 0] = center[:, 0] + c * x - s * y + shift[0][:, group]
        points[..., 1] = center[:, 1] + s * x + c * y + shift[1][:, group]


def _move_ends(points: Floats, outline: Outline, traits: WriterTraits, rng: np.random.Generator) -> Booleans:
    """Move nodes, and with them the segments that meet there, in place. Loose ends also move on their own.

    Returns:
        bool `[N,S,2]`: the ends that no longer meet what they meet in print.
    """
    writers, normal, segments = len(points), rng.standard_normal, outline.segments
    stray = traits.stray[:, None]
    node = normal((writers, outline.nodes, 2), np.float32) * (0.018 * stray)[..., None]
    own = normal((writers, segments, 2, 2), np.float32) * (0.045 * traits.open[:, None])[..., None, None]
    broken = rng.random((writers, segments, 2), np.float32) < traits.open[:, None, None]
    loose = broken | outline.free[None]
    own += normal((writers, segments, 2, 2), np.float32) * (0.022 * stray)[..., None, None] * loose[..., None]
    reach = normal((writers, segments, 2, 1), np.float32) * (0.09 * stray)[..., None, None] * loose[..., None]
    flick = normal((writers, segments, 1), np.float32) * (0.4 * outline.hooked * outline.lengths)[None, :, None]
    own[:, :, 1] += flick * (0.5 + traits.stray[:, None, None])
    own = own + reach * outline.tangents * np.minimum(1.0, 3 * outline.lengths)[:, None, None]
    ends = node[:, outline.ends] + own
    start_pull, end_pull = outline.pulls[..., None]
    points += ends[:, outline.segment, 0] * start_pull + ends[:, outline.segment, 1] * end_pull
    return broken


def _bow(points: Floats, outline: Outline, traits: WriterTraits, rng: np.random.Generator) -> None:
    """Bow each stroke a little, horizontal ones mostly upward, in place."""
    writers, normal, t = len(points), rng.standard_normal, outline.t
    stray, segment = traits.stray[:, None], outline.segment
    bow = traits.bow[:, None] * outline.sideways + normal((writers, outline.segments), np.float32) * (0.035 * stray)
    bulge = (4 * t * (1 - t)) * (bow * outline.lengths)[:, segment]
    skew = normal((writers, outline.segments), np.float32) * (0.02 * stray) * outline.lengths
    bulge += np.sin(2 * np.pi * t, dtype=np.float32) * skew[:, segment]
    points += bulge[..., None] * outline.normals[segment]


def _bend(points: Floats, traits: WriterTraits, rng: np.random.Generator) -> Floats:
    """Deform the whole character: uneven proportions along both axes, smooth warp, slant, rise, rotation, aspect."""
    writers, normal = len(points), rng.standard_normal
    warp = traits.warp[:, None]
    x, y = points[..., 0], points[..., 1]
    uneven = normal((4, writers, 1), np.float32) * 0.07 * warp
    x, y = (
        x + uneven[0] * np.cos(np.pi * x) + uneven[1] * np.sin(2 * np.pi * x) * 0.5,
        y + uneven[2] * np.cos(np.pi * y) + uneven[3] * np.sin(2 * np.pi * y) * 0.5,
    )
    for _ in range(3):
        wave = normal((2, writers, 1), np.float32) * 2.6
        phase = rng.random((writers, 1), np.float32) * (2 * np.pi)
        push = normal((2, writers, 1), np.float32) * 0.018 * warp
        height = np.sin(wave[0] * x + wave[1] * y + phase)
        x, y = x + push[0] * height, y + push[1] * height
    varied = normal((4, writers, 1), np.float32)
    slant = traits.slant[:, None] + 0.05 * varied[0]
    rise = traits.rise[:, None] + 0.035 * varied[1]
    turn = traits.turn[:, None] + 0.025 * varied[2]
    aspect = traits.aspect[:, None] * np.exp(0.07 * varied[3])
    x, y = x - slant * y, y - rise * x
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([(c * x - s * y) * np.sqrt(aspect), (s * x + c * y) / np.sqrt(aspect)], -1)


def _join(
    points: Floats,
    outline: Outline,
    traits: WriterTraits,
    linked: Booleans,
    broken: Booleans,
    rng: np.random.Generator,
) -> Booleans:
    """Join points within segments, around closed corners and over links where the pen stays down; drop some hooks.

    Args:
        points: float32 `[N,P,2]`; link points are set in place.
        outline: The character.
        traits: Traits of the writers.
        linked: bool `[N,L]`: whether the pen stays down on a link.
        broken: bool `[N,S,2]`: the ends that no longer meet what they meet in print.
        rng: Selects the hooks to drop.

    Returns:
        bool `[N,P-1]`: whether a line joins a point and the next.
    """
    corners, links, hooks = outline.corners, outline.links, outline.hooks
    joined = np.repeat(outline.inside[None], len(points), 0)
    joined[:, corners.edges] |= ~broken[:, corners.segments, 0]
    if links.ease.size:
        points[:, links.points] = _interpolate(points, links)
        joined[:, links.edges] = np.repeat(linked, len(links.edges) // len(links.ease), 1)
    if hooks.segments.size:
        is_dropped = rng.random((len(points), len(hooks.segments)), np.float32) < traits.hook[:, None] * 0.7
        joined[:, hooks.edges] &= ~is_dropped[:, hooks.hook_of_edge]
    return joined


def _interpolate(points: Floats, links: Links) -> Floats:
    """Return the link points, on the straight line from the end of a stroke to the start of the next."""
    share = links.share[:, None]
    return np.asarray(points[:, links.start] * (1 - share) + points[:, links.end] * share, np.float32)


def _round_corners(points: Floats, joined: Booleans, traits: WriterTraits) -> None:
    """Round corners by pulling each point toward its neighbors on the line, in place. Line ends stay."""
    both = (joined[:, 1:] & joined[:, :-1]).astype(np.float32) * (0.75 * traits.corner)[:, None]
    weight = (both / 2)[..., None]
    for _ in range(4):
        middle = points[:, 1:-1]
        points[:, 1:-1] = middle + weight * (points[:, :-2] + points[:, 2:] - 2 * middle)


def _draw(
    lines: Floats,
    joined: Booleans,
    traits: WriterTraits,
    widths: Floats,
    max_width: float,
    size: int,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Draw lines with each writer's pen, black on white, at most `max_width` wide: uint8 `[N,size,size]`."""
    writers = len(lines)
    factor = max(2, round(_MIN_CANVAS_PIXELS / size))
    side = factor * size
    low, high = _extent(lines, joined)
    fill = 1 - 0.4 * rng.random(writers, np.float32) ** 2
    widths = np.clip(widths * (1 + 0.12 * rng.standard_normal(writers, np.float32)), 0.02, max_width)
    thickness = np.maximum(factor * 0.9, widths * fill * side)
    room = side - 2 * factor - thickness * (1 + traits.pressure) - 5
    scale = fill * room / np.maximum((high - low).max(1), 0.4)  # a dot stays small
    spare = (room[:, None] - (high - low) * scale[:, None]) * 0.5
    offset = 0.3 * spare * rng.uniform(-1, 1, (writers, 2))
    origin = side / 2 + offset - (low + high) / 2 * scale[:, None]
    pixels = np.rint((lines * scale[:, None, None] + origin[:, None]) * 2**_SUBPIXEL_BITS).astype(np.int32)
    pressure = 1 + traits.pressure[:, None] * rng.uniform(-1, 1, (writers, 2))
    weights = np.maximum(1, np.rint(thickness[:, None] * pressure)).astype(int)
    canvas = np.empty((side, side), np.uint8)
    pictures = np.empty((writers, size, size), np.uint8)
    for index in range(writers):
        breaks = np.flatnonzero(~joined[index]) + 1
        strokes = [line for line in np.split(pixels[index], breaks) if len(line) > 1]
        _draw_strokes(canvas, strokes, *weights[index].tolist())
        pictures[index] = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return pictures


def _extent(lines: Floats, joined: Booleans) -> tuple[Floats, Floats]:
    """Return the lower and upper corner of the bounding box of all joined points, float32 `[N,2]` each."""
    is_drawn = np.zeros(lines.shape[:2], bool)
    is_drawn[:, :-1] |= joined
    is_drawn[:, 1:] |= joined
    low = np.where(is_drawn[..., None], lines, np.inf).min(1)
    high = np.where(is_drawn[..., None], lines, -np.inf).max(1)
    return low, high


def _draw_strokes(canvas: NDArray[np.uint8], strokes: list[NDArray[np.int32]], one: int, other: int) -> None:
    """Draw strokes on a cleared canvas, alternating between two thicknesses in pixels."""
    canvas.fill(255)
    if one == other:
        cv2.polylines(canvas, strokes, False, (0,), one, cv2.LINE_8, _SUBPIXEL_BITS)
    else:
        cv2.polylines(canvas, strokes[::2], False, (0,), one, cv2.LINE_8, _SUBPIXEL_BITS)
        cv2.polylines(canvas, strokes[1::2], False, (0,), other, cv2.LINE_8, _SUBPIXEL_BITS)
