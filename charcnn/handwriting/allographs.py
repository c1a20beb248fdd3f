"""Handwritten forms that differ from print: a 1 that is a bare stick, an open 4, a crossed 7, a looped 2.

Each form is written as points `x,y` on a grid that is 10 units high, with x to the right and y down. A smooth curve
passes through the points; `/` marks a corner, and `|` lifts the pen.
"""

import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.strokes import Segment, resample

_FORMS = {
    "0": (
        "5.5,0 2.5,2.5 2,7 4.5,10 7.5,7.5 8,3 5.5,0",
        "6.5,1 4,0.3 2,5 3.5,9.8 6.5,8.5 7.5,3 5.5,0 4,1",
        "5,0 1.5,2 0.5,5.5 2.5,9.5 6.5,9.5 9.3,6 8.7,2 5.5,0",
        "7,0.3 3,2 1,6 2.5,9.7 5.5,9.3 8.5,5 8.3,1.5 6,0.5 4.5,1.5",
    ),
    "1": ("5,0 5,10", "6.5,0 3.5,10", "5,0 5,10", "4,1.5 5.5,0 / 5.5,0 5,10", "3.5,2 5.2,0 / 5.2,0 5,10 | 3,10 7,10"),
    "2": (
        "2,2.5 4,0.5 7,0.7 7.8,3 5.5,6.5 2.8,9.7 1,9.2 1.2,7.7 3,7.6 5.5,9 9,9.8",
        "2,2 4.5,0 7.5,2 5.5,6 1.5,9.5 / 1.5,9.5 8.5,9.3",
        "3,2 5,0.3 7.5,1.5 6.5,5 3.5,9 1,9.5 0.5,8 2.5,7 5,8.5 9.5,8.5",
        "2.5,2 5,0 7.5,2 6.5,5.5 3,9.5 0.8,9 1.2,7.2 4,7.5 6.5,9.3 9.5,8.5",
    ),
    "3": (
        "2,0.5 7.5,0.5 / 7.5,0.5 4.5,4 / 4.5,4 7.5,5.5 7,9 4,10 1.5,8.5",
        "2,1.5 5,0 7.5,2 4,4.8 7.5,6.5 6.5,9.5 2,9.3",
    ),
    "4": ("3,0 1.5,5.8 / 1.5,5.8 8.5,5.5 | 7,1.5 6.5,10", "2,0 2,5 / 2,5 7.5,5 | 7.5,0 7.5,10"),
    "5": ("3,0.5 2.5,4.5 / 2.5,4.5 6,4 8,6.5 6.5,9.5 2,9.5 | 3,0.5 8,0.3", "8,0.5 3.5,1 2.8,4 6.5,5 7,8.5 2,10"),
    "6": (
        "7,0 3.5,3 2,7 4,10 7,9 7,6.5 4.5,5.5 2.3,7.5",
        "5,0 2.5,5 2.5,9 5,10 7,8 5,6 2.5,8",
        "4.5,0 3,4 2.5,8 4,10 6.5,9 6.5,7.2 4.5,6.7 2.8,8.7",
    ),
    "7": (
        "1,0.5 8,0.5 / 8,0.5 4,10 | 2.5,5 7.5,5",
        "1,2 1.3,0.5 / 1.3,0.5 8,0.8 / 8,0.8 5.5,5 4.5,10",
        "1.5,1 5,0.2 7.8,1 6.5,5 5,10",
        "1.5,2 2.5,0.5 / 2.5,0.5 5,1.2 8.5,0.3 / 8.5,0.3 6,4.5 5,10",
    ),
    "8": (
        "7.5,1.5 5,0 2.5,1.5 4,4 7,6.5 7,9 4.5,10 2.2,8.5 3,6 6.5,3.5 7.5,1.5",
        "7,0.8 4,0.3 3,2.5 6.5,6 6,9.5 3,9.5 3,7 7.5,1",
    ),
    "9": (
        "7.5,1.5 5,0 2,2 2.5,4.5 5,5 7.5,2 / 7.5,2 7,10",
        "7,1 4,0.3 2.5,3 5,4.5 7.5,1.5 6.5,6 5,10",
        "6.5,1.5 4.5,0.3 3.2,2 4.5,3.7 6.5,1.5 / 6.5,1.5 5.5,10",
    ),
    "a": ("7.5,4 5,3.2 2.5,5.5 3.5,9.5 6.5,8 7.5,4 / 7.5,4 7.6,9.8",),
    "f": ("7.5,1 5.5,0.3 4.5,3 4.3,10 | 2.5,4.5 6.8,4.3",),
    "g": ("7.5,3.5 5,3 2.5,5 4,7.5 7.5,4 / 7.5,4 7.3,10 5,12 2.5,11",),
    "q": ("7.5,3.5 5,3 2.5,5 4,7.5 7.5,4 / 7.5,4 7.3,12 / 7.3,12 9,11",),
    "t": ("4.5,0 4.3,9 6,10 7.5,9 | 2.5,3.5 7,3.3", "5,0 5,10 | 2.5,3.5 7.5,3.3"),
    "y": ("2.5,3 3,6.5 5.5,7 7.5,3 / 7.5,3 7,10 4.5,12 2.5,11", "2,3 5,8 | 8,3 3,12"),
    "z": ("2,3 8,3 / 8,3 2,10 / 2,10 8,10 | 3,6.5 7,6.3",),
    "I": ("5,0 5,10",),
    "J": ("6.5,0 6.5,8 4,10 2,8",),
    "Z": ("2,0 8,0 / 8,0 2,10 / 2,10 8,10 | 3,5.2 7,5",),
}


def find_allographs(character: str) -> tuple[tuple[Segment, ...], ...]:
    """Return the handwritten forms of a character that differ from print, in ems; empty for most characters."""
    return tuple(_parse_form(form) for form in _FORMS.get(character, ()))


def _parse_form(form: str) -> tuple[Segment, ...]:
    found: list[Segment] = []
    node = 0
    for part, stroke in enumerate(form.split("|")):
        pieces = stroke.split("/")
        for number, piece in enumerate(pieces):
            points = np.array([[float(v) / 12 for v in pair.split(",")] for pair in piece.split()], np.float32)
            line = resample(_curve(points), max(2, 1 + round(12 * np.hypot(*np.diff(points, axis=0).T).sum())))
            free = (number == 0, number == len(pieces) - 1)
            found.append(Segment(line, (node, node + 1), part, free, number > 0))
            node += 1
        node += 1
    everything = np.concatenate([piece.points for piece in found])
    middle = (everything.min(0) + everything.max(0)) / 2
    return tuple(Segment(p.points - middle, p.nodes, p.part, p.free, p.corner) for p in found)


def _curve(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a Catmull-Rom spline through the points (Catmull, Rom 1974), with eight steps per interval."""
    if len(points) < 3:
        return points
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, 8, endpoint=False, dtype=np.float32)[:, None]
    steps = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        steps.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*steps, points[-1:]]).astype(np.float32)
