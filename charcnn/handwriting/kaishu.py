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
from charcnn.handwriting.strokes import SPACING, Segment, connected_parts, cut_at_corners, length_of, resampled

_FILE = Path(__file__).parent / "stroke_data" / "medians.npz"
_EM = 256
"""Units of the data in one em. All lengths below are in these units."""
_WIDTH = 20
"""Of a stroke: the data's lines end half of it before the stroke does, or a little less."""
_TOUCH = 20
"""Between two lines whose strokes touch."""
_HEAD = 25
"""A first piece that is shorter is where a brush is set down, which a pen has no need of."""


def kaishu(character: str) -> tuple[Segment, ...]:
    """Gives the strokes of a Chinese character, in the order in which they are written; none where it is not known."""
    known = _known()
    at = int(np.searchsorted(known.characters, ord(character)))
    if at == len(known.characters) or known.characters[at] != ord(character):
        return ()
    first, last = known.first_stroke[at : at + 2]
    lines = [known.points[a:b].astype(np.float32) for a, b in pairwise(known.first_point[first : last + 1])]
    everything = np.concatenate(lines)
    middle = (everything.min(0) + everything.max(0)) / 2
    return _segments([_pieces(_lengthened(line - middle, _WIDTH / 4)) for line in lines])


@dataclass(frozen=True)
class _Known:
    """The arrays of the data file; `first_stroke` `[C+1]` and `first_point` `[S+1]` tell where each one's begin."""

    characters: NDArray[np.uint32]
    first_stroke: NDArray[np.int64]
    first_point: NDArray[np.int64]
    points: NDArray[np.uint8]


@cache
def _known() -> _Known:
    with np.load(_FILE) as data:
        return _Known(data["characters"], _starts(data["strokes"]), _starts(data["lengths"]), data["points"])


def _starts(counts: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _lengthened(line: Points, more: float) -> Points:
    """The same line, going on straight at both ends."""
    ends = [line[0] - line[1], line[-1] - line[-2]]
    line = line.copy()
    line[[0, -1]] += [more * end / np.hypot(*end) for end in ends]
    return line


def _pieces(line: Points) -> list[Points]:
    """Cuts a stroke at its corners."""
    pieces = cut_at_corners(line, _WIDTH)
    return pieces[1:] if len(pieces) > 1 and length_of(pieces[0]) < _HEAD else pieces


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
            np.asarray(resampled(piece, max(2, 1 + round(length_of(piece) / _EM / SPACING))) / _EM, np.float32),
            (start, stop),
            part,
            (met[start] == 1, met[stop] == 1),
            number > 0,
        )
        for stroke, nodes, part in zip(strokes, names, parts, strict=True)
        for number, (piece, (start, stop)) in enumerate(zip(stroke, pairwise(nodes), strict=True))
    )


def _nodes(spots: list[Points]) -> list[list[int]]:
    """Numbers the start, corners and end of each stroke; an end has that of the nearest spot that it touches."""
    everything = np.concatenate(spots)
    owner = np.repeat(np.arange(len(spots)), [len(own) for own in spots])
    apart = np.hypot(*(everything[:, None] - everything[None]).transpose(2, 0, 1))
    apart[owner[:, None] == owner] = np.inf
    node = np.arange(len(owner))
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    for end in (*first, *(first[1:] - 1), len(owner) - 1):
        nearest = int(apart[end].argmin())
        if apart[end, nearest] < _TOUCH:
            node[node == node[end]] = node[nearest]
    return [node[owner == number].tolist() for number in range(len(spots))]
