"""Segments of a character as arrays, for deforming them for many writers at once. Results are cached."""

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
"""Pixels per em at which glyphs are drawn to find their strokes."""
_POINTS_PER_LINK = 2
"""Points inserted between two strokes, where the pen may stay down."""
_MAX_HOOK_LENGTH_EM = 0.16
"""Maximum length of a hook in ems. A hook is a last segment after a corner, which many writers leave out."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Corners:
    """Corners of strokes, where one segment continues as the next.

    Attributes:
        edges: int64 `[C]`: the edges from the last point of a segment to the first of the next.
        segments: int64 `[C]`: the segments that start at the corners.
    """

    edges: Ints
    segments: Ints


@dataclass(frozen=True)
class Links:
    """Places where the pen may stay down between two strokes.

    Attributes:
        points: int64 `[2L]`: indices of the link points, two per link.
        start, end: int64 `[2L]`: indices of the stroke points before and after each link point.
        share: float32 `[2L]`, 0 … 1: position of each link point between start and end.
        edges: int64 `[3L]`: the edges of links, three per link.
        ease: float32 `[L]`, 0 … 1: how easily the pen stays down; higher if the strokes are close.
    """

    points: Ints
    start: Ints
    end: Ints
    share: Floats
    edges: Ints
    ease: Floats


@dataclass(frozen=True)
class Hooks:
    """Short last segments after a corner, which many writers leave out.

    Attributes:
        segments: int64 `[H]`: the segments that are hooks.
        edges: int64 `[E]`: the edges of all hooks.
        hook_of_edge: int64 `[E]`: the hook that each edge belongs to.
    """

    segments: Ints
    edges: Ints
    hook_of_edge: Ints


@dataclass(frozen=True)
class Outline:
    """The points of all segments in one array, including those of possible links between strokes.

    Edge `i` goes from point `i` to point `i + 1`.

    Attributes:
        points: float32 `[P,2]`, in ems, centered on (0, 0).
        segment, stroke, part: int64 `[P]`: what each point belongs to; link points belong to what precedes them.
        t: float32 `[P]`: 0 at its segment's start, 1 at its end.
        inside: bool `[P-1]`: whether both points of an edge are neighbors in one segment.
        corners, links, hooks: Special edges, points and segments.
        ends: int64 `[S,2]`: the nodes of each segment.
        free: bool `[S,2]`: whether an end of a segment meets nothing else.
        tangents: float32 `[S,2,2]`: unit vectors that point outward at both ends of each segment.
        normals: float32 `[S,2]`: unit vectors perpendicular to the chord of each segment.
        lengths: float32 `[S]`, in ems.
        straight: float32 `[S]`, 0 … 1: distance between both ends divided by the length; 0 for a loop.
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
        """Number of strokes. Segments that continue each other around corners are one stroke."""
        return int(self.stroke.max()) + 1

    @cached_property
    def dots(self) -> Floats:
        """How similar each stroke is to a dot, float32 `[strokes]`: 1 for a point, 0 from a third of an em."""
        stroke = np.zeros(self.segments, np.int64)
        stroke[self.segment] = self.stroke
        return np.asarray(np.clip(1 - 3 * np.bincount(stroke, self.lengths, self.strokes), 0, 1), np.float32)

    @cached_property
    def hooked(self) -> Floats:
        """1 for segments that are hooks, else 0; float32 `[S]`."""
        marks = np.zeros(self.segments, np.float32)
        marks[self.hooks.segments] = 1
        return marks

    @cached_property
    def pulls(self) -> Floats:
        """How far each point moves with the start and with the end of its segment, float32 `[2,P]`, 0 … 1.

        In a nearly straight segment, all points move. In a curled one, like a 6, only those near the moved end do.
        """
        share = np.clip(1.5 * self.straight, 0.2, 1)[self.segment]  # of the segment that moves with each end
        return np.asarray(np.clip([1 - self.t / share, (self.t - (1 - share)) / share], 0, 1), np.float32)

    def max_line_width(self, is_small: bool) -> float:
        """Return the maximum line width, in ems, that leaves paper between the strokes.

        Letters and digits (`is_small`) allow wider lines if they have few strokes, but their loops must stay open.
        """
        ink, limit = (0.33, 0.25) if is_small else (0.6, 0.14)
        return float(np.clip(ink / self.lengths.sum(), 0.03, limit))

    @cached_property
    def anchors(self) -> Floats:
        """The points about which strokes are rotated and scaled, float32 `[strokes,2]`.

        These are the centers of strokes. For dots, they are the ends nearest to another stroke, so that long dots
        extend away from it.
        """
        found = self.centers(self.stroke, self.strokes)
        for number in np.flatnonzero(self.dots):
            mine, others = self.points[self.stroke == number], self.points[self.stroke != number]
            if len(others):
                gaps = ((mine[:, None] - others[None]) ** 2).sum(-1).min(1)
                found[number] = mine[np.argmin(gaps)]
        return found

    def centers(self, group: Ints, count: int) -> Floats:
        """Return the mean point of each group, float32 `[count,2]`."""
        sums = np.stack([np.bincount(group, self.points[:, axis], count) for axis in (0, 1)], 1)
        return np.asarray(sums / np.maximum(np.bincount(group, minlength=count), 1)[:, None], np.float32)


@lru_cache(maxsize=8192)
def find_outlines(character: str, fonts: tuple[Path, ...] = ()) -> tuple[Outline, ...]:
    """Return the shapes in which a character is written, one for each font (or built-in face) that has it.

    With the built-in faces, the forms of `allographs` and `kaishu` are added, and are half of the result.

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
    """Convert the segments of a character to arrays."""
    builder = _OutlineBuilder()
    for number, segment in enumerate(segments):
        if number and segment.corner:
            builder.add_corner(number)
        elif number:
            builder.add_link(number)
        builder.add_segment(number, segment, _is_hook(segments, number))
    points = np.concatenate(builder.points)
    links = _build_links(points, np.array(builder.links, np.int64))
    nodes = {node: i for i, node in enumerate(dict.fromkeys(n for segment in segments for n in segment.nodes))}
    parts = {part: i for i, part in enumerate(dict.fromkeys(segment.part for segment in segments))}
    chord = np.stack([segment.points[-1] - segment.points[0] for segment in segments])
    distance = np.maximum(np.hypot(*chord.T), 1e-3)
    chord = chord / distance[:, None]
    lengths = np.array([path_length(segment.points) for segment in segments], np.float32)
    tangents = [[_outward_direction(segment.points), _outward_direction(segment.points[::-1])] for segment in segments]
    return Outline(
        points=points,
        segment=np.array(builder.segment),
        stroke=np.array(builder.stroke),
        part=np.array([parts[segments[number].part] for number in builder.segment]),
        t=np.concatenate(builder.t),
        inside=np.array(builder.inside, bool),
        corners=Corners(*np.array(builder.corners, np.int64).reshape(-1, 2).T),
        links=links,
        hooks=_build_hooks(builder.hooks),
        ends=np.array([[nodes[node] for node in segment.nodes] for segment in segments]),
        free=np.array([segment.free for segment in segments]),
        tangents=np.asarray(np.stack([np.stack(pair) for pair in tangents]), np.float32),
        normals=np.stack([chord[:, 1], -chord[:, 0]], 1).astype(np.float32),
        lengths=lengths,
        straight=np.minimum(distance / np.maximum(lengths, 1e-3), 1).astype(np.float32),
        sideways=np.abs(chord[:, 0]).astype(np.float32),
    )


@dataclass
class _OutlineBuilder:
    """Collects the points of an outline, segment by segment.

    Attributes:
        points, t, segment, stroke, inside: As in `Outline`, as lists of arrays or of values.
        corners: Edge and segment of each corner.
        links: First point of each link.
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
        """Add a corner before the segment `number`."""
        self.corners.append((len(self.segment) - 1, number))
        self.inside.append(False)

    def add_link(self, number: int) -> None:
        """Add a link before the segment `number`, where the pen may be lifted."""
        self.links.append(len(self.segment))
        self.points.append(np.zeros((_POINTS_PER_LINK, 2), np.float32))
        self.t.append(np.ones(_POINTS_PER_LINK, np.float32))
        self.segment += [number - 1] * _POINTS_PER_LINK
        self.stroke += [self.stroke[-1]] * _POINTS_PER_LINK
        self.inside += [False] * (_POINTS_PER_LINK + 1)

    def add_segment(self, number: int, segment: Segment, is_hook: bool) -> None:
        """Add the points of a segment. If it does not follow a corner, it starts a stroke."""
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
    return segment.corner and is_last and segment.free[1] and path_length(segment.points) < _MAX_HOOK_LENGTH_EM


def _build_links(points: Floats, first: Ints) -> Links:
    """Move link points halfway between their strokes, in place in `points`, and return the links.

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
    """Return the unit vector that points from the second point of a line to its first."""
    step = line[0] - line[1]
    return np.asarray(step / max(float(np.hypot(*step)), 1e-6), np.float32)
