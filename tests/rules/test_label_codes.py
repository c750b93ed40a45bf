"""A label code survives camera, scanner gun and fingers, or is refused; it is never taken for another."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rental.inventory.rules.label_codes import (
    ALPHABET,
    CODES,
    CodeRefused,
    LabelCodeTypo,
    NotALabelCode,
    SymbolNotUsed,
    check_symbol,
    code_from,
    is_valid,
    label_url,
    read_label_code,
    shown,
)

codes = st.integers(0, CODES - 1).map(code_from)
places = st.integers(0, 7)


def test_the_alphabet_has_31_symbols_nobody_mixes_up() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 31
    assert set("ILOUZ") & set(ALPHABET) == set()


def test_the_code_on_the_drawings_is_a_code() -> None:
    assert check_symbol("7K3M9QX") == "W"
    assert is_valid("7K3M9QXW")
    assert shown("7K3M9QXW") == "7K3M-9QXW"


@given(codes)
def test_every_number_makes_a_code_that_reads_back(code: str) -> None:
    assert is_valid(code)
    assert read_label_code(code) == code
    assert read_label_code(shown(code)) == code
    assert read_label_code(label_url("https://r.example.jp", code)) == code


def test_numbers_make_different_codes_from_first_to_last() -> None:
    assert code_from(0) == "00000000"
    assert code_from(CODES - 1).startswith("YYYYYYY")
    assert len({code_from(number) for number in range(5_000)}) == 5_000
    for outside in (-1, CODES):
        with pytest.raises(ValueError, match="a number from 0 to"):
            code_from(outside)


@given(codes)
def test_every_single_wrong_symbol_is_caught(code: str) -> None:
    for place in range(8):
        for symbol in set(ALPHABET) - {code[place]}:
            wrong = code[:place] + symbol + code[place + 1 :]
            with pytest.raises(LabelCodeTypo) as refusal:
                read_label_code(wrong)
            assert refusal.value.params == {"code": shown(wrong)}


@given(codes, places, places)
def test_every_swap_of_two_different_symbols_is_caught(code: str, one: int, other: int) -> None:
    symbols = list(code)
    symbols[one], symbols[other] = symbols[other], symbols[one]
    assert is_valid("".join(symbols)) == (code[one] == code[other])


@pytest.mark.parametrize(
    "typed",
    [
        "7k3m9qxw",
        "7K3M-9QXW",
        "7K3M 9QXW",
        "7k3m － 9qxw",
        "７Ｋ３Ｍ－９ＱＸＷ",
        "７ｋ３ｍー９ｑｘｗ",
        " 7K3M9QXW\r\n",
        "~7K3M9QXW\t",
        "番号 7K3M-9QXW",
    ],
)
def test_a_bare_code_in_many_hands(typed: str) -> None:
    assert read_label_code(typed) == "7K3M9QXW"


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    code = code_from(31**6)
    assert code == "1000000V"
    assert read_label_code("IoO0-000v") == read_label_code("l00O000V") == code


@pytest.mark.parametrize(("typed", "symbol"), [("7U3M-9QXW", "U"), ("7k3m9qxz", "Z"), ("/q/7k3mzqxw", "Z")])
def test_symbols_on_no_label_are_refused_by_name(typed: str, symbol: str) -> None:
    with pytest.raises(SymbolNotUsed) as refusal:
        read_label_code(typed)
    assert refusal.value.params == {"symbol": symbol}
    assert refusal.value.field == "code"


@pytest.mark.parametrize(
    "scanned",
    [
        "HTTPS://R.EXAMPLE.JP/Q/7K3M9QXW",
        "https://r.example.jp:8443/q/7k3m-9qxw/",
        "HTTPS*&&R.EXAMPLE.JP&Q&7K3M9QXW",
        "HTTPS+//R.EXAMPLE.JP/Q/7K3M9QXW",
        "https'--r.example.jp-q-7k3m9qxw",
        "HTTPS:R.EXAMPLE.JP/Q/7K3M9QXW",
        "HTTPSR.EXAMPLE.JPQ7K3M9QXW",
        "HTTPSREXAMPLEJPQ7K3M9QXW",
        "]Q1HTTPS://R.EXAMPLE.JP/Q/7K3M9QXW",
        "HTTPS://Q.ABCDEFGH.EXAMPLE.JP/Q/7K3M9QXW",
        "https://r.example.jp/q/7K3M9QXW?from=Q12345678#top",
        "ｈｔｔｐｓ：／／ｒ．ｅｘａｍｐｌｅ．ｊｐ／ｑ／７ｋ３ｍ９ｑｘｗ",
        "https:・・r。example。jp・q・7k3m9qxw",
        "r.example.jp/q/7K3M9QXW\n",
        "/q/7K3M9QXW",
        " HTTPS://R.EXAMPLE.JP/Q/7K3M9QXW \r\n",
    ],
)
def test_our_address_is_read_whole_or_damaged(scanned: str) -> None:
    assert read_label_code(scanned) == "7K3M9QXW"


@given(codes, st.text("/&-*+:;'\"・¥_? ", min_size=1, max_size=4), st.text("/ \r\n&;", max_size=3))
def test_punctuation_does_not_matter(code: str, mark: str, tail: str) -> None:
    scanned = f"HTTPS{mark}{mark}R{mark}EXAMPLE{mark}JP{mark}Q{mark}{code}{tail}"
    assert read_label_code(scanned) == code
    assert read_label_code(scanned.lower()) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7K3M9QX",
        "7K3M9QXW7",
        "CM-200-12345678",
        "SQ12345678",
        "4912345678904",
        "(01)04912345678904(21)A7",
        "https://shop.example.com/products/12345678",
        "https://shop.example.com/FAQ/7K3M9QXX",
        "動かない",
    ],
)
def test_other_scans_are_not_label_codes(text: str) -> None:
    with pytest.raises(NotALabelCode):
        read_label_code(text)


def test_a_wrong_symbol_in_an_address_is_a_typo() -> None:
    with pytest.raises(LabelCodeTypo):
        read_label_code("HTTPS://R.EXAMPLE.JP/Q/7K3M9QXX")


@given(st.text() | st.text("HTPSQ/7K3M9XWUZ-& \x00", max_size=60))
@example("Q" * 5000)
@example("Q/" * 5000)
@example("\ud800")
def test_hostile_text_is_read_or_refused(text: str) -> None:
    with suppress(CodeRefused):
        assert is_valid(read_label_code(text))


@given(st.text())
def test_only_codes_are_valid(text: str) -> None:
    assert not is_valid(text) or read_label_code(text) == text


def test_the_address_on_a_label_is_small_in_a_qr_code() -> None:
    assert label_url("https://r.example.jp", "7K3M9QXW") == "HTTPS://R.EXAMPLE.JP/Q/7K3M9QXW"
    assert label_url("http://localhost:8000/", "7K3M9QXW") == "HTTP://LOCALHOST:8000/Q/7K3M9QXW"


@pytest.mark.parametrize(
    "base",
    [
        "",
        "r.example.jp",
        "https://",
        "https://r_1.example.jp",
        "https://me@r.example.jp",
        "https://現場.example.jp",
        "https://r.example.jp/a",
    ],
)
def test_an_address_no_label_can_carry_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="labels need a plain address"):
        label_url(base, "7K3M9QXW")
