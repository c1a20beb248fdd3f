"""A character's segments as arrays, ready to be deformed for many writers at once; kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.allographs import find_allographs
from charcnn.handwriting.glyph import draw_glyph, find_faces
from charcnn.handwriting.kaishu import find_kaishu_strokes
from charcnn.handwriting.strokes import Segment, find_segments, path_length

_GLYPH_EM_PIXELS = 256
"""Pixels of the em at which glyphs are drawn to find their strokes."""
_POINTS_PER_LINK = 2
"""Points between a stroke and the next where the pen may stay down."""
_MAX_HOOK_LENGTH = 0.16
"""Ems: a last segment round a corner that is shorter is a hook, which many writers leave out."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Corners:
    """Where a stroke goes round a corner, from one segment to the next.

    Attributes:
        edges: int64 `[C]`: the edges from the last point of a segment to the first of the next.
        segments: int64 `[C]`: the segments that start there.
    """

    edges: Ints
    segments: Ints


@dataclass(frozen=True)
class Links:
    """Where the pen may stay down between two strokes.

    Attributes:
        points: int64 `[2L]`: the points of links, two for each.
        start, end: int64 `[2L]`: the points of strokes that each of them lies between.
        share: float32 `[2L]`, 0 … 1: where each lies, from start to end.
        edges: int64 `[3L]`: the edges of links, three for each.
        ease: float32 `[L]`, 0 … 1: how easily the pen stays down: near strokes are linked more often.
    """

    points: Ints
    start: Ints
    end: Ints
    share: Floats
    edges: Ints
    ease: Floats


@dataclass(frozen=True)
class Hooks:
    """Short last segments round a corner, which many writers leave out.

    Attributes:
        segments: int64 `[H]`.
        edges: int64 `[E]`: the edges of all hooks.
        hook_of_edge: int64 `[E]`: which hook each of them belongs to.
    """

    segments: Ints
    edges: Ints
    hook_of_edge: Ints


@dataclass(frozen=True)
class Outline:
    """The points of all segments in one row, with the points of possible links between strokes in their places.

    Edge `i` goes from point `i` to point `i + 1`.

    Attributes:
        points: float32 `[P,2]`, in ems round (0, 0).
        segment, stroke, part: int64 `[P]`: what each point belongs to; a link's points to what comes before them.
        t: float32 `[P]`: 0 at its segment's start, 1 at its end.
        inside: bool `[P-1]`: the points of an edge are neighbors in one segment.
        corners, links, hooks: Special places.
        ends: int64 `[S,2]`: the nodes of each segment; `free` bool `[S,2]`: nothing else meets it there.
        tangents: float32 `[S,2,2]`: unit vectors out of both ends; `normals` float32 `[S,2]`; `lengths` float32 `[S]`.
        straight: float32 `[S]`, 0 … 1: the distance between both ends over the length; 0 for a loop.
        sideways: float32 `[S]`: 1 for a horizontal segment, 0 for a vertical one.
    """

    points: Floats
    segment: Ints
    stroke: Ints
    part: Ints
    t: Floats
    inside: NDArray[np.bool_]
    corners: Corners
    links: Links
    hooks: Hooks
    ends: Ints
    free: NDArray[np.bool_]
    tangents: Floats
    normals: Floats
    lengths: Floats
    straight: Floats
    sideways: Floats

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.lengths)

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
        marks[self.hooks.segments] = 1
        return marks

    @cached_property
    def pulls(self) -> Floats:
        """How far each point goes along when the start, the end of its segment moves, float32 `[2,P]`, 0 … 1.

        In a segment that is nearly straight all points do; in one that curls, as a 6 does, only those near the end.
        """
        share = np.clip(1.5 * self.straight, 0.2, 1)[self.segment]  # of the segment, next to each of its ends
        return np.asarray(np.clip([1 - self.t / share, (self.t - (1 - share)) / share], 0, 1), np.float32)

    def max_line_width(self, is_small: bool) -> float:
        """Return the largest width of line, in ems, that still leaves paper between the strokes.

        Letters and digits (small ones) bear wider lines where there are few strokes, but their loops must stay open.
        """
        ink, limit = (0.33, 0.25) if is_small else (0.6, 0.14)
        return float(np.clip(ink / self.lengths.sum(), 0.03, limit))

    @cached_property
    def anchors(self) -> Floats:
        """The points that strokes are turned and scaled about, float32 `[strokes,2]`.

        Their middles; of dots the ends nearest to another stroke, so that a long dot reaches away from it.
        """
        found = self.centers(self.stroke, self.strokes)
        for number in np.flatnonzero(self.dots):
            mine, others = self.points[self.stroke == number], self.points[self.stroke != number]
            if len(others):
                gaps = ((mine[:, None] - others[None]) ** 2).sum(-1).min(1)
                found[number] = mine[np.argmin(gaps)]
        return found

    def centers(self, group: Ints, count: int) -> Floats:
        """The middle of the points of each group, float32 `[count,2]`."""
        sums = np.stack([np.bincount(group, self.points[:, axis], count) for axis in (0, 1)], 1)
        return np.asarray(sums / np.maximum(np.bincount(group, minlength=count), 1)[:, None], np.float32)


@lru_cache(maxsize=8192)
def find_outlines(character: str, fonts: tuple[Path, ...] = ()) -> tuple[Outline, ...]:
    """Return the shapes in which a character is written: one for each font (or built-in face) that has it.

    With the built-in faces the forms of `allographs` and `kaishu` are added, and are then half of what is returned.

    Raises:
        GlyphError: no font has the character.
    """
    printed = tuple(
        build_outline(find_segments(draw_glyph(character, _GLYPH_EM_PIXELS, face), _GLYPH_EM_PIXELS))
        for face in find_faces(character, fonts)
    )
    forms = () if fonts else (*find_allographs(character), find_kaishu_strokes(character))
    handwritten = tuple(build_outline(form) for form in forms if form)
    if not handwritten:
        return printed
    return printed * len(handwritten) + handwritten * len(printed)


def build_outline(segments: Sequence[Segment]) -> Outline:
    """Lay a character's segments out as arrays."""
    row = _Row()
    for number, segment in enumerate(segments):
        if number and segment.corner:
            row.add_corner(number)
        elif number:
            row.add_link(number)
        row.add_segment(number, segment, _is_hook(segments, number))
    points = np.concatenate(row.points)
    links = _build_links(points, np.array(row.links, np.int64))
    nodes = {node: i for i, node in enumerate(dict.fromkeys(n for segment in segments for n in segment.nodes))}
    parts = {part: i for i, part in enumerate(dict.fromkeys(segment.part for segment in segments))}
    chord = np.stack([segment.points[-1] - segment.points[0] for segment in segments])
    distance = np.maximum(np.hypot(*chord.T), 1e-3)
    chord = chord / distance[:, None]
    lengths = np.array([path_length(segment.points) for segment in segments], np.float32)
    tangents = [[_outward_direction(segment.points), _outward_direction(segment.points[::-1])] for segment in segments]
    return Outline(
        points=points,
        segment=np.array(row.segment),
        stroke=np.array(row.stroke),
        part=np.array([parts[segments[number].part] for number in row.segment]),
        t=np.concatenate(row.t),
        inside=np.array(row.inside, bool),
        corners=Corners(*np.array(row.corners, np.int64).reshape(-1, 2).T),
        links=links,
        hooks=_build_hooks(row.hooks),
        ends=np.array([[nodes[node] for node in segment.nodes] for segment in segments]),
        free=np.array([segment.free for segment in segments]),
        tangents=np.asarray(np.stack([np.stack(pair) for pair in tangents]), np.float32),
        normals=np.stack([chord[:, 1], -chord[:, 0]], 1).astype(np.float32),
        lengths=lengths,
        straight=np.minimum(distance / np.maximum(lengths, 1e-3), 1).astype(np.float32),
        sideways=np.abs(chord[:, 0]).astype(np.float32),
    )


@dataclass
class _Row:
    """The points of an outline, laid out one segment after the other.

    Attributes:
        points, t, segment, stroke, inside: As in `Outline`; lists of blocks, or of values.
        corners: Edge and segment of each corner.
        links: The first point of each link.
        hooks: Segment and edges of each hook.
    """

    points: list[Floats] = field(default_factory=list)
    t: list[Floats] = field(default_factory=list)
    segment: list[int] = field(default_factory=list)
    stroke: list[int] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)
    corners: list[tuple[int, int]] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    hooks: list[tuple[int, range]] = field(default_factory=list)

    def add_corner(self, number: int) -> None:
        """Go round a corner to the segment `number`."""
        self.corners.append((len(self.segment) - 1, number))
        self.inside.append(False)

    def add_link(self, number: int) -> None:
        """Lift the pen, or not, before the segment `number`."""
        self.links.append(len(self.segment))
        self.points.append(np.zeros((_POINTS_PER_LINK, 2), np.float32))
        self.t.append(np.ones(_POINTS_PER_LINK, np.float32))
        self.segment += [number - 1] * _POINTS_PER_LINK
        self.stroke += [self.stroke[-1]] * _POINTS_PER_LINK
        self.inside += [False] * (_POINTS_PER_LINK + 1)

    def add_segment(self, number: int, segment: Segment, is_hook: bool) -> None:
        """Add the points of a segment; one that does not follow a corner begins a stroke."""
        start, count = len(self.segment), len(segment.points)
        self.points.append(segment.points)
        self.t.append(np.linspace(0, 1, count, dtype=np.float32))
        self.segment += [number] * count
        self.stroke += [self.stroke[-1] + (not segment.corner) if self.stroke else 0] * count
        self.inside += [True] * (count - 1)
        if is_hook:
            self.hooks.append((number, range(start - 1, start + count - 1)))


def _is_hook(segments: Sequence[Segment], number: int) -> bool:
    segment = segments[number]
    is_last = number + 1 == len(segments) or not segments[number + 1].corner
    return segment.corner and is_last and segment.free[1] and path_length(segment.points) < _MAX_HOOK_LENGTH


def _build_links(points: Floats, first: Ints) -> Links:
    """Place the points of links halfway, in `points` itself, and return the links.

    Args:
        points: float32 `[P,2]`.
        first: int64 `[L]`: the first point of each link.
    """
    start, end = first - 1, first + _POINTS_PER_LINK
    gaps = np.hypot(*(points[end] - points[start]).T)
    steps = np.arange(_POINTS_PER_LINK)
    own = first[:, None] + steps
    points[own] = ((points[start] + points[end]) / 2)[:, None]
    return Links(
        points=own.reshape(-1),
        start=np.repeat(start, _POINTS_PER_LINK),
        end=np.repeat(end, _POINTS_PER_LINK),
        share=np.tile((steps + 1) / (_POINTS_PER_LINK + 1), len(first)).astype(np.float32),
        edges=(first[:, None] + np.arange(-1, _POINTS_PER_LINK)).reshape(-1),
        ease=np.clip(1.1 - 2 * gaps, 0.08, 1),
    )


def _build_hooks(hooks: Sequence[tuple[int, range]]) -> Hooks:
    return Hooks(
        segments=np.array([number for number, _ in hooks], np.int64),
        edges=np.array([edge for _, edges in hooks for edge in edges], np.int64),
        hook_of_edge=np.array([i for i, (_, edges) in enumerate(hooks) for _ in edges], np.int64),
    )


def _outward_direction(line: Floats) -> Floats:
    """Return the unit vector out of a line's first point, away from its second."""
    step = line[0] - line[1]
    return np.asarray(step / max(float(np.hypot(*step)), 1e-6), np.float32)
