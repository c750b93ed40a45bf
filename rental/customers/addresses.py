"""Japanese addresses brought to one form, so that two spellings of one place are equal."""

import re

from rental.core.text import narrow

_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")}
_DASH = "‐‑‒–—―−ー－ｰ-"
# A number in kanji counts only where it can be nothing else: 三丁目 is a number, 三田 is a name.
_KANJI_NUMBER = re.compile(r"([〇一二三四五六七八九十]+)(?=丁目|番地|番(?!町)|号)")
_PART = re.compile(r"(?<=\d)(?:丁目|番地の?|番(?!町)|号|の(?=\d))")
_HYPHENS = re.compile(f"(?<=\\d)[{_DASH}]+(?=\\d|$)|(?<=\\d)[{_DASH}]+(?=\\D)")
_SMALL_KANA = str.maketrans("ヶヵ", "ケカ")


def normalised_address(text: str) -> str:
    """The address without spaces, with 丁目, 番 and 号 as hyphens and digits half-width.

    >>> normalised_address("東京都新宿区西新宿二丁目８番１号")
    '東京都新宿区西新宿2-8-1'
    """
    joined = narrow(text).replace(" ", "").translate(_SMALL_KANA)
    numbered = _KANJI_NUMBER.sub(lambda match: str(_number(match[1])), joined)
    hyphened = _HYPHENS.sub("-", _PART.sub("-", numbered))
    return re.sub(r"(?<=\d)-(?=\D|$)", "", hyphened).removeprefix("〒").casefold()


def _number(kanji: str) -> int:
    """The number that these kanji write, with 十 as ten or, as in 二〇, digit by digit."""
    if "十" not in kanji:
        return int("".join(str(_DIGITS[digit]) for digit in kanji))
    tens, _, ones = kanji.partition("十")
    return 10 * _value(tens, 1) + _value(ones.replace("十", ""), 0)


def _value(digits: str, when_empty: int) -> int:
    return int("".join(str(_DIGITS[digit]) for digit in digits)) if digits else when_empty
