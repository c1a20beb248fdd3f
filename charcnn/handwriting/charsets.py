"""Named sets of characters."""

import string

from charcnn.errors import ConfigError

STARTER = "博学笃志切问近思自由无用"
"""The twelve characters of the starter set."""
_HIRAGANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
_HIRAGANA_VOICED = "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽ"


def _katakana(hiragana: str) -> str:
    """Return the katakana of some hiragana, which are 96 code points higher."""
    return "".join(chr(ord(character) + 0x60) for character in hiragana)


def _gb2312_level_1() -> str:
    """Return the 3,755 common characters of GB2312: rows 16 to 55, the last of which is not full."""
    codes = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 56) for cell in range(1, 95))
    return "".join(code.decode("gb2312", "ignore") for code in codes)


_SETS = {
    "digits": string.digits,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "latin": string.ascii_letters,
    "hiragana": _HIRAGANA,
    "hiragana-voiced": _HIRAGANA_VOICED,
    "katakana": _katakana(_HIRAGANA),
    "katakana-voiced": _katakana(_HIRAGANA_VOICED),
    "starter": STARTER,
}
CHARSETS = (*_SETS, "gb2312-1")
"""Names of the sets. Those of kana have the 46 basic characters or the 25 voiced ones, and no small ones."""


def get_charset(name: str) -> str:
    """Return the characters of a set, in their usual order.

    Raises:
        ConfigError: the name is unknown.
    """
    if name == "gb2312-1":
        return _gb2312_level_1()
    if name not in _SETS:
        raise ConfigError(f"Unknown character set: {name}", value=name, known=CHARSETS)
    return _SETS[name]
