"""A direct debit file says what was asked, in bytes, and its answer is taken whole or not at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.kana import cut
from rental.billing.rules.records import NotADebitFile, Wrong
from rental.billing.rules.zengin import (
    RECORD_BYTES,
    AccountType,
    Debit,
    DebitFile,
    DebitHeader,
    DebitResult,
    NewCode,
    read_debit_file,
    results_of,
    write_debit_file,
)
from rental.core.money import Money, yen_of

HEADER = DebitHeader(
    "1234567890",
    "ｻｸﾗﾚﾝﾀﾙ(ｶ",
    date(2026, 1, 27),
    "0001",
    "ﾐｽﾞﾎ",
    "001",
    "ﾄｳｷﾖｳ",
    AccountType.ORDINARY,
    "7654321",
)


def debit(customer: str, amount: int, result: DebitResult = DebitResult.PAID) -> Debit:
    return Debit(
        "0005",
        "ﾐﾂﾋﾞｼUFJ",
        "123",
        "ｼﾝｼﾞﾕｸ",
        AccountType.ORDINARY,
        "1234567",
        "ｶ)ﾐﾄﾞﾘ",
        yen_of(amount),
        NewCode.OTHER,
        customer,
        result,
    )


ASKED = DebitFile(HEADER, [debit("1001", 11_000), debit("1002", 2_200), debit("1003", 330)])


def answer(debits: Sequence[Debit], header: DebitHeader = HEADER) -> bytes:
    """What the bank makes of it: the results in the records, and their sums in the trailer."""
    content = write_debit_file(header, debits)
    at = (1 + len(debits)) * RECORD_BYTES
    paid = [each.amount.minor_units for each in debits if each.result is DebitResult.PAID]
    rest = [each.amount.minor_units for each in debits if each.result is not DebitResult.PAID]
    sums = f"{len(paid):06}{sum(paid):012}{len(rest):06}{sum(rest):012}".encode()
    return content[: at + 19] + sums + content[at + 55 :]


names = st.from_regex(r"(?:[0-9A-Z()\-.ｱ-ﾝ]|[ｶ-ﾄ]ﾞ|[ﾊ-ﾎ]ﾟ| (?=[A-Z]))*", fullmatch=True).map(str.strip)
bank_names = st.from_regex(r"(?:[0-9A-Z\-ｱ-ﾝ]|[ｶ-ﾄ]ﾞ|[ﾊ-ﾎ]ﾟ)*", fullmatch=True)


def digits(width: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=width, max_size=width)


debits = st.lists(
    st.builds(
        Debit,
        bank=digits(4),
        bank_name=bank_names,
        branch=digits(3),
        branch_name=bank_names,
        account_type=st.sampled_from(AccountType),
        account=digits(7),
        holder=names,
        amount=st.integers(1, 10**10 - 1).map(Money),
        new_code=st.sampled_from(NewCode),
        customer=digits(20),
        result=st.sampled_from(DebitResult),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each.customer,
)


def as_written(each: Debit) -> Debit:
    return each._replace(
        bank_name=cut(each.bank_name, 15),
        branch_name=cut(each.branch_name, 15),
        holder=cut(each.holder, 30).rstrip(),
    )


@given(wanted=debits, has_line_ends=st.booleans(), marked=st.booleans())
def test_what_is_written_is_read_again(wanted: list[Debit], has_line_ends: bool, marked: bool) -> None:
    content = write_debit_file(HEADER, wanted, has_line_ends=has_line_ends)
    assert len(content) == (len(wanted) + 3) * (RECORD_BYTES + 2 * has_line_ends)
    read = read_debit_file(content + b"\x1a" * marked, year=2026)
    assert read == DebitFile(HEADER, [as_written(each) for each in wanted])


@given(at=st.integers(0, 719), byte=st.integers(0, 255))
def test_no_damage_to_a_byte_changes_what_is_debited(at: int, byte: int) -> None:
    """It is refused, unless it is in a text, a code, or what a bank leaves free."""
    content = bytearray(write_debit_file(HEADER, ASKED.debits))
    content[at] = byte
    read = read_or_refused(bytes(content))
    assert read is None or [each.amount for each in read.debits] == [each.amount for each in ASKED.debits]


def read_or_refused(content: bytes) -> DebitFile | None:
    try:
        return read_debit_file(content, year=2026)
    except NotADebitFile:
        return None


@given(content=st.binary(max_size=500))
def test_no_bytes_make_the_reader_stumble(content: bytes) -> None:
    with pytest.raises(NotADebitFile):
        read_debit_file(content, year=2026)


@pytest.mark.parametrize(
    ("wanted", "record", "item", "wrong"),
    [
        ([debit("1", 0)], 2, "amount", Wrong.NOTHING),
        ([debit("1", 5), debit("2", -5)], 3, "amount", Wrong.NOTHING),
        ([debit("1", 5), debit("01", 5)], 3, "customer", Wrong.SAID_TWICE),
        ([debit("1", 10**10)], 2, "amount", Wrong.LENGTH),
        ([debit("K-1", 5)], 2, "customer", Wrong.CHARACTERS),
        ([debit("1" * 21, 5)], 2, "customer", Wrong.LENGTH),
        ([debit("1", 5)._replace(holder="ミドリ")], 2, "holder", Wrong.CHARACTERS),
        ([debit("1", 5)._replace(holder="ｱﾞ")], 2, "holder", Wrong.CHARACTERS),
        ([debit("1", 5)._replace(bank_name="ﾐｽﾞﾎ(ｶ")], 2, "bank_name", Wrong.CHARACTERS),
        ([debit("1", 5)._replace(bank="00051")], 2, "bank", Wrong.LENGTH),
        ([debit("1", 5)._replace(account="")], 2, "", None),
        ([], 2, "total_count", Wrong.NOTHING),
        ([debit(str(n), 9 * 10**9) for n in range(112)], 114, "total_sum", Wrong.TOO_MUCH),
    ],
)
def test_a_value_without_a_place_is_named_by_its_record_and_field(
    wanted: list[Debit], record: int, item: str, wrong: Wrong | None
) -> None:
    if wrong is None:  # an empty number is filled with zeros, as the format has it
        assert b"0000000" in write_debit_file(HEADER, wanted)
        return
    with pytest.raises(NotADebitFile) as refused:
        write_debit_file(HEADER, wanted)
    assert [refused.value.params[name] for name in ("record", "item", "wrong")] == [record, item, wrong]


def test_each_customer_has_its_result() -> None:
    """Worked by hand: of 13,530 yen the bank debited 11,330 and could not debit 2,200."""
    answered = [
        debit("1003", 330),
        debit("1001", 11_000),
        debit("1002", 2_200, DebitResult.NO_FUNDS),
    ]
    content = answer(answered)
    trailer = content[4 * RECORD_BYTES :][:55]
    assert trailer == b"8000003000000013530000002000000011330000001000000002200"
    assert results_of(ASKED, content) == {
        "1001": DebitResult.PAID,
        "1002": DebitResult.NO_FUNDS,
        "1003": DebitResult.PAID,
    }


def test_the_year_of_an_answer_is_that_of_its_batch() -> None:
    leap = replace(ASKED, header=HEADER._replace(debit_on=date(2028, 2, 29)))
    content = answer(ASKED.debits, leap.header)
    assert set(results_of(leap, content).values()) == {DebitResult.PAID}
    with pytest.raises(NotADebitFile) as refused:
        results_of(ASKED, content)
    assert refused.value.params["wrong"] is Wrong.NO_SUCH_DAY


def test_names_that_were_cut_are_still_those_of_the_batch() -> None:
    asked = replace(ASKED, header=HEADER._replace(client_name="ｻ" * 39 + "ﾊﾞ"))
    assert len(results_of(asked, answer(asked.debits, asked.header))) == 3


OTHER_HEADER = HEADER._replace(client_code="1234567891")
ALL = list(ASKED.debits)


@pytest.mark.parametrize(
    ("content", "record", "item", "wrong"),
    [
        (answer(ALL, OTHER_HEADER), 1, "client_code", Wrong.NOT_AS_ASKED),
        (answer(ALL, HEADER._replace(debit_on=date(2026, 1, 28))), 1, "debit_on", Wrong.NOT_AS_ASKED),
        (answer(ALL[:2]), 4, "customer", Wrong.UNANSWERED),
        (answer([*ALL, debit("1004", 1)]), 5, "customer", Wrong.NOT_ASKED_FOR),
        (answer([*ALL[:2], debit("1003", 331)]), 4, "amount", Wrong.NOT_AS_ASKED),
        (write_debit_file(HEADER, ALL), 5, "paid_count", Wrong.NOT_THE_SUM),
        (answer(ALL).replace(b"13530", b"13531", 1), 5, "total_sum", Wrong.NOT_THE_SUM),
        (answer(ALL).replace(b"1910", b"1911", 1), 1, "charset", Wrong.CHARACTERS),
        (answer(ALL).replace(b"1910", b"1210", 1), 1, "", Wrong.CHARACTERS),
        (answer(ALL)[:-1], 6, "", Wrong.LENGTH),
        (answer(ALL)[:-RECORD_BYTES], 4, "", Wrong.ORDER),
        (b"", 1, "", Wrong.MISSING),
    ],
)
def test_an_answer_to_something_else_is_refused_whole(
    content: bytes, record: int, item: str, wrong: Wrong
) -> None:
    with pytest.raises(NotADebitFile) as refused:
        results_of(ASKED, content)
    assert [refused.value.params[name] for name in ("record", "item", "wrong")] == [record, item, wrong]


def test_a_customer_answered_twice_is_refused() -> None:
    record = answer(ALL)[RECORD_BYTES : 2 * RECORD_BYTES]
    content = answer(ALL)
    twice = content[: 2 * RECORD_BYTES] + record + content[2 * RECORD_BYTES :]
    twice = twice.replace(b"8000003000000013530000003000000013530", b"8000004000000024530000004000000024530")
    with pytest.raises(NotADebitFile) as refused:
        results_of(ASKED, twice)
    assert (refused.value.params["record"], refused.value.params["wrong"]) == (3, Wrong.SAID_TWICE)
