"""What was used, as meters and other systems tell it: taken in by the file, each reading once."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from typing import NamedTuple, TextIO
from uuid import UUID

from sqlalchemy import select

from rental.billing.histories import NOT_STARTED, recorded_starts
from rental.billing.models import UsageRecord as StoredReading
from rental.billing.rules.drafts import looked_back_to
from rental.billing.rules.line_history import LineEvent, history_of
from rental.billing.rules.refusals import NotBillable, Reason
from rental.billing.rules.usage import UsageRecord, distinct
from rental.billing.schedules import make_due
from rental.contracts.models import Contract, Line, LineTerms
from rental.core.errors import Invalid
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.periods import Period
from rental.core.text import narrow
from rental.core.uow import UnitOfWork
from rental.core.upserts import insert_new

COLUMNS = ("contract", "line", "external_id", "occurred_on", "quantity", "subject")
_OPTIONAL = {"subject"}
_LONGEST = 100
# Names of readings that are asked about in one statement.
_AT_ONCE = 5_000


class Reading(NamedTuple):
    """One reading of a line, which is named by its contract's number and its place there."""

    contract: str
    line: int
    external_id: str
    occurred_on: date
    quantity: int
    subject: str = ""


class Taken(NamedTuple):
    """How many readings were new, and how many had been told before."""

    new: int
    known: int


class BadReading(Invalid):
    """A row of a file cannot be taken, so none is; `row` counts from 2, under the head of the table."""

    code = "billing.bad_reading"

    def __init__(self, row: int, error: NotBillable) -> None:
        super().__init__(row=row, **error.params)
        self.field = error.field
        self.params["field"] = error.field


class MissingColumns(Invalid):
    """A file without these columns tells nothing that can be billed."""

    code = "billing.missing_columns"

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(columns=", ".join(columns))


class _Metered(NamedTuple):
    """A line that pays for what it uses, and the days on which it could be used."""

    line_id: UUID
    in_service: Period


def readings_in(file: TextIO) -> list[Reading]:
    """The readings of a CSV file with a head. Raises MissingColumns, BadReading."""
    rows = csv.DictReader(file)
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ()) and name not in _OPTIONAL]
    if missing:
        raise MissingColumns(missing)
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            found.append(_reading(row))
        except NotBillable as error:
            raise BadReading(number, error) from error
    return found


def take_readings(uow: UnitOfWork, readings: Sequence[Reading]) -> Taken:
    """All of them or none; one that was told before counts once, however often it comes.

    What belongs to a period that was billed corrects it with the next closing. Raises BadReading for a line
    that does not pay for usage, a day it was not in service or that is too long ago, or a name that was used
    for something else.
    """
    _hold(uow, {reading.contract for reading in readings})
    metered = _metered_lines(uow, readings)
    by_line: dict[UUID, list[tuple[int, UsageRecord]]] = {}
    for number, reading in enumerate(readings, start=2):
        try:
            line = _line_of(metered, reading, uow.today)
        except NotBillable as error:
            raise BadReading(number, error) from error
        record = UsageRecord(reading.external_id, reading.occurred_on, reading.quantity, reading.subject)
        by_line.setdefault(line.line_id, []).append((number, record))

    new: dict[UUID, list[UsageRecord]] = {}
    for line_id, told in sorted(by_line.items()):
        if unknown := _not_yet_known(uow, line_id, told):
            new[line_id] = unknown
    rows = [
        {"id": new_id(), "contract_line_id": line_id, "recorded_at": uow.now, **record._asdict()}
        for line_id, records in new.items()
        for record in records
    ]
    insert_new(uow.session, StoredReading, rows)
    make_due(uow, {line_id: min(each.occurred_on for each in records) for line_id, records in new.items()})
    uow.record("usage_taken", entity=StoredReading.__tablename__, entity_id=None, new=len(rows))
    return Taken(len(rows), len(readings) - len(rows))


def _reading(row: dict[str, str | None]) -> Reading:
    said = {name: narrow(row.get(name) or "").strip() for name in COLUMNS}
    for name in COLUMNS:
        if not said[name] and name not in _OPTIONAL:
            raise NotBillable(name, Reason.MISSING)
        if len(said[name]) > _LONGEST:
            raise NotBillable(name, Reason.OUT_OF_RANGE, value=said[name][:40])
    try:
        occurred_on = date.fromisoformat(said["occurred_on"])
    except ValueError:
        raise NotBillable("occurred_on", Reason.NOT_A_DAY, value=said["occurred_on"][:40]) from None
    return Reading(
        said["contract"].upper(),
        _whole("line", said["line"]),
        said["external_id"],
        occurred_on,
        _whole("quantity", said["quantity"]),
        said["subject"],
    )


def _whole(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise NotBillable(name, Reason.NOT_A_NUMBER, value=text[:40])
    if text.startswith("-"):
        raise NotBillable(name, Reason.NEGATIVE, value=text[:40])
    if len(digits) > 12:
        raise NotBillable(name, Reason.OUT_OF_RANGE, value=text[:40])
    return int(text)


def _metered_lines(uow: UnitOfWork, readings: Iterable[Reading]) -> dict[tuple[str, int], _Metered | None]:
    """The lines that these readings name; None for one that does not pay for usage."""
    numbers = sorted({reading.contract for reading in readings})
    found: dict[tuple[str, int], _Metered | None] = {}
    rest = iter(numbers)
    while some := list(islice(rest, _AT_ONCE)):
        rows = uow.session.execute(
            select(Contract.number, Line.position, Line.id, Line.monthly_fee, LineTerms)
            .join(Line, Line.contract_id == Contract.id)
            .outerjoin(LineTerms, LineTerms.contract_line_id == Line.id)
            .where(Contract.number.in_(some))
        ).all()
        metered = [line_id for _, _, line_id, _, terms in rows if terms is not None and terms.usage]
        recorded = recorded_starts(uow.session, metered, with_events=metered)
        for number, position, line_id, fee, _ in rows:
            _, _, events = recorded.get(line_id, NOT_STARTED)
            days = _in_service(events, fee)
            found[number, position] = None if days is None else _Metered(line_id, days)
    return found


def _in_service(events: Sequence[LineEvent], fee: Money) -> Period | None:
    """The days a closing takes readings of. None without any, or where what was recorded cannot be."""
    try:
        return history_of(events, fee=fee).in_service
    except NotBillable:
        return None


def _line_of(metered: dict[tuple[str, int], _Metered | None], reading: Reading, today: date) -> _Metered:
    if (reading.contract, reading.line) not in metered:
        known = {contract for contract, _ in metered}
        raise NotBillable("line" if reading.contract in known else "contract", Reason.UNKNOWN)
    line = metered[reading.contract, reading.line]
    if line is None:
        raise NotBillable("line", Reason.NOT_IN_FORCE)
    day = reading.occurred_on
    if not line.in_service.contains(day):
        raise NotBillable("occurred_on", Reason.NOT_IN_FORCE, value=day)
    if not looked_back_to(today) < day <= today:
        raise NotBillable("occurred_on", Reason.OUT_OF_RANGE, value=day)
    return line


def _hold(uow: UnitOfWork, numbers: Iterable[str]) -> None:
    """Nobody bills or amends these contracts until the transaction ends; what is read after this stays true.

    By their ids, as everybody holds them.
    """
    found: list[UUID] = []
    rest = iter(sorted(numbers))
    while named := list(islice(rest, _AT_ONCE)):
        found += uow.session.scalars(select(Contract.id).where(Contract.number.in_(named)))
    ids = iter(sorted(found))
    while some := list(islice(ids, _AT_ONCE)):
        uow.session.execute(
            select(Contract.id).where(Contract.id.in_(some)).order_by(Contract.id).with_for_update()
        )


def _not_yet_known(
    uow: UnitOfWork, line_id: UUID, told: Sequence[tuple[int, UsageRecord]]
) -> list[UsageRecord]:
    """Those of these readings of a line that were not told before. Raises BadReading."""
    known: dict[str, UsageRecord] = {}
    names = iter({record.external_id for _, record in told})
    while some := list(islice(names, _AT_ONCE)):
        rows = uow.session.execute(
            select(
                StoredReading.external_id,
                StoredReading.occurred_on,
                StoredReading.quantity,
                StoredReading.subject,
            ).where(StoredReading.contract_line_id == line_id, StoredReading.external_id.in_(some))
        )
        known |= {row.external_id: UsageRecord(*row) for row in rows}
    new: dict[str, UsageRecord] = {}
    for number, record in told:
        try:
            distinct((known.get(record.external_id, record), new.get(record.external_id, record), record))
        except NotBillable as error:
            raise BadReading(number, error) from error
        if record.external_id not in known:
            new[record.external_id] = record
    return list(new.values())
