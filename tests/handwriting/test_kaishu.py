"""Chinese characters are written in the strokes and the order that schools teach."""

import json

import cv2
import numpy as np
import pytest

from charcnn.handwriting.charsets import get_charset
from charcnn.handwriting.kaishu import kaishu
from charcnn.handwriting.outline import outlines
from charcnn.handwriting.stroke_data.pack import pack
from charcnn.handwriting.strokes import Segment


def strokes_of(character: str) -> list[tuple[Segment, ...]]:
    strokes: list[tuple[Segment, ...]] = []
    for segment in kaishu(character):
        strokes.append((*strokes.pop(), segment) if segment.corner else (segment,))
    return strokes


def way(stroke: tuple[Segment, ...]) -> tuple[float, float]:
    x, y = stroke[-1].points[-1] - stroke[0].points[0]
    return float(x), float(y)


@pytest.mark.parametrize(("character", "count"), [("一", 1), ("十", 2), ("口", 3), ("习", 3), ("切", 4), ("博", 12)])
def test_a_character_has_the_strokes_that_dictionaries_count(character, count):
    assert len(strokes_of(character)) == count


def test_a_box_is_left_then_top_and_right_in_one_then_bottom():
    left, top_right, bottom = strokes_of("口")
    assert [len(stroke) for stroke in (left, top_right, bottom)] == [1, 2, 1]
    assert way(left)[1] > 3 * abs(way(left)[0])
    assert min(way(top_right)) > 0.2
    assert way(bottom)[0] > 3 * abs(way(bottom)[1])
    assert left[0].nodes[0] == top_right[0].nodes[0]  # they meet
    assert len({segment.part for segment in kaishu("口")}) == 1


def test_the_order_is_that_of_the_pen_and_not_from_top_left_to_bottom_right():
    middle, left, right = strokes_of("小")
    assert left[0].points[:, 0].max() < middle[0].points[:, 0].mean() < right[0].points[:, 0].min()


def test_strokes_that_touch_nothing_are_parts_with_free_ends():
    found = kaishu("三")
    assert len({segment.part for segment in found}) == 3
    assert all(segment.free == (True, True) for segment in found)


def test_all_of_gb2312_is_known_and_other_writing_is_not():
    level_1 = get_charset("gb2312-1")
    assert all(kaishu(character) for character in level_1[::40])
    for other in "aあア0。":
        assert kaishu(other) == ()


def test_print_and_regular_script_are_written_by_half_of_the_writers_each():
    by_print, by_hand = outlines("完")
    assert by_hand.strokes == 7
    assert len(outlines("あ")) == 1
    # the last stroke of print's 完 starts at the bar; the hand's goes on below it, and is not as wide
    assert np.ptp(by_hand.points[:, 0]) != np.ptp(by_print.points[:, 0])


def test_medians_are_packed_to_a_256th_of_an_em(tmp_path):
    line = [[100, 800], [200, 795], [300, 800], [300, 300], [310, -20]]
    (tmp_path / "丁.json").write_text(json.dumps({"medians": [line, line[:2]]}), "utf-8")
    assert pack(tmp_path, tmp_path / "medians.npz") == 1
    with np.load(tmp_path / "medians.npz") as data:
        assert data["characters"].tolist() == [ord("丁")]
        assert data["strokes"].tolist() == [2]
        first, second = data["lengths"]
        packed = data["points"].astype(float)
    assert len(packed) == first + second
    x, y = packed[:first].T * 4
    curve = np.stack([x, 900 - y], 1).astype(np.float32)
    for point in line:
        assert abs(cv2.pointPolygonTest(curve[:, None], point, True)) < 1024 / 192 + 4
