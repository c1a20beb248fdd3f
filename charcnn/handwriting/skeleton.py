"""Thin a printed shape to its skeleton, and cut that into chains at its junctions."""

from collections import Counter

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.thinning import thin

Points = NDArray[np.float32]
"""float32 `[K,2]`: x (to the right) and y (down)."""

_MIN_BRANCH_WIDTHS = 0.7
"""Minimum length of a dead end, in stroke widths. Shorter ones are bumps of the outline, not strokes."""

_DOT = np.array([[-1, -1], [1, 1]], np.float32)
"""Line that a pen draws for a round dot, whose skeleton is a point: right and down."""


def extract_chains(ink: NDArray[np.bool_]) -> tuple[list[Points], list[tuple[int, int]], float]:
    """Return the skeleton of a shape as chains.

    Args:
        ink: bool `[H,W]`, True for ink; at least one pixel.

    Returns:
        The chains in pixels, where (1, 1) is the corner of the ink's bounding box; the junctions at both ends of each
        chain, -1 for none; and the stroke width in pixels.
    """
    x, y, width, height = cv2.boundingRect(ink.astype(np.uint8))
    shape = np.pad(ink[y : y + height, x : x + width], 1)
    skeleton = thin(shape)
    distance = cv2.distanceTransform(shape.astype(np.uint8), cv2.DIST_L2, 3)
    thick = max(2.0, 2 * float(np.median(distance[skeleton])))
    return (*_cut_skeleton(skeleton, thick), thick)


def _cut_skeleton(skeleton: NDArray[np.bool_], width: float) -> tuple[list[Points], list[tuple[int, int]]]:
    """Cut a skeleton at its junctions.

    Returns:
        The chains in pixels, `[K,2]` (x, y) each, and the junction at both ends of each, -1 for none.
    """
    crossing = skeleton & (_count_neighbors(skeleton) > 2)
    apart = skeleton & ~crossing
    count, names, _, middle = cv2.connectedComponentsWithStats(crossing.astype(np.uint8), connectivity=8)
    wide = skeleton.shape[1]
    around = (-wide, -1, 1, wide, -wide - 1, 1 - wide, wide - 1, wide + 1)  # straight ones first
    todo = set(np.flatnonzero(apart).tolist())
    junction = dict(zip(np.flatnonzero(crossing).tolist(), (names[crossing] - 1).tolist(), strict=True))
    starts = np.flatnonzero(apart & (_count_neighbors(apart) < 2)).tolist()
    chains: list[Points] = []
    ends: list[tuple[int, int]] = []
    for start in [*starts, *sorted(todo)]:
        if start not in todo:
            continue
        todo.remove(start)
        path = [start]
        while step := next((s for s in around if path[-1] + s in todo), 0):
            path.append(path[-1] + step)
            todo.remove(path[-1])
        first = next((junction[start + s] for s in around if start + s in junction), -1)
        last = next(
            (
                junction[path[-1] + s]
                for s in around
                if path[-1] + s in junction and (len(path) > 2 or junction[path[-1] + s] != first)
            ),
            -1,
        )
        chain = _xy(np.array(path), wide)
        if len(path) == 1 and first < 0 and last < 0:
            chain = chain + _DOT
        closed = first < 0 and last < 0 and len(path) > 8 and np.abs(chain[0] - chain[-1]).max() <= 1
        if closed:
            chain = np.concatenate([chain, chain[:1]])
        chains.append(chain)
        ends.append((first, last))
    if not chains and count > 1:  # nothing but a junction, as in noise
        chains, ends = [np.asarray(middle[1] + _DOT, np.float32)], [(-1, -1)]
    return _simplify_junctions(chains, ends, list(middle[1:].astype(np.float32)), width)


def _count_neighbors(line: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how many of the eight neighbors of each pixel are in the line; valid only for pixels of the line."""
    three = cv2.boxFilter(line.astype(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(three - 1, np.uint8)


def _simplify_junctions(
    chains: list[Points], ends: list[tuple[int, int]], middle: list[Points], width: float
) -> tuple[list[Points], list[tuple[int, int]]]:
    """Drop bumps, and merge junctions into which the crossing of thick strokes was divided."""
    long = [float(np.hypot(*np.diff(chain, axis=0).T).sum()) for chain in chains]
    bumps = {i for i, end in enumerate(ends) if (end[0] < 0) != (end[1] < 0) and long[i] < _MIN_BRANCH_WIDTHS * width}
    if len(bumps) == len(chains):
        bumps.discard(int(np.argmax(long)))
    kept = [i for i in range(len(chains)) if i not in bumps]
    branches = Counter(end for i in kept for end in ends[i])
    name = list(range(len(middle)))
    for i in kept:
        first, last = ends[i]
        torn = first >= 0 and last >= 0 and first != last and min(branches[first], branches[last]) > 1
        if torn and long[i] < 0.9 * width:
            name = [name[first] if n == name[last] else n for n in name]
    center = {n: np.mean([middle[i] for i in range(len(name)) if name[i] == n], axis=0) for n in set(name)}
    tidy: list[Points] = []
    tidy_ends: list[tuple[int, int]] = []
    for i in kept:
        one, two = (name[end] if end >= 0 else -1 for end in ends[i])
        if one >= 0 and one == two and long[i] < 2 * width:
            continue
        points = [chains[i]]
        if one >= 0:
            points.insert(0, center[one][None].astype(np.float32))
        if two >= 0:
            points.append(center[two][None].astype(np.float32))
        tidy.append(np.concatenate(points))
        # an end where only bumps meet it, as at the square end of a bar, is free
        tidy_ends.append((one if branches[ends[i][0]] > 1 else -1, two if branches[ends[i][1]] > 1 else -1))
    return tidy, tidy_ends


def _xy(flat: NDArray[np.int64], wide: int) -> Points:
    return np.stack([flat % wide, flat // wide], 1).astype(np.float32)
