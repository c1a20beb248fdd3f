"""Named character sets contain the characters that their names promise."""

import unicodedata

import pytest

from charcnn.errors import ConfigError
from charcnn.handwriting.charsets import CHARSETS, get_charset


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("digits", 10, "0", "9"),
        ("lower", 26, "a", "z"),
        ("upper", 26, "A", "Z"),
        ("latin", 52, "a", "Z"),
        ("hiragana", 46, "あ", "ん"),
        ("hiragana-voiced", 25, "が", "ぽ"),
        ("katakana", 46, "ア", "ン"),
        ("katakana-voiced", 25, "ガ", "ポ"),
        ("gb2312-1", 3755, "啊", "座"),
        ("starter", 12, "博", "用"),
    ],
)
def test_a_set_is_complete_and_in_order(name: str, count: int, first: str, last: str) -> None:
    characters = get_charset(name)
    assert len(set(characters)) == len(characters) == count
    assert (characters[0], characters[-1]) == (first, last)


def test_characters_have_the_unicode_names_of_their_set() -> None:
    assert set(CHARSETS) >= {"digits", "latin", "upper", "lower", "hiragana", "katakana", "gb2312-1", "starter"}
    for name, word in (("hiragana", "HIRAGANA"), ("katakana-voiced", "KATAKANA"), ("gb2312-1", "CJK UNIFIED")):
        assert all(unicodedata.name(character).startswith(word) for character in get_charset(name))


@pytest.mark.parametrize(("typed", "meant"), [("digit", "digits"), ("hirigana", "hiragana"), ("gb2312", "gb2312-1")])
def test_an_unknown_set_suggests_the_closest(typed: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=typed) as caught:
        get_charset(typed)
    assert meant in caught.value.hint
