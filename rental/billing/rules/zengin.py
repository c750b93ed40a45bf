"""Direct debit files (口座振替, 91) as banks exchange them: asked and answered in records of 120 bytes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from rental.billing.rules.kana import cut
from rental.core.errors import Invalid
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


class Wrong(StrEnum):
    """What is the matter with a field of a record."""

    LENGTH = "length"
    CHARACTERS = "characters"
    ORDER = "order"
    NO_SUCH_DAY = "no_such_day"
    NOTHING = "nothing"
    TOO_MUCH = "too_much"
    SAID_TWICE = "said_twice"
    NOT_THE_SUM = "not_the_sum"
    NOT_AS_ASKED = "not_as_asked"
    NOT_ASKED_FOR = "not_asked_for"
    UNANSWERED = "unanswered"
    MISSING = "missing"


class NotADebitFile(Invalid):
    """A direct debit file that no bank would take, or an answer that is none to what was asked.

    `record` counts from 1, the header; `item` is the field at fault, by its name in the layout.
    """

    code = "billing.not_a_debit_file"
    field = "file"

    def __init__(self, record: int, item: str, wrong: Wrong, *, value: str = "") -> None:
        super().__init__(record=record, item=item, wrong=wrong, value=value)


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


class Field(NamedTuple):
    """A field of a record: what it looks like in a file, and the form its value is written in.

    What has no name has no value: it is always the same, or nothing to us.
    """

    name: str
    width: int
    pattern: str
    form: str


def _number(name: str, width: int) -> Field:
    return Field(name, width, f"[0-9]{{{width}}}", f"{{:0>{width}}}")


def _code(name: str, characters: str) -> Field:
    return Field(name, 1, f"[{characters}]", "{}")


def _text(name: str, width: int, signs: str = "") -> Field:
    return Field(name, width, f"[0-9A-Z ｱ-ﾟ\\-{signs}]{{{width}}}", f"{{:<{width}}}")


def _always(text: str) -> Field:
    return Field("", len(text), text, text)


def _unused(width: int) -> Field:
    """Written as blanks; what a bank puts there is its own."""
    return Field("", width, f"[ -~｡-ﾟ]{{{width}}}", " " * width)


class Layout:
    """One kind of record: written from its values by one template, read by one pattern."""

    def __init__(self, *fields: Field) -> None:
        self._fields = fields
        self._form = "".join(field.form for field in fields)
        self._pattern = re.compile(
            "".join(f"({field.pattern})" if field.name else field.pattern for field in fields)
        )

    def write(self, number: int, *values: object) -> str:
        """The record of these values, in the order of its fields. Raises NotADebitFile."""
        record = self._form.format(*values)
        if self._pattern.fullmatch(record) is None or _STRAY_MARK.search(record):
            raise self._not_writable(number, values)
        return record

    def read(self, number: int, record: str) -> tuple[str, ...]:
        """The values of a record, each with the blanks that fill it. Raises NotADebitFile."""
        found = self._pattern.fullmatch(record)
        if found is None:
            raise self._not_readable(number, record)
        return found.groups()

    def _not_writable(self, number: int, values: Sequence[object]) -> NotADebitFile:
        for field, value in zip((field for field in self._fields if field.name), values, strict=True):
            text = field.form.format(value)
            if len(text) != field.width:
                return NotADebitFile(number, field.name, Wrong.LENGTH, value=str(value))
            if not re.fullmatch(field.pattern, text) or _STRAY_MARK.search(text):
                return NotADebitFile(number, field.name, Wrong.CHARACTERS, value=str(value))
        raise AssertionError("a record is as good as its fields")

    def _not_readable(self, number: int, record: str) -> NotADebitFile:
        at = 0
        for field in self._fields:
            text = record[at : at + field.width]
            at += field.width
            if not re.fullmatch(field.pattern, text):
                return NotADebitFile(number, field.name, Wrong.CHARACTERS, value=text.strip())
        raise AssertionError("a record is as good as its fields")


_HEADER = Layout(
    _always("1"),
    _always("91"),
    _code("charset", "0"),  # 1 would be EBCDIC
    _number("client_code", 10),
    _text("client_name", 40, "()."),
    _number("debit_on", 4),
    *(_number("bank", 4), _text("bank_name", 15)),
    *(_number("branch", 3), _text("branch_name", 15)),
    *(_code("account_type", "129"), _number("account", 7)),
    _unused(17),
)
_DATA = Layout(
    _always("2"),
    *(_number("bank", 4), _text("bank_name", 15)),
    *(_number("branch", 3), _text("branch_name", 15)),
    _unused(4),
    *(_code("account_type", "1239"), _number("account", 7)),
    _text("holder", 30, "()."),
    _number("amount", 10),
    _code("new_code", "012"),
    _number("customer", 20),
    _code("result", "0123489"),
    _unused(8),
)
_TRAILER = Layout(
    _always("8"),
    *(_number("total_count", 6), _number("total_sum", 12)),
    *(_number("paid_count", 6), _number("paid_sum", 12)),
    *(_number("failed_count", 6), _number("failed_sum", 12)),
    _unused(65),
)
_END = Layout(_always("9"), _unused(119))
# A voice mark follows a kana that takes it.
_STRAY_MARK = re.compile(r"ﾞ(?<![ｳｶ-ﾄﾊ-ﾎ]ﾞ)|ﾟ(?<![ﾊ-ﾎ]ﾟ)")
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
