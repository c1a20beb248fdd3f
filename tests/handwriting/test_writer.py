"""Samples are deterministic, have ink inside the frame, and differ by writer."""

import hashlib
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charcnn.errors import ConfigError, GlyphError
from charcnn.handwriting.capture import PAPERS
from charcnn.handwriting.style import DEVIATION, PEN_WIDTHS, WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.specs.choices import Neatness, Paper, Pen


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from("一口思龍0ag.みア") | st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5),
    st.integers(0, 10_000),
    st.sampled_from((16, 28, 45, 64)),
    st.sampled_from(get_args(Neatness)),
    st.sampled_from(PAPERS),
    st.integers(0, 5),
)
def test_every_sample_has_ink_and_the_ink_is_inside_the_frame(
    character: str, writer: int, size: int, style: Neatness, paper: Paper, seed: int
) -> None:
    pictures = write_character(character, [writer, writer + 1], size, WritingStyle(style=style, paper=paper, seed=seed))
    assert pictures.shape == (2, size, size)
    assert pictures.dtype == np.uint8
    for picture in pictures.astype(int):
        paper_level = np.median(picture)
        assert picture.min() < paper_level - 40
        if paper != "photo":  # a photo's edges are darker
            edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
            assert edge.min() == 255


def test_samples_depend_only_on_the_seed() -> None:
    def digest(seed: int) -> str:
        return hashlib.sha256(write_character("博", range(20), 28, WritingStyle(seed=seed)).tobytes()).hexdigest()

    assert digest(0) == digest(0)
    assert digest(0) != digest(1)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 2_000_100), min_size=1, max_size=5), st.sampled_from("博a1。"))
def test_a_sample_does_not_depend_on_the_other_writers(writers: list[int], character: str) -> None:
    together = write_character(character, writers, 28)
    for writer, picture in zip(writers, together, strict=True):
        assert np.array_equal(write_character(character, [writer], 28)[0], picture)


def test_writers_have_consistent_traits() -> None:
    fine = write_character("中", range(300), 64, WritingStyle(paper="tablet"))
    ink = (255 - fine.astype(int)).sum((1, 2))
    again = (255 - write_character("国", range(300), 64, WritingStyle(paper="tablet")).astype(int)).sum((1, 2))
    assert np.corrcoef(ink, again)[0, 1] > 0.5  # writers of bold 中 also write bold 国


def test_pens_differ_in_width_and_styles_in_spread() -> None:
    def ink(pen: Pen) -> float:
        return float(
            (255 - write_character("中", range(100), 64, WritingStyle(paper="tablet", pen=pen)).astype(int)).mean()
        )

    assert ink("fineliner") < ink("ballpoint") < ink("marker")
    assert tuple(PEN_WIDTHS) == get_args(Pen)
    assert tuple(DEVIATION) == get_args(Neatness)

    def spread(style: Neatness) -> float:
        return float(write_character("中", range(100), 64, WritingStyle(style=style, paper="tablet")).std(0).mean())

    assert spread("neat") < spread("hasty")


def test_a_scan_has_two_levels_and_a_photo_many() -> None:
    assert set(np.unique(write_character("思", range(10), 28, WritingStyle(paper="scan")))) == {0, 255}
    assert len(np.unique(write_character("思", range(10), 28, WritingStyle(paper="photo")))) > 50


def test_missing_glyphs_are_refused_and_named() -> None:
    with pytest.raises(GlyphError, match=r"U\+E123"):
        write_character("\ue123", [0], 28)


def test_a_file_that_is_not_a_font_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(GlyphError, match=r"a\.ttf"):
        write_character("a", [0], 28, WritingStyle(fonts=(path,)))
    with pytest.raises(GlyphError, match=r"missing\.ttf"):
        write_character("a", [0], 28, WritingStyle(fonts=(Path("missing.ttf"),)))


def test_unknown_styles_are_refused_with_the_closest() -> None:
    with pytest.raises(ConfigError, match="style='nrmal'") as fault:
        WritingStyle(style="nrmal")  # type: ignore[arg-type]
    assert "normal" in str(fault.value.hint)
    with pytest.raises(ConfigError, match="pen"):
        WritingStyle(pen="quill")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="paper"):
        WritingStyle(paper="stone")  # type: ignore[arg-type]


def test_digits_come_in_handwritten_forms_too() -> None:
    ones = write_character("1", range(200), 64, WritingStyle(paper="tablet"))
    wide = ((ones < 128).any(1)).sum(1)
    assert (wide < 16).sum() > 20  # a bare stick
    assert (wide > 20).sum() > 20  # with a flag or a foot


@pytest.mark.parametrize("pen", [None, *get_args(Pen)])
def test_lines_are_wider_in_letters_than_in_chinese_characters(pen: Pen | None) -> None:
    style = WritingStyle(pen=pen, paper="tablet")
    letter, large = ((write_character(character, range(100), 64, style) < 128).mean() for character in "l丨")
    assert letter > 1.15 * large
