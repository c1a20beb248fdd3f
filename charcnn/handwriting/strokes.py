"""Find the strokes of a printed shape: chains of the skeleton, joined at junctions and cut at corners.

Strokes consist of *segments*: pieces of line without a sharp corner. Segments that meet in print share a *node*, which
is a corner (口 has four) or a point where one touches another. Writers move nodes, bend segments and break corners.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from charcnn.handwriting.skeleton import Points, extract_chains
from charcnn.images.codec import Gray

_MIN_STRAIGHT_COSINE = 0.72
"""Cosine of the turn below which two chains that meet at a junction are separate strokes."""
_MAX_CORNER_COSINE = 0.55
"""Cosine of the turn below which a chain is cut in two: about 57°."""
POINT_SPACING = 0.07
"""Distance between neighboring points of a segment, in ems."""


@dataclass(frozen=True)
class Segment:
    """A piece of a stroke without a sharp corner.

    Attributes:
        points: float32 `[K,2]`, K ≥ 2, in ems; the character's box is centered on (0, 0).
        nodes: Numbers of the nodes at its start and end, unique within the character.
        part: Number of the connected part of the character that it belongs to.
        free: Whether its start, and its end, meet nothing else.
        corner: Whether it continues the previous segment around a corner.
    """

    points: Points
    nodes: tuple[int, int]
    part: int
    free: tuple[bool, bool]
    corner: bool


def find_segments(picture: Gray, em: float) -> tuple[Segment, ...]:
    """Return the strokes of a printed character, in approximate writing order.

    Args:
        picture: uint8 `[H,W]`, dark on white.
        em: Pixels per em; the result is in ems.

    Returns:
        At least one segment; a dot becomes a short one.
    """
    chains, ends, width = extract_chains(picture < 128)
    chains, ends = _join(chains, ends, width)
    pieces: list[tuple[Points, int, int, bool]] = []
    free_node = 1 + max((end for pair in ends for end in pair), default=0)
    for line, (first, last) in zip(chains, ends, strict=True):
        chain = _extend_free_ends(line, (first < 0, last < 0), width)
        cut = cut_at_corners(chain, width)
        inner = list(range(free_node, free_node + len(cut) + 1))
        free_node += len(inner)
        marks = [first if first >= 0 else inner[0], *inner[1:-1], last if last >= 0 else inner[-1]]
        if first < 0 and np.hypot(*(chain[0] - chain[-1])) < 2 and len(cut) > 1:
            marks[-1] = marks[0]  # a closed loop ends at its start
        pieces += [(piece, marks[i], marks[i + 1], i > 0) for i, piece in enumerate(cut)]
    return _order_strokes(pieces, em)


def _join(
    chains: list[Points], ends: list[tuple[int, int]], width: float
) -> tuple[list[Points], list[tuple[int, int]]]:
    """Join the chains that continue straight through a junction, the straightest pair first."""
    at: dict[int, list[tuple[int, int]]] = {}
    for index, pair in enumerate(ends):
        for side, junction in enumerate(pair):
            if junction >= 0:
                at.setdefault(junction, []).append((index, side))
    follows: dict[tuple[int, int], tuple[int, int]] = {}
    for meeting in at.values():
        directions = [
            _start_direction(chains[index] if side == 0 else chains[index][::-1], width) for index, side in meeting
        ]
        turns = sorted(
            (float(directions[i] @ directions[j]), i, j) for i in range(len(meeting)) for j in range(i)
        )  # -1: straight on
        for turn, i, j in turns:
            if (turn < -_MIN_STRAIGHT_COSINE or len(meeting) == 2) and not {meeting[i], meeting[j]} & follows.keys():
                follows[meeting[i]], follows[meeting[j]] = meeting[j], meeting[i]
    whole: list[Points] = []
    marks: list[tuple[int, int]] = []
    done: set[int] = set()
    heads = [(i, s) for i in range(len(chains)) for s in (0, 1) if (i, s) not in follows]
    for head in [*heads, *((i, 0) for i in range(len(chains)))]:
        if head[0] in done:
            continue
        path: list[Points] = []
        index, side = head
        while True:
            done.add(index)
            path.append(chains[index] if side == 0 else chains[index][::-1])
            onward = follows.get((index, 1 - side))
            if onward is None or onward[0] in done:
                break
            index, side = onward
        first, last = ends[head[0]][head[1]], ends[index][1 - side]
        whole.append(_join_path(path, width))
        marks.append((first, last if onward is None else first))  # a loop ends at its start
    return whole, marks


def _join_path(path: list[Points], width: float) -> Points:
    """Join chains to one line, without the points near junctions, where a skeleton bends."""
    if len(path) == 1:
        return path[0]
    kept = []
    bends = [
        float(_start_direction(one[::-1], width) @ _start_direction(two, width)) > -_MIN_STRAIGHT_COSINE
        for one, two in pairwise(path)
    ]
    for number, chain in enumerate(path):
        far = np.ones(len(chain), bool)
        if number > 0 and not bends[number - 1]:
            far &= np.hypot(*(chain - chain[0]).T) > 0.6 * width
        if number < len(path) - 1 and not bends[number]:
            far &= np.hypot(*(chain - chain[-1]).T) > 0.6 * width
        kept.append(chain[far])
    line = np.concatenate(kept)
    return line if len(line) > 1 else np.concatenate([path[0][:1], path[-1][-1:]])


def _start_direction(chain: Points, width: float) -> Points:
    """Return the unit vector in which a chain leaves its first point, measured outside of the junction."""
    far = np.hypot(*(chain - chain[0]).T)
    near = chain[np.argmax(far > 0.7 * width)] if (far > 0.7 * width).any() else chain[0]
    away = chain[np.argmax(far > 2.5 * width)] if (far > 2.5 * width).any() else chain[-1]
    step = away - near
    return np.asarray(step / max(float(np.hypot(*step)), 1e-6), np.float32)


def cut_at_corners(chain: Points, width: float) -> list[Points]:
    """Cut a line where its direction turns sharply within about one stroke width.

    Args:
        chain: float32 `[K,2]`, in pixels or similarly small units.
        width: Stroke width, in the same unit.

    Returns:
        At least one piece; each starts where the previous one ends.
    """
    line = resample(chain, max(3, round(path_length(chain) / 2)))
    reach = max(2, round(width / 2))
    if len(line) < 2 * reach + 2:
        return [line]
    ahead = np.diff(line, axis=0)
    sums = np.concatenate([np.zeros((1, 2), np.float32), np.cumsum(ahead, axis=0)])
    spots = np.arange(reach, len(line) - reach)
    before, after = sums[spots] - sums[spots - reach], sums[spots + reach] - sums[spots]
    cosine = (before * after).sum(1) / np.maximum(np.hypot(*before.T) * np.hypot(*after.T), 1e-6)
    cuts: list[int] = []
    for order in np.argsort(cosine):
        if cosine[order] > _MAX_CORNER_COSINE:
            break
        if all(abs(spots[order] - cut) > 2 * reach for cut in cuts):
            cuts.append(int(spots[order]))
    bounds = [0, *sorted(cuts), len(line) - 1]
    return [line[a : b + 1] for a, b in pairwise(bounds)]


def _extend_free_ends(chain: Points, free: tuple[bool, bool], width: float) -> Points:
    """Extend free ends by half a stroke width, which the skeleton lacks there."""
    if np.hypot(*(chain[0] - chain[-1])) < 2 and len(chain) > 4:
        return chain  # a closed loop has no ends
    parts = [chain]
    if free[0]:
        parts.insert(0, (chain[0] - _start_direction(chain, width) * width / 2)[None])
    if free[1]:
        parts.append((chain[-1] - _start_direction(chain[::-1], width) * width / 2)[None])
    return np.concatenate(parts)


def _order_strokes(pieces: list[tuple[Points, int, int, bool]], em: float) -> tuple[Segment, ...]:
    """Center, orient and number strokes, and sort them: from the top left, each followed by the nearest one."""
    corners = np.concatenate([points for points, *_ in pieces])
    center = (corners.min(0) + corners.max(0)) / 2
    strokes: list[list[tuple[Points, int, int]]] = []
    for points, first, last, corner in pieces:
        line = space_evenly(points - center, em)
        if corner:
            strokes[-1].append((line, first, last))
        else:
            strokes.append([(line, first, last)])
    strokes = [_orient(stroke) for stroke in strokes]
    free_nodes = find_free_nodes((first, last) for stroke in strokes for _, first, last in stroke)
    parts = connected_parts(
        [np.concatenate([line for line, _, _ in stroke]) for stroke in strokes], 0.6 * POINT_SPACING
    )
    found: list[Segment] = []
    left = list(range(len(strokes)))
    here = np.array([-0.6, -0.6], np.float32)
    while left:
        cost = [
            _start_of(strokes[i]) @ (0.7, 1.0) + 0.35 * float(np.hypot(*(_start_of(strokes[i]) - here))) for i in left
        ]
        stroke_number = left.pop(int(np.argmin(cost)))
        for number, (line, first, last) in enumerate(strokes[stroke_number]):
            free = (first in free_nodes, last in free_nodes)
            found.append(Segment(line, (first, last), parts[stroke_number], free, number > 0))
        here = strokes[stroke_number][-1][0][-1]
    return tuple(found)


def _start_of(stroke: list[tuple[Points, int, int]]) -> Points:
    return np.asarray(stroke[0][0][0], np.float32)


def _orient(stroke: list[tuple[Points, int, int]]) -> list[tuple[Points, int, int]]:
    """Orient a stroke as a pen writes: to the right and down. If these disagree, down counts more."""
    direction = stroke[-1][0][-1] - stroke[0][0][0]
    if direction @ (1.0, 1.6) >= 0:
        return stroke
    return [(line[::-1], last, first) for line, first, last in reversed(stroke)]


def connected_parts(strokes: Sequence[Points], near: float) -> list[int]:
    """Return the part number of each stroke. Strokes with points closer than `near` belong to one part."""
    points = np.concatenate(strokes)
    starts = np.cumsum([0, *map(len, strokes[:-1])])
    apart = ((points[:, None] - points[None]) ** 2).sum(-1)
    gaps = np.minimum.reduceat(np.minimum.reduceat(apart, starts, 0), starts, 1)
    part = np.arange(len(strokes))
    for one, two in np.argwhere(gaps < near**2):
        part[part == part[one]] = part[two]
    return [int(name) for name in part]


def find_free_nodes(ends: Iterable[tuple[int, int]]) -> set[int]:
    """Return the nodes that only one segment ends at, given the start and end node of each segment."""
    count = Counter(node for pair in ends for node in pair)
    return {node for node, segments in count.items() if segments == 1}


def path_length(line: Points) -> float:
    """Return the length of a line, in the unit of its points."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def space_evenly(line: Points, em: float) -> Points:
    """Resample a line to points about `POINT_SPACING` apart, in ems; `em` is one em in the unit of the line."""
    return np.asarray(resample(line, max(2, 1 + round(path_length(line) / em / POINT_SPACING))) / em, np.float32)


def resample(line: Points, count: int) -> Points:
    """Resample a line to equally spaced points.

    Args:
        line: float32 `[K,2]`.
        count: Number of points.

    Returns:
        float32 `[count,2]`, including both ends of the line.
    """
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], 1).astype(np.float32)
