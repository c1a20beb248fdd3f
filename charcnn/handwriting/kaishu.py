"""Chinese characters as they are written: the strokes of the regular script (楷书, kǎishū), in their order.

Print makes strokes as wide and as even as it can; in the regular script they have the proportions that hands give them.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.skeleton import Points
from charcnn.handwriting.stroke_data import EM
from charcnn.handwriting.strokes import Segment, connected_parts, cut_at_corners, length_of, resampled, spaced

FILE = Path(__file__).parent / "stroke_data" / "medians.npz"
# lengths are in the units of the data, EM of them in one em
_WIDTH = 20
"""Of a stroke: the data's lines end some quarter of it before the stroke does."""
_TOUCH = 20
"""Between two lines whose strokes touch."""
_HEAD = 25
"""A first piece that is shorter is where a brush is set down, which a pen has no need of."""


def kaishu(character: str) -> tuple[Segment, ...]:
    """Gives the strokes of one Chinese character, in the order of writing; none where it is not known."""
    known = _known()
    at = int(np.searchsorted(known.characters, ord(character)))
    if at == len(known.characters) or known.characters[at] != ord(character):
        return ()
    first, last = known.first_stroke[at : at + 2]
    lines = [known.points[a:b].astype(np.float32) for a, b in pairwise(known.first_point[first : last + 1])]
    strokes = [_pieces(_drawn_out(line, _WIDTH / 4)) for line in lines]
    everything = np.concatenate([piece for stroke in strokes for piece in stroke])
    middle = (everything.min(0) + everything.max(0)) / 2
    return _segments([[piece - middle for piece in stroke] for stroke in strokes])


@dataclass(frozen=True)
class _Known:
    """The arrays of the data file; `first_stroke` `[C+1]` and `first_point` `[S+1]` tell where each one's begin."""

    characters: NDArray[np.uint32]
    first_stroke: NDArray[np.int64]
    first_point: NDArray[np.int64]
    points: NDArray[np.uint8]


@cache
def _known() -> _Known:
    with np.load(FILE) as data:
        return _Known(data["characters"], _starts(data["strokes"]), _starts(data["lengths"]), data["points"])


def _starts(counts: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _drawn_out(line: Points, more: float) -> Points:
    """The same line, going on straight at both ends."""
    ends = [line[0] - line[1], line[-1] - line[-2]]
    line = line.copy()
    line[[0, -1]] += [more * end / np.hypot(*end) for end in ends]
    return line


def _pieces(line: Points) -> list[Points]:
    """Cuts a stroke at its corners, and leaves out the first piece where that is but the brush set down."""
    pieces = cut_at_corners(line, _WIDTH)
    if len(pieces) > 1:
        long, (x, y) = length_of(pieces[0]), pieces[0][-1] - pieces[0][0]
        if long < _HEAD and long < 0.3 * length_of(line) and x < 2 * abs(y):  # else a short bar
            return pieces[1:]
    return pieces


def _segments(strokes: list[list[Points]]) -> tuple[Segment, ...]:
    """Names the nodes and parts of strokes, each cut into pieces at its corners."""
    spots = [np.stack([piece[0] for piece in stroke] + [stroke[-1][-1]]) for stroke in strokes]
    names = _nodes(spots)
    dense = [
        np.concatenate([resampled(piece, 1 + round(length_of(piece) / 10)) for piece in stroke]) for stroke in strokes
    ]
    parts = connected_parts(dense, _TOUCH)
    met = Counter(node for stroke in names for pair in pairwise(stroke) for node in pair)
    return tuple(
        Segment(
            spaced(piece, EM),
            (start, stop),
            part,
            (met[start] == 1, met[stop] == 1),
            number > 0,
        )
        for stroke, nodes, part in zip(strokes, names, parts, strict=True)
        for number, (piece, (start, stop)) in enumerate(zip(stroke, pairwise(nodes), strict=True))
    )


def _nodes(spots: list[Points]) -> list[list[int]]:
    """Numbers the start, corners and end of each stroke.

    An end has the number of what it touches, nearest first; all spots of one number touch each other, each of another
    stroke.
    """
    everything = np.concatenate(spots)
    owner = np.repeat(np.arange(len(spots)), [len(own) for own in spots])
    inner = np.concatenate([[False, *[True] * (len(own) - 2), False] for own in spots])
    apart = np.hypot(*(everything[:, None] - everything[None]).transpose(2, 0, 1))
    apart[(owner[:, None] == owner) & ~np.eye(len(owner), dtype=bool)] = np.inf
    pairs = np.argwhere(np.triu((apart < _TOUCH) & ~(inner[:, None] & inner), 1))
    node = np.arange(len(owner))
    for one, two in pairs[np.argsort(apart[tuple(pairs.T)], kind="stable")]:
        together = np.flatnonzero((node == node[one]) | (node == node[two]))
        if (apart[np.ix_(together, together)] < _TOUCH).all():
            node[together] = node[one]
    return [node[owner == number].tolist() for number in range(len(spots))]
