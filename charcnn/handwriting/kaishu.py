"""Strokes of Chinese characters in the regular script (楷书, kǎishū), in writing order.

Print makes strokes as wide and even as possible. In the regular script, they have the proportions of handwriting.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.skeleton import Points
from charcnn.handwriting.stroke_data import EM
from charcnn.handwriting.strokes import (
    Segment,
    connected_parts,
    cut_at_corners,
    find_free_nodes,
    path_length,
    resample,
    space_evenly,
)

DATA_FILE = Path(__file__).parent / "stroke_data" / "medians.npz"
# The lengths below are in data units, EM per em
_STROKE_WIDTH = 20
"""Width of a stroke. Lines in the data end about a quarter of it before the stroke ends."""
_MAX_TOUCH_DISTANCE = 20
"""Maximum distance between two lines whose strokes touch."""
_MAX_HEAD_LENGTH = 25
"""Maximum length of a first piece that only sets down the brush, which a pen does not need."""


def find_kaishu_strokes(character: str) -> tuple[Segment, ...]:
    """Return the strokes of a Chinese character, in writing order; empty if the character is not in the data."""
    known, (first, last) = _load(), _stroke_range(character)
    if first == last:
        return ()
    lines = [known.points[a:b].astype(np.float32) for a, b in pairwise(known.first_point[first : last + 1])]
    strokes = [_cut_stroke(_extend(line, _STROKE_WIDTH / 4)) for line in lines]
    everything = np.concatenate([piece for stroke in strokes for piece in stroke])
    middle = (everything.min(0) + everything.max(0)) / 2
    return _build_segments([[piece - middle for piece in stroke] for stroke in strokes])


def count_strokes(character: str) -> int:
    """Return the number of strokes of a Chinese character; 0 if the character is not in the data."""
    first, last = _stroke_range(character)
    return last - first


def _stroke_range(character: str) -> tuple[int, int]:
    """Return the first stroke of a character in the data, and the one after its last; equal if it is not there."""
    known = _load()
    at = int(np.searchsorted(known.characters, ord(character)))
    if at == len(known.characters) or known.characters[at] != ord(character):
        return 0, 0
    return int(known.first_stroke[at]), int(known.first_stroke[at + 1])


@dataclass(frozen=True)
class _Medians:
    """Arrays of the data file. `first_stroke` `[C+1]` and `first_point` `[S+1]` are offsets by character and stroke."""

    characters: NDArray[np.uint32]
    first_stroke: NDArray[np.int64]
    first_point: NDArray[np.int64]
    points: NDArray[np.uint8]


@cache
def _load() -> _Medians:
    with np.load(DATA_FILE) as data:
        return _Medians(data["characters"], _offsets(data["strokes"]), _offsets(data["lengths"]), data["points"])


def _offsets(counts: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _extend(line: Points, more: float) -> Points:
    """Extend a line straight at both ends, by `more`."""
    ends = [line[0] - line[1], line[-1] - line[-2]]
    line = line.copy()
    line[[0, -1]] += [more * end / np.hypot(*end) for end in ends]
    return line


def _cut_stroke(line: Points) -> list[Points]:
    """Cut a stroke at its corners, and drop the first piece if it only sets down the brush."""
    pieces = cut_at_corners(line, _STROKE_WIDTH)
    if len(pieces) > 1:
        long, (x, y) = path_length(pieces[0]), pieces[0][-1] - pieces[0][0]
        if long < _MAX_HEAD_LENGTH and long < 0.3 * path_length(line) and x < 2 * abs(y):  # flatter: a short bar
            return pieces[1:]
    return pieces


def _build_segments(strokes: list[list[Points]]) -> tuple[Segment, ...]:
    """Return the segments of strokes, each already cut into pieces at its corners."""
    spots = [np.stack([piece[0] for piece in stroke] + [stroke[-1][-1]]) for stroke in strokes]
    names = _number_nodes(spots)
    dense = [
        np.concatenate([resample(piece, 1 + round(path_length(piece) / 10)) for piece in stroke]) for stroke in strokes
    ]
    parts = connected_parts(dense, _MAX_TOUCH_DISTANCE)
    free_nodes = find_free_nodes(pair for stroke in names for pair in pairwise(stroke))
    return tuple(
        Segment(
            space_evenly(piece, EM),
            (start, stop),
            part,
            (start in free_nodes, stop in free_nodes),
            number > 0,
        )
        for stroke, nodes, part in zip(strokes, names, parts, strict=True)
        for number, (piece, (start, stop)) in enumerate(zip(stroke, pairwise(nodes), strict=True))
    )


def _number_nodes(spots: list[Points]) -> list[list[int]]:
    """Return node numbers for the start, corners and end of each stroke.

    An end gets the number of what it touches, nearest first. All points with the same number touch each other, and
    belong to different strokes.
    """
    everything = np.concatenate(spots)
    owner = np.repeat(np.arange(len(spots)), [len(own) for own in spots])
    inner = np.concatenate([[False, *[True] * (len(own) - 2), False] for own in spots])
    apart = np.hypot(*(everything[:, None] - everything[None]).transpose(2, 0, 1))
    apart[(owner[:, None] == owner) & ~np.eye(len(owner), dtype=bool)] = np.inf
    pairs = np.argwhere(np.triu((apart < _MAX_TOUCH_DISTANCE) & ~(inner[:, None] & inner), 1))
    node = np.arange(len(owner))
    for one, two in pairs[np.argsort(apart[tuple(pairs.T)], kind="stable")]:
        together = np.flatnonzero((node == node[one]) | (node == node[two]))
        if (apart[np.ix_(together, together)] < _MAX_TOUCH_DISTANCE).all():
            node[together] = node[one]
    return [node[owner == number].tolist() for number in range(len(spots))]
