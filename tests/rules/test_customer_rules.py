"""Registration numbers, telephones, postal codes, hours and addresses, held to their promises.

The registration numbers that a tax adviser checked for us are golden G13, in `billing.test_golden`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.core.errors import Invalid
from rental.customers import rules
from rental.customers.addresses import normalised_address
from rental.customers.rules import CustomerKind, Position, Window
from rental.identity.rules import NotAnEmail


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 11), st.integers(1, 8))
def test_one_mistyped_digit_is_noticed(base: str, place: int, off: int) -> None:
    """Unless a 0 became a 9: the sum by nine cannot see that."""
    digit = (int(base[place]) + off) % 9 if base[place] != "9" else off
    mistyped = base[:place] + str(digit) + base[place + 1 :]
    assert rules.check_digit_of(mistyped) != rules.check_digit_of(base)


def test_a_wrong_check_digit_is_an_error_for_a_corporation_only() -> None:
    assert rules.registration_number_of("ｔ８１２３−４５６７−８９０１２", CustomerKind.SOLE_PROPRIETOR) == (
        "T8123456789012"
    )
    with pytest.raises(rules.WrongCheckDigit):
        rules.registration_number_of("T8123456789012", CustomerKind.CORPORATION)
    with pytest.raises(rules.NotARegistrationNumber):
        rules.registration_number_of("7123456789012", CustomerKind.SOLE_PROPRIETOR)
    assert rules.registration_number_of(" ", CustomerKind.CORPORATION) is None


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("０３−１２３４−５６７８", "03-1234-5678"),
        ("03(1234)5678", "03-1234-5678"),
        ("(03) 1234-5678", "03-1234-5678"),
        ("+81 3-1234-5678", "+813-1234-5678"),
        ("09012345678", "09012345678"),
        ("", None),
    ],
)
def test_a_telephone_number_is_digits_and_hyphens(typed: str, number: str | None) -> None:
    assert rules.phone_of(typed) == number


@pytest.mark.parametrize("typed", ["03-1234", "call me", "03-1234-5678 ext 4", "+", "-", "1" * 16])
def test_what_is_no_telephone_number_is_refused(typed: str) -> None:
    with pytest.raises(rules.NotAPhoneNumber):
        rules.phone_of(typed)


@pytest.mark.parametrize("typed", ["１６０－００２３", "160-0023", "1600023", "〒160 0023", "160ー0023"])
def test_a_postal_code_has_one_form(typed: str) -> None:
    assert rules.postal_code_of(typed) == "160-0023"


@pytest.mark.parametrize("typed", ["160-002", "160-00234", "abc-defg"])
def test_what_is_no_postal_code_is_refused(typed: str) -> None:
    with pytest.raises(rules.NotAPostalCode):
        rules.postal_code_of(typed)


def test_an_email_is_half_width_or_refused() -> None:
    assert rules.email_of("ａ＠example.jp") == "a@example.jp"
    with pytest.raises(NotAnEmail):
        rules.email_of("nowhere")


@pytest.mark.parametrize(
    ("typed", "windows"),
    [
        ("", ()),
        ("9-17", ((540, 1020),)),
        ("９：００〜１２：００、１３：００～１７：３０", ((540, 720), (780, 1050))),
        ("14:30-17:00, 7:30-10:30", ((450, 630), (870, 1020))),
        ("9時〜17時半", ((540, 1050),)),
        ("0:00-24:00", ((0, 1440),)),
    ],
)
def test_hours_are_read_as_people_write_them(typed: str, windows: tuple[Window, ...]) -> None:
    assert rules.windows_of(typed) == windows


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("9-12, 11-15", rules.WindowsOverlap),
        ("9-12, 9-10", rules.WindowsOverlap),
        ("17-9", rules.ClosesBeforeOpening),
        ("9-9", rules.ClosesBeforeOpening),
        ("9-25", rules.NotHours),
        ("9:60-10", rules.NotHours),
        ("24-24:30", rules.NotHours),
        ("all day", rules.NotHours),
        ("9", rules.NotHours),
    ],
)
def test_hours_that_cannot_be_are_refused(typed: str, refusal: type[Invalid]) -> None:
    with pytest.raises(refusal):
        rules.windows_of(typed)


@given(st.lists(st.integers(0, 1440), min_size=2, max_size=8, unique=True).map(sorted))
def test_hours_come_back_as_they_were_written(minutes: list[int]) -> None:
    windows = tuple(Window(*pair) for pair in zip(minutes[::2], minutes[1::2], strict=False))
    assert rules.windows_of(rules.windows_text(windows)) == windows


@pytest.mark.parametrize(
    "typed", ["35.6896, 139.7006", "３５．６８９６，１３９．７００６", "35.6896 139.7006"]
)
def test_a_position_is_pasted_from_a_map(typed: str) -> None:
    assert rules.position_of(typed) == Position(35.6896, 139.7006)


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("139.7006, 35.6896", rules.NotInJapan),
        ("51.5, -0.12", rules.NotInJapan),
        ("35.6896", rules.NotAPosition),
        ("NaN, NaN", rules.NotAPosition),
        ("35.6896N 139.7006E", rules.NotAPosition),
    ],
)
def test_a_point_elsewhere_is_refused(typed: str, refusal: type[Invalid]) -> None:
    with pytest.raises(refusal):
        rules.position_of(typed)


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("closing_day", (0, 1, 31)),
        ("closing_day", (32, 1, 31)),
        ("term_months", (31, -1, 31)),
        ("term_months", (31, 7, 31)),
        ("pay_day", (31, 1, 0)),
        ("pay_day", (31, 1, 32)),
    ],
)
def test_payment_terms_name_the_number_that_cannot_be(field: str, terms: tuple[int, int, int]) -> None:
    with pytest.raises(rules.NotAPaymentTerm) as refusal:
        rules.require_payment_terms(closing_day=terms[0], term_months=terms[1], pay_day=terms[2])
    assert refusal.value.field == field


@pytest.mark.parametrize("terms", [(1, 0, 1), (31, 6, 31), (20, 2, 10)])
def test_usual_payment_terms_are_accepted(terms: tuple[int, int, int]) -> None:
    rules.require_payment_terms(closing_day=terms[0], term_months=terms[1], pay_day=terms[2])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("東京都新宿区西新宿二丁目８番１号", "東京都新宿区西新宿2-8-1"),
        ("東京都新宿区西新宿２丁目８の１", "東京都 新宿区 西新宿２ー８−１"),
        ("千葉県鎌ヶ谷市新鎌ヶ谷二十三番地", "千葉県鎌ケ谷市新鎌ケ谷23"),
        ("西多摩郡瑞穂町箱根ケ崎2335番地", "西多摩郡瑞穂町箱根ヶ崎2335"),
    ],
)
def test_two_spellings_of_one_address_are_equal(one: str, other: str) -> None:
    assert normalised_address(one) == normalised_address(other)


def test_names_keep_what_only_looks_like_a_number() -> None:
    assert normalised_address("千代田区三番町六番地") == "千代田区三番町6"
    assert normalised_address("港区三田一丁目4-28 三田センタービル") == "港区三田1-4-28三田センタービル"
    assert normalised_address("港区三田1-4") != normalised_address("港区三田14")
