"""What people type, in every width and era, means what they meant; what means nothing is refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.core.text import narrow, parse_day, parse_yen, tidy


@pytest.mark.parametrize(
    "typed",
    [
        "2026-11-20",
        "2026/11/20",
        "2026.11.20",
        "20261120",
        "2026年11月20日",
        "２０２６年１１月２０日",
        "令和8年11月20日",
        "令和　８年 11月 20日",
        "R8.11.20",
        "r8/11/20",
        "Ｒ８．１１．２０",
        "  2026-11-20 ",
    ],
)
def test_one_day_in_many_hands(typed: str) -> None:
    assert parse_day(typed) == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("令和元年5月1日", date(2019, 5, 1)),
        ("H31.4.30", date(2019, 4, 30)),
        ("昭和64年1月7日", date(1989, 1, 7)),
    ],
)
def test_eras_begin_and_end(typed: str, day: date) -> None:
    assert parse_day(typed) == day


@pytest.mark.parametrize(
    "typed", ["", "2026-02-30", "20-11-2026", "tomorrow", "2026-13-01", "0000-01-01", "R99999.1.1"]
)
def test_what_is_no_day_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_day(typed)


@pytest.mark.parametrize(
    "typed",
    ["12345", "12,345", "¥12,345", "￥１２，３４５", "12,345円", "１２３４５　円", "12345 yen", "\\12,345"],
)
def test_one_amount_in_many_hands(typed: str) -> None:
    assert parse_yen(typed) == 12345


@pytest.mark.parametrize("typed", ["-500", "¥-500", "－５００", "−500", "-¥500"])
def test_a_credit_keeps_its_sign(typed: str) -> None:
    assert parse_yen(typed) == -500


@pytest.mark.parametrize("typed", ["", "1.5", "12,34", "1,2345", "abc", "1e5", "１２．５", "¥", "--5"])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_yen(typed)


@given(st.integers(-999_999_999, 999_999_999))
def test_an_amount_survives_its_own_writing(amount: int) -> None:
    assert parse_yen(f"{amount:,}") == amount


@given(st.text())
def test_tidy_text_stays_tidy(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once
    assert not any(ord(character) < 32 for character in once)


def test_names_keep_the_characters_their_owners_write() -> None:
    assert tidy(" ㈱髙﨑　商店\u202e\x00 ①号店 ") == "㈱髙﨑 商店 ①号店"
    assert narrow("ＡＢＣ　１２３") == "ABC 123"
