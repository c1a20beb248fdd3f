"""A character's segments as arrays, ready to be deformed for many writers at once; kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.allographs import allographs
from charcnn.handwriting.glyph import faces, glyph
from charcnn.handwriting.kaishu import kaishu
from charcnn.handwriting.strokes import Segment, length_of, segments

_EM = 256
"""Pixels of the em at which glyphs are drawn to find their strokes."""
_LINK_POINTS = 2
"""Points between a stroke and the next where the pen may stay down."""
_HOOK = 0.16
"""Ems: a last segment round a corner that is shorter is a hook, which many writers leave out."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Outline:
    """The points of all segments in one row, with the points of possible links between strokes in their places.

    Attributes:
        points: float32 `[P,2]`, in ems round (0, 0).
        segment, stroke, part: int64 `[P]`: what each point belongs to; a link's points to what comes before them.
        t: float32 `[P]`: 0 at its segment's start, 1 at its end.
        inside: bool `[P-1]`: the points before and after are neighbours in one segment.
        corner_at, corner_of: the edges that go round a corner, and the segment that starts there.
        link_points, link_from, link_to, link_share: the points of links, the points they lie between, and where.
        link_edges: int64: the edges of links, as many for each.
        link_ease: float32 `[links]`, 0 … 1: how easily the pen stays down there: near strokes are linked more often.
        ends: int64 `[S,2]`: the nodes of each segment; `free` bool `[S,2]`: nothing else meets it there.
        tangents: float32 `[S,2,2]`: unit vectors out of both ends; `normals` float32 `[S,2]`; `lengths` float32 `[S]`.
        straight: float32 `[S]`, 0 … 1: the distance between both ends over the length; 0 for a loop.
        sideways: float32 `[S]`: 1 for a horizontal segment, 0 for a vertical one.
        hooks: the hooks' segments; `hook_edges`, `hook_of_edge`: their edges.
    """

    points: Floats
    segment: Ints
    stroke: Ints
    part: Ints
    t: Floats
    inside: NDArray[np.bool_]
    corner_at: Ints
    corner_of: Ints
    link_points: Ints
    link_from: Ints
    link_to: Ints
    link_share: Floats
    link_edges: Ints
    link_ease: Floats
    ends: Ints
    free: NDArray[np.bool_]
    tangents: Floats
    normals: Floats
    lengths: Floats
    straight: Floats
    sideways: Floats
    hooks: Ints
    hook_edges: Ints
    hook_of_edge: Ints

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.lengths)

    @property
    def links(self) -> int:
        """Number of places where the pen may stay down."""
        return len(self.link_ease)

    @cached_property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.ends.max()) + 1

    @cached_property
    def parts(self) -> int:
        """Number of connected parts."""
        return int(self.part.max()) + 1

    @cached_property
    def strokes(self) -> int:
        """Number of strokes: segments that follow each other round corners are one."""
        return int(self.stroke.max()) + 1

    @cached_property
    def dots(self) -> Floats:
        """How much of a dot each stroke is, float32 `[strokes]`: 1 for a point, 0 from a third of an em on."""
        whose = np.zeros(self.segments, np.int64)
        whose[self.segment] = self.stroke
        return np.asarray(np.clip(1 - 3 * np.bincount(whose, self.lengths, self.strokes), 0, 1), np.float32)

    @cached_property
    def hooked(self) -> Floats:
        """1 for the segments that are hooks, float32 `[S]`."""
        marks = np.zeros(self.segments, np.float32)
        marks[self.hooks] = 1
        return marks

    @cached_property
    def pulls(self) -> Floats:
        """How far each point goes along when the start, the end of its segment moves, float32 `[2,P]`, 0 … 1.

        In a segment that is nearly straight all points do; in one that curls, as a 6 does, only those near the end.
        """
        share = np.clip(1.5 * self.straight, 0.2, 1)[self.segment]  # of the segment, next to each of its ends
        return np.asarray(np.clip([1 - self.t / share, (self.t - (1 - share)) / share], 0, 1), np.float32)

    def widest(self, is_small: bool) -> float:
        """Gives the greatest width of line, in ems, that still leaves paper between the strokes.

        Letters and digits (small ones) bear wider lines where there are few strokes, but their loops must stay open.
        """
        ink, most = (0.33, 0.25) if is_small else (0.6, 0.14)
        return float(np.clip(ink / self.lengths.sum(), 0.03, most))

    @cached_property
    def anchors(self) -> Floats:
        """The points that strokes are turned and scaled about, float32 `[strokes,2]`.

        Their middles; of dots the ends nearest to another stroke, so that a long dot reaches away from it.
        """
        found = self.centres(self.stroke, self.strokes)
        for number in np.flatnonzero(self.dots):
            mine, others = self.points[self.stroke == number], self.points[self.stroke != number]
            if len(others):
                gaps = ((mine[:, None] - others[None]) ** 2).sum(-1).min(1)
                found[number] = mine[np.argmin(gaps)]
        return found

    def centres(self, group: Ints, count: int) -> Floats:
        """The middle of the points of each group, float32 `[count,2]`."""
        sums = np.stack([np.bincount(group, self.points[:, axis], count) for axis in (0, 1)], 1)
        return np.asarray(sums / np.maximum(np.bincount(group, minlength=count), 1)[:, None], np.float32)


@lru_cache(maxsize=8192)
def outlines(character: str, fonts: tuple[Path, ...] = ()) -> tuple[Outline, ...]:
    """Gives the shapes in which a character is written: one for each font (or built-in face) that has it.

    With the built-in faces the forms of `allographs` and `kaishu` come on top, and then they are half of what is given.

    Raises:
        GlyphError: no font has the character.
    """
    print_like = tuple(outline(segments(glyph(character, _EM, face), _EM)) for face in faces(character, fonts))
    by_hand = () if fonts else tuple(outline(form) for form in (*allographs(character), kaishu(character)) if form)
    if not by_hand:
        return print_like
    return print_like * len(by_hand) + by_hand * len(print_like)


def outline(found: Sequence[Segment]) -> Outline:
    """Lays a character's segments out as arrays."""
    points: list[Floats] = []
    segment: list[int] = []
    stroke: list[int] = []
    t: list[Floats] = []
    inside: list[bool] = []
    corners: list[tuple[int, int]] = []
    links: list[tuple[int, int, int]] = []  # first point of the link, its two neighbours
    hooks: list[tuple[int, range]] = []
    at = 0
    for number, piece in enumerate(found):
        if number:
            if piece.corner:
                corners.append((at - 1, number))
                inside.append(False)
            else:
                links.append((at, at - 1, at + _LINK_POINTS))
                points.append(np.zeros((_LINK_POINTS, 2), np.float32))
                t.append(np.ones(_LINK_POINTS, np.float32))
                segment += [number - 1] * _LINK_POINTS
                stroke += [stroke[-1]] * _LINK_POINTS
                inside += [False] * (_LINK_POINTS + 1)
                at += _LINK_POINTS
        count = len(piece.points)
        points.append(piece.points)
        t.append(np.linspace(0, 1, count, dtype=np.float32))
        segment += [number] * count
        stroke += [(stroke[-1] + (not piece.corner)) if stroke else 0] * count
        inside += [True] * (count - 1)
        last = number + 1 == len(found) or not found[number + 1].corner
        if piece.corner and last and piece.free[1] and length_of(piece.points) < _HOOK:
            hooks.append((number, range(at - 1, at + count - 1)))
        at += count
    nodes = {node: i for i, node in enumerate(dict.fromkeys(n for piece in found for n in piece.nodes))}
    parts = {part: i for i, part in enumerate(dict.fromkeys(piece.part for piece in found))}
    row = np.concatenate(points)
    chord = np.stack([piece.points[-1] - piece.points[0] for piece in found])
    far = np.maximum(np.hypot(*chord.T), 1e-3)
    chord = chord / far[:, None]
    lengths = np.array([length_of(piece.points) for piece in found], np.float32)
    tangents = np.stack([[_away(piece.points), _away(piece.points[::-1])] for piece in found])
    gaps = np.array([np.hypot(*(row[b] - row[a])) for _, a, b in links], np.float32)
    steps = np.arange(_LINK_POINTS)
    first = np.array([a for a, _, _ in links], np.int64)
    for start, a, b in links:
        row[start : start + _LINK_POINTS] = (row[a] + row[b]) / 2
    return Outline(
        points=row,
        segment=np.array(segment),
        stroke=np.array(stroke),
        part=np.array([parts[found[s].part] for s in segment]),
        t=np.concatenate(t),
        inside=np.array(inside, bool),
        corner_at=np.array([edge for edge, _ in corners], np.int64),
        corner_of=np.array([number for _, number in corners], np.int64),
        link_points=(first[:, None] + steps).reshape(-1),
        link_from=np.repeat(first - 1, _LINK_POINTS),
        link_to=np.repeat(first + _LINK_POINTS, _LINK_POINTS),
        link_share=np.tile((steps + 1) / (_LINK_POINTS + 1), len(links)).astype(np.float32),
        link_edges=(first[:, None] + np.arange(-1, _LINK_POINTS)).reshape(-1),
        link_ease=np.clip(1.1 - 2 * gaps, 0.08, 1),
        ends=np.array([[nodes[piece.nodes[0]], nodes[piece.nodes[1]]] for piece in found]),
        free=np.array([piece.free for piece in found]),
        tangents=np.asarray(tangents, np.float32),
        normals=np.stack([chord[:, 1], -chord[:, 0]], 1).astype(np.float32),
        lengths=lengths,
        straight=np.minimum(far / np.maximum(lengths, 1e-3), 1).astype(np.float32),
        sideways=np.abs(chord[:, 0]).astype(np.float32),
        hooks=np.array([number for number, _ in hooks], np.int64),
        hook_edges=np.array([edge for _, edges in hooks for edge in edges], np.int64),
        hook_of_edge=np.array([i for i, (_, edges) in enumerate(hooks) for _ in edges], np.int64),
    )


def _away(line: Floats) -> Floats:
    """The unit vector out of a line's first point, away from its second."""
    step = line[0] - line[1]
    return np.asarray(step / max(float(np.hypot(*step)), 1e-6), np.float32)
