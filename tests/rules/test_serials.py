"""A maker's serial number is the same number however it is typed, pasted or scanned."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.inventory.rules.serials import (
    LONGEST_SERIAL,
    MOST_ROWS,
    MakerBarcode,
    SerialEmpty,
    SerialRefused,
    SerialTooLong,
    SerialUnprintable,
    TooManySerials,
    TypedSerial,
    duplicates_within,
    normalised_serial,
    read_maker_barcode,
    read_serials,
)

makers_numbers = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=30)


@pytest.mark.parametrize(
    "typed",
    [
        "CM-200 123",
        "cm200123",
        "ＣＭ－２００　１２３",
        "CM–200—123",
        "CM−200ー123",
        "CMｰ200-123",
        "*CM200123*",
        '"CM-200-123"',
        "【CM-200-123】",
        "\ufeffCM-200\u200b-123\r\n",
        " -CM-200-123- ",
    ],
)
def test_one_number_in_many_hands(typed: str) -> None:
    assert normalised_serial(typed) == "CM200123"


@pytest.mark.parametrize(
    ("one", "other"),
    [("00123", "123"), ("A/1", "A1"), ("A.1", "A1"), ("A_1", "A1"), ("O1", "01"), ("I1", "11")],
)
def test_what_the_maker_printed_differently_stays_different(one: str, other: str) -> None:
    assert normalised_serial(one) != normalised_serial(other)


@pytest.mark.parametrize("typed", ["", "  ", "---", "\u3000", '""', "\u200b", "()"])
def test_nothing_is_no_number(typed: str) -> None:
    with pytest.raises(SerialEmpty) as refusal:
        normalised_serial(typed)
    assert refusal.value.field == "serial_number"


@pytest.mark.parametrize("typed", ["A" * 61, "-" * 61, "ﷺ" * 20])
def test_two_numbers_run_together_are_too_long(typed: str) -> None:
    with pytest.raises(SerialTooLong) as refusal:
        normalised_serial(typed)
    assert refusal.value.params == {"maximum": 60}
    assert normalised_serial("A" * 60) == "A" * 60


@pytest.mark.parametrize("typed", ["A\x001", "A\x1d1", "A\x071", "A\ud8001", "A\ue0001", "A\x851"])
def test_what_nobody_can_type_is_refused(typed: str) -> None:
    with pytest.raises(SerialUnprintable):
        normalised_serial(typed)


@given(st.text(max_size=LONGEST_SERIAL))
def test_a_normalised_number_stays_as_it_is(text: str) -> None:
    try:
        once = normalised_serial(text)
    except SerialRefused:
        return
    assert normalised_serial(once) == once
    assert 1 <= len(once) <= LONGEST_SERIAL


@given(makers_numbers, st.data())
def test_dashes_and_spaces_go_anywhere(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(number)))
    spacing = data.draw(st.text("-‐–—− \u3000\u00a0", max_size=5))
    assert normalised_serial(number[:at].lower() + spacing + number[at:]) == number


def test_a_pasted_column_keeps_the_rows_people_see() -> None:
    pasted = 'CM-1\tred\r\n\r\n"CM-2",blue\n,,\n ｃｍ３ \rCM-4'
    assert read_serials(pasted) == [
        TypedSerial(1, "CM-1", "CM1"),
        TypedSerial(3, "CM-2", "CM2"),
        TypedSerial(5, "ｃｍ３", "CM3"),
        TypedSerial(6, "CM-4", "CM4"),
    ]
    assert read_serials("") == []


def test_a_scanned_barcode_gives_the_serial_inside() -> None:
    scanned = "(01)04912345678904(21)CM,7\n]d2010491234567890421CM-8\x1d10LOT"
    assert read_serials(scanned) == [TypedSerial(1, "CM,7", "CM,7"), TypedSerial(2, "CM-8", "CM8")]


@pytest.mark.parametrize(
    ("pasted", "refused", "row"),
    [("A1\n\n--\nA2", SerialEmpty, 3), ("A1\n\tred", SerialEmpty, 2), ("A\x1d1", SerialUnprintable, 1)],
)
def test_a_refused_row_is_named(pasted: str, refused: type[SerialRefused], row: int) -> None:
    with pytest.raises(refused) as refusal:
        read_serials(pasted)
    assert refusal.value.params["row"] == row


def test_a_list_has_an_end() -> None:
    assert len(read_serials("\n".join(f"A{n}" for n in range(MOST_ROWS)))) == MOST_ROWS
    with pytest.raises(TooManySerials) as refusal:
        read_serials("\n".join(f"A{n}" for n in range(MOST_ROWS + 1)))
    assert refusal.value.params == {"maximum": 2000, "count": 2001}


@given(st.lists(makers_numbers, max_size=30))
def test_each_row_is_the_first_of_its_number_or_repeats_the_first(numbers: list[str]) -> None:
    repeats = duplicates_within(read_serials("\n".join(numbers)))
    for at, number in enumerate(numbers):
        first = numbers.index(number)
        assert repeats.get(at + 1, at + 1) == first + 1


def test_a_number_scanned_twice_names_both_rows() -> None:
    assert duplicates_within(read_serials("CM-1\nCM-2\ncm 1\n\nCM1")) == {3: 1, 5: 1}


@pytest.mark.parametrize(
    "scanned",
    [
        "(01)04912345678904(21)A7-x",
        "(17)271231(01)04912345678904(10)LOT 9(21)A7-x",
        "010491234567890421A7-x",
        "\x1d010491234567890421A7-x\r\n",
        "]C1010491234567890421A7-x",
        "]d201049123456789041727123110LOT 9\x1d21A7-x",
        "]Q321A7-x\x1d0104912345678904",
        "]d2310300150001049123456789042406Z\x1d21A7-x",
    ],
)
def test_model_and_serial_come_out_of_a_makers_barcode(scanned: str) -> None:
    assert read_maker_barcode(scanned) == MakerBarcode("04912345678904", "A7-x")


def test_a_barcode_may_name_the_model_alone() -> None:
    assert read_maker_barcode("(01)04912345678904") == MakerBarcode("04912345678904", "")
    assert read_maker_barcode("(21)A7") == MakerBarcode("", "A7")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CM-200",
        "(CM-200)",
        "(01)123(21)A",
        "(10)LOT",
        "010491234567890321A7",
        "4912345678904",
        "]C1",
        "(01)",
    ],
)
def test_what_is_no_element_string_is_left_alone(text: str) -> None:
    assert read_maker_barcode(text) is None


@given(st.text() | st.text("01()21]C\x1d0491234567890", max_size=60))
def test_hostile_lists_are_read_or_refused(text: str) -> None:
    read_maker_barcode(text)
    with suppress(SerialRefused):
        read_serials(text)


def test_an_endless_line_is_refused_at_once() -> None:
    with pytest.raises(SerialTooLong):
        read_serials("01\x1d" * 500_000)
