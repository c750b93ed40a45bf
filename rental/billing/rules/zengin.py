"""Direct debit files (口座振替, 91) as banks exchange them: asked and answered in records of 120 bytes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from rental.billing.rules.kana import cut
from rental.billing.rules.records import (
    Layout,
    NotADebitFile,
    Wrong,
    always,
    code_field,
    digits_field,
    text_field,
    unused,
)
from rental.core.money import Money

RECORD_BYTES = 120
MAX_COUNT = 10**6 - 1
MAX_SUM = 10**12 - 1
END_OF_FILE = b"\x1a"
_LINE_END = b"\r\n"
_CHARSET = "cp932"  # its single bytes are JIS X 0201


class AccountType(StrEnum):
    """預金種目."""

    ORDINARY = "1"
    CURRENT = "2"
    TAX = "3"
    OTHER = "9"


class NewCode(StrEnum):
    """新規コード: whether the bank sees this customer for the first time."""

    OTHER = "0"
    FIRST = "1"
    CHANGED = "2"


class DebitResult(StrEnum):
    """振替結果コード; a request says PAID throughout."""

    PAID = "0"
    NO_FUNDS = "1"
    NO_ACCOUNT = "2"
    STOPPED_BY_PAYER = "3"
    NO_MANDATE = "4"
    STOPPED_BY_US = "8"
    OTHER = "9"


class DebitHeader(NamedTuple):
    """Who collects, on which day, into which account. Names are in bank kana."""

    client_code: str
    client_name: str
    debit_on: date
    bank: str
    bank_name: str
    branch: str
    branch_name: str
    account_type: AccountType
    account: str


class Debit(NamedTuple):
    """One account to be debited. `customer` is our number for it, digits kept as text; each occurs once.

    Names are in bank kana. A result is read from an answer; a request has PAID.
    """

    bank: str
    bank_name: str
    branch: str
    branch_name: str
    account_type: AccountType
    account: str
    holder: str
    amount: Money
    new_code: NewCode
    customer: str
    result: DebitResult = DebitResult.PAID


@dataclass(frozen=True, slots=True)
class DebitFile:
    """What one file says. The year of its day is that of the batch: a file names month and day only."""

    header: DebitHeader
    debits: Sequence[Debit]


_HEADER = Layout(
    always("1"),
    always("91"),
    code_field("charset", "0"),  # 1 would be EBCDIC
    digits_field("client_code", 10),
    text_field("client_name", 40, "()."),
    digits_field("debit_on", 4),
    *(digits_field("bank", 4), text_field("bank_name", 15)),
    *(digits_field("branch", 3), text_field("branch_name", 15)),
    *(code_field("account_type", "129"), digits_field("account", 7)),
    unused(17),
)
_DATA = Layout(
    always("2"),
    *(digits_field("bank", 4), text_field("bank_name", 15)),
    *(digits_field("branch", 3), text_field("branch_name", 15)),
    unused(4),
    *(code_field("account_type", "1239"), digits_field("account", 7)),
    text_field("holder", 30, "()."),
    digits_field("amount", 10),
    code_field("new_code", "012"),
    digits_field("customer", 20),
    code_field("result", "0123489"),
    unused(8),
)
_TRAILER = Layout(
    always("8"),
    *(digits_field("total_count", 6), digits_field("total_sum", 12)),
    *(digits_field("paid_count", 6), digits_field("paid_sum", 12)),
    *(digits_field("failed_count", 6), digits_field("failed_sum", 12)),
    unused(65),
)
_END = Layout(always("9"), unused(119))
_ONE_BYTE_EACH = re.compile(rb"[\x20-\x7e\xa1-\xdf]*")


class Sums(NamedTuple):
    """What a trailer adds up."""

    total_count: int
    total_sum: int
    paid_count: int = 0
    paid_sum: int = 0
    failed_count: int = 0
    failed_sum: int = 0


def write_debit_file(header: DebitHeader, debits: Sequence[Debit], *, has_line_ends: bool = False) -> bytes:
    """The file a bank is asked with. Names longer than their fields are cut, never between kana and ﾞ or ﾟ.

    Raises NotADebitFile where a value has no place in its field, a customer occurs twice, an amount is
    nothing, or there is no debit or too much of them.
    """
    sums = _asked(debits)
    records = [
        _HEADER.write(1, *_header_values(header)),
        *(_DATA.write(number, *_values(debit)) for number, debit in enumerate(debits, start=2)),
        _TRAILER.write(len(debits) + 2, *sums),
        _END.write(len(debits) + 3),
    ]
    end = _LINE_END.decode() if has_line_ends else ""
    return "".join(record + end for record in records).encode(_CHARSET)


def read_debit_file(content: bytes, *, year: int) -> DebitFile:
    """A request or an answer, whose totals agree with its records. Raises NotADebitFile."""
    header, debits, _sums = _read(content, year)
    return DebitFile(header, debits)


def results_of(asked: DebitFile, content: bytes) -> dict[str, DebitResult]:
    """What became of each customer's debit: the answer is taken whole or not at all.

    It has the header that was asked with, every customer once with the same amount, and its own sums right.
    Raises NotADebitFile.
    """
    header, debits, sums = _read(content, asked.header.debit_on.year)
    _require_same_header(asked.header, header)
    amounts = {debit.customer.zfill(20): debit.amount for debit in asked.debits}
    found: dict[str, DebitResult] = {}
    for number, debit in enumerate(debits, start=2):
        customer = debit.customer
        if customer in found:
            raise NotADebitFile(number, "customer", Wrong.SAID_TWICE, value=customer)
        if customer not in amounts:
            raise NotADebitFile(number, "customer", Wrong.NOT_ASKED_FOR, value=customer)
        if amounts[customer] != debit.amount:
            raise NotADebitFile(number, "amount", Wrong.NOT_AS_ASKED, value=str(debit.amount.minor_units))
        found[customer] = debit.result
    if unanswered := amounts.keys() - found.keys():
        raise NotADebitFile(len(debits) + 2, "customer", Wrong.UNANSWERED, value=min(unanswered))
    _require_sums(_answered(debits), sums, number=len(debits) + 2)
    return {debit.customer: found[debit.customer.zfill(20)] for debit in asked.debits}


def _header_values(header: DebitHeader) -> tuple[object, ...]:
    return (
        *("0", header.client_code, cut(header.client_name, 40), f"{header.debit_on:%m%d}"),
        *(header.bank, cut(header.bank_name, 15), header.branch, cut(header.branch_name, 15)),
        *(header.account_type, header.account),
    )


def _values(debit: Debit) -> tuple[object, ...]:
    bank, bank_name, branch, branch_name, account_type, account, holder, amount, *rest = debit
    return (
        *(bank, cut(bank_name, 15), branch, cut(branch_name, 15)),
        *(account_type, account, cut(holder, 30), amount.minor_units, *rest),
    )


def _asked(debits: Sequence[Debit]) -> Sums:
    """The totals of a request, which say nothing yet of what was paid."""
    known: set[str] = set()
    for number, debit in enumerate(debits, start=2):
        if debit.amount.minor_units <= 0:
            raise NotADebitFile(number, "amount", Wrong.NOTHING, value=str(debit.amount.minor_units))
        customer = debit.customer.zfill(20)
        if customer in known:
            raise NotADebitFile(number, "customer", Wrong.SAID_TWICE, value=debit.customer)
        known.add(customer)
    count, amount = len(debits), sum(debit.amount.minor_units for debit in debits)
    if not debits:
        raise NotADebitFile(2, "total_count", Wrong.NOTHING)
    for item, value, most in (("total_count", count, MAX_COUNT), ("total_sum", amount, MAX_SUM)):
        if value > most:
            raise NotADebitFile(count + 2, item, Wrong.TOO_MUCH, value=str(value))
    return Sums(count, amount)


def _answered(debits: Sequence[Debit]) -> Sums:
    paid = [debit.amount.minor_units for debit in debits if debit.result is DebitResult.PAID]
    failed = [debit.amount.minor_units for debit in debits if debit.result is not DebitResult.PAID]
    return Sums(len(debits), sum(paid) + sum(failed), len(paid), sum(paid), len(failed), sum(failed))


def _read(content: bytes, year: int) -> tuple[DebitHeader, list[Debit], Sums]:
    records = _records(content)
    if len(records) < 3:
        raise NotADebitFile(len(records) + 1, "", Wrong.MISSING)
    header = _header(_record(_HEADER, "1", 1, records[0]), year)
    debits = [
        _debit(number, _record(_DATA, "2", number, record))
        for number, record in enumerate(records[1:-2], start=2)
    ]
    last = len(records)
    sums = Sums(*map(int, _record(_TRAILER, "8", last - 1, records[-2])))
    _record(_END, "9", last, records[-1])
    answered = _answered(debits)
    _require_sums(answered[:2], sums[:2], number=last - 1)
    return header, debits, sums


def _records(content: bytes) -> list[str]:
    """The records, each of 120 bytes of one character; line ends and an end-of-file mark are left away."""
    body = content.rstrip(_LINE_END + END_OF_FILE)
    if _LINE_END in body:
        parts = body.split(_LINE_END)
    else:
        parts = [body[at : at + RECORD_BYTES] for at in range(0, len(body), RECORD_BYTES)]
    for number, part in enumerate(parts, start=1):
        if len(part) != RECORD_BYTES:
            raise NotADebitFile(number, "", Wrong.LENGTH, value=str(len(part)))
        if _ONE_BYTE_EACH.fullmatch(part) is None:
            raise NotADebitFile(number, "", Wrong.CHARACTERS)
    return [part.decode(_CHARSET) for part in parts]


def _record(layout: Layout, kind: str, number: int, record: str) -> tuple[str, ...]:
    if record[0] != kind:
        raise NotADebitFile(number, "", Wrong.ORDER, value=record[0])
    return layout.read(number, record)


def _header(values: tuple[str, ...], year: int) -> DebitHeader:
    _charset, client_code, client_name, day, bank, bank_name, branch, branch_name, kind, account = values
    try:
        debit_on = date(year, int(day[:2]), int(day[2:]))
    except ValueError:
        raise NotADebitFile(1, "debit_on", Wrong.NO_SUCH_DAY, value=day) from None
    return DebitHeader(
        client_code,
        client_name.rstrip(),
        debit_on,
        bank,
        bank_name.rstrip(),
        branch,
        branch_name.rstrip(),
        _ACCOUNT_TYPES[kind],
        account,
    )


def _debit(number: int, values: tuple[str, ...]) -> Debit:
    bank, bank_name, branch, branch_name, kind, account, holder, amount, new_code, customer, result = values
    yen = int(amount)
    if not yen:
        raise NotADebitFile(number, "amount", Wrong.NOTHING, value=amount)
    return Debit(
        bank,
        bank_name.rstrip(),
        branch,
        branch_name.rstrip(),
        _ACCOUNT_TYPES[kind],
        account,
        holder.rstrip(),
        Money(yen),
        _NEW_CODES[new_code],
        customer,
        _RESULTS[result],
    )


# Looked up by the hundred thousand: calling an enumeration takes four times as long.
_ACCOUNT_TYPES = {each.value: each for each in AccountType}
_NEW_CODES = {each.value: each for each in NewCode}
_RESULTS = {each.value: each for each in DebitResult}


def _require_same_header(asked: DebitHeader, found: DebitHeader) -> None:
    """As it was written: cut and filled."""
    meant = _header(_HEADER.read(1, _HEADER.write(1, *_header_values(asked))), asked.debit_on.year)
    for item, wanted, value in zip(DebitHeader._fields, meant, found, strict=True):
        if wanted != value:
            raise NotADebitFile(1, item, Wrong.NOT_AS_ASKED, value=str(value))


def _require_sums(meant: Sequence[int], found: Sequence[int], *, number: int) -> None:
    for item, wanted, value in zip(Sums._fields, meant, found, strict=False):
        if wanted != value:
            raise NotADebitFile(number, item, Wrong.NOT_THE_SUM, value=str(value))
