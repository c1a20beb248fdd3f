"""Printed shapes become the strokes a person would write."""

import numpy as np
import pytest

from charcnn.handwriting.charsets import get_charset
from charcnn.handwriting.glyph import draw_glyph
from charcnn.handwriting.kaishu import find_kaishu_strokes
from charcnn.handwriting.outline import find_outlines
from charcnn.handwriting.strokes import Segment, find_free_nodes, find_segments


def strokes_of(character: str) -> tuple[Segment, ...]:
    return find_segments(draw_glyph(character, 128), 128)


def length(found: tuple[Segment, ...]) -> float:
    return sum(float(np.hypot(*np.diff(s.points, axis=0).T).sum()) for s in found)


def covers(found: tuple[Segment, ...], x: float, y: float) -> bool:
    points = np.concatenate([s.points for s in found])
    return bool(np.hypot(*(points - (x, y)).T).min() < 0.1)


@pytest.mark.parametrize("character", "口日问回")
def test_closed_loops_keep_all_four_sides(character: str) -> None:
    found = strokes_of(character)
    points = np.concatenate([s.points for s in found])
    left, top = points.min(0)
    right, bottom = points.max(0)
    assert covers(found, left, 0)
    assert covers(found, right, 0)
    assert covers(found, 0, top)
    assert length(found) > 1.5 * ((right - left) + (bottom - top))


def test_a_box_inside_a_gate_is_found() -> None:
    found = strokes_of("问")
    assert any(abs(s.points[:, 0]).max() < 0.25 and s.points[:, 1].min() > -0.3 for s in found)


def test_a_cross_is_two_strokes_that_pass_each_other() -> None:
    found = strokes_of("十")
    assert len(found) == 2
    assert sorted(s.free for s in found) == [(True, True)] * 2


def test_three_bars_are_written_from_top_to_bottom_and_to_the_right() -> None:
    found = strokes_of("三")
    assert len(found) == 3
    assert [s.points[0, 1] for s in found] == sorted(s.points[0, 1] for s in found)
    assert all(s.points[0, 0] < s.points[-1, 0] for s in found)


@pytest.mark.parametrize("character", "宅宙寒富字家")
def test_the_dot_of_a_roof_is_not_dropped_as_a_bump(character: str) -> None:
    found = strokes_of(character)
    top = min(found, key=lambda s: s.points[:, 1].min())
    assert 0.08 < length((top,)) < 0.3
    assert top.free[0]


def test_a_dot_becomes_a_stroke() -> None:
    for dotted, plain in ((".", ""), ("i", "ı"), (":", ".")):
        assert length(strokes_of(dotted)) > (length(strokes_of(plain)) if plain else 0) + 0.03
    assert length(strokes_of("丶")) > 0.1


def test_every_character_of_gb2312_level_1_has_strokes() -> None:
    everything = get_charset("gb2312-1")
    assert len(everything) == 3755
    for character in everything[::15]:  # 251 of them, over the whole list
        by_print, by_hand = find_outlines(character)
        for shape in (by_print, by_hand):
            assert shape.segments >= 1
            assert np.isfinite(shape.points).all()
            assert float(np.ptp(shape.points, axis=0).max()) > 0.3


@pytest.mark.parametrize("character", "口十问博")
def test_an_end_is_free_where_no_other_segment_ends(character: str) -> None:
    assert find_free_nodes([(0, 1), (1, 2), (3, 3), (4, 1)]) == {0, 2, 4}
    for found in (strokes_of(character), find_kaishu_strokes(character)):
        free = find_free_nodes(segment.nodes for segment in found)
        assert [segment.free for segment in found] == [(a in free, b in free) for a, b in (s.nodes for s in found)]
