"""Chinese characters have the strokes and the stroke order that schools teach."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from charcnn.handwriting.kaishu import DATA_FILE, find_kaishu_strokes
from charcnn.handwriting.outline import find_outlines
from charcnn.handwriting.stroke_data.pack import pack
from charcnn.handwriting.strokes import Segment


def strokes_of(character: str) -> list[tuple[Segment, ...]]:
    strokes: list[tuple[Segment, ...]] = []
    for segment in find_kaishu_strokes(character):
        strokes.append((*strokes.pop(), segment) if segment.corner else (segment,))
    return strokes


def way(stroke: tuple[Segment, ...]) -> tuple[float, float]:
    x, y = stroke[-1].points[-1] - stroke[0].points[0]
    return float(x), float(y)


@pytest.mark.parametrize(("character", "count"), [("一", 1), ("十", 2), ("口", 3), ("习", 3), ("切", 4), ("博", 12)])
def test_stroke_counts_match_dictionaries(character: str, count: int) -> None:
    assert len(strokes_of(character)) == count


def test_a_box_has_its_left_stroke_then_top_and_right_then_bottom() -> None:
    left, top_right, bottom = strokes_of("口")
    assert [len(stroke) for stroke in (left, top_right, bottom)] == [1, 2, 1]
    assert way(left)[1] > 3 * abs(way(left)[0])
    assert min(way(top_right)) > 0.2
    assert way(bottom)[0] > 3 * abs(way(bottom)[1])
    assert left[0].nodes[0] == top_right[0].nodes[0]  # they meet
    assert len({segment.part for segment in find_kaishu_strokes("口")}) == 1


def test_strokes_are_in_writing_order_not_sorted_by_position() -> None:
    middle, left, right = strokes_of("小")
    assert left[0].points[:, 0].max() < middle[0].points[:, 0].mean() < right[0].points[:, 0].min()


def test_strokes_that_touch_nothing_are_parts_with_free_ends() -> None:
    found = find_kaishu_strokes("三")
    assert len({segment.part for segment in found}) == 3
    assert all(segment.free == (True, True) for segment in found)


def test_all_of_gb2312_is_included_and_other_scripts_are_not() -> None:
    rows = [bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    both_levels = [pair.decode("gb2312") for pair in rows if pair < b"\xd7\xfa" or pair > b"\xd8"]
    assert len(both_levels) == 6763
    with np.load(DATA_FILE) as data:
        assert not {ord(character) for character in both_levels} - set(data["characters"].tolist())
    assert all(find_kaishu_strokes(character) for character in both_levels[::70])
    for other in "aあア0。":
        assert find_kaishu_strokes(other) == ()


def test_regular_script_is_narrower_than_print_and_both_are_written() -> None:
    for character in "完寡富":
        by_print, by_hand = find_outlines(character)
        aspects = [np.divide(*np.ptp(shape.points, axis=0)) for shape in (by_print, by_hand)]
        assert aspects[1] < 0.95 * aspects[0]
    assert len(find_outlines("あ")) == 1


@pytest.mark.parametrize("character", "嚷鼻自备")
def test_ends_that_share_a_node_are_close(character: str) -> None:
    spots: dict[int, list[NDArray[np.float32]]] = {}
    for segment in find_kaishu_strokes(character):
        assert segment.nodes[0] != segment.nodes[1]
        for node, point in zip(segment.nodes, segment.points[[0, -1]], strict=True):
            spots.setdefault(node, []).append(point)
    assert max(len(points) for points in spots.values()) > 1
    for points in spots.values():
        assert np.ptp(points, axis=0).max() < 20 / 256


def test_brush_heads_are_dropped_but_short_bars_are_kept() -> None:
    last = strokes_of("完")[-1]
    assert [way((piece,))[1] > 0 for piece in last] == [True, False]  # down and to the right, then the hook
    inner = strokes_of("骨")[2]
    assert way(inner[:1])[0] > 2 * abs(way(inner[:1])[1])


def test_medians_are_packed_to_a_256th_of_an_em(tmp_path: Path) -> None:
    line = [[100, 800], [200, 795], [300, 800], [300, 300], [310, -20]]
    (tmp_path / "丁.json").write_text(json.dumps({"medians": [line, line[:2]]}), "utf-8")
    assert pack(tmp_path, tmp_path / "medians.npz") == 1
    with np.load(tmp_path / "medians.npz") as data:
        assert data["characters"].tolist() == [ord("丁")]
        assert data["strokes"].tolist() == [2]
        first, second = data["lengths"]
        packed = data["points"].astype(float)
        assert "ARPHIC PUBLIC LICENSE" in str(data["notice"])
    assert len(packed) == first + second
    x, y = packed[:first].T * 4
    curve = np.stack([x, 900 - y], 1).astype(np.float32)
    for point in line:
        assert abs(cv2.pointPolygonTest(curve[:, None], point, True)) < 1024 / 192 + 4
