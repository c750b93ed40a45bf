"""What a company's books hold in the end, row by row: the same in two companies with the same history.

Ids are made at random and moments are of no matter here, so a row says of what it speaks by name: the line of
a contract by its place, a document by its number, an entry of a ledger by its content.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from rental.billing.book_models import Document, JournalEntry, JournalLine, RevenueMonth
from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingClaim,
    BillingItem,
    BillingRun,
    BillingSchedule,
    Invoice,
    InvoiceLine,
    InvoiceTax,
    RecurringMovement,
    UsageRecord,
)
from rental.changes.models import Amendment
from rental.contracts.models import Contract, Line, LineAnchor, LineEvent, LineTerms, OneOff, Slot
from rental.core.db import Base
from rental.core.numbering import Counter as NumberSeries
from rental.customers.models import BillingAccount

KINDS: tuple[type[Base], ...] = (
    Invoice,
    InvoiceLine,
    InvoiceTax,
    BillingClaim,
    BilledSegment,
    BilledSpan,
    BillingSchedule,
    BillingItem,
    BillingRun,
    JournalEntry,
    JournalLine,
    RevenueMonth,
    RecurringMovement,
    Document,
    Contract,
    Line,
    LineTerms,
    LineAnchor,
    LineEvent,
    OneOff,
    Slot,
    UsageRecord,
    Amendment,
    NumberSeries,
)
# Who caused it, and where the drawing lies; what it is about is compared.
_ASIDE = {"id", "source_id", "document_id", "file_id"}
_UUID = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b")

_UNKNOWN = "somebody or something else"

State = dict[str, Counter[tuple[Any, ...]]]


def end_state(session: Session) -> State:
    """Every row of the books by the name of its table, and how often there is one like it."""
    names = _Names(session)
    return {
        kind.__tablename__: Counter(names.told(kind, row) for row in _rows(session, kind)) for kind in KINDS
    }


def differences(one: State, other: State) -> dict[str, tuple[list[Any], list[Any]]]:
    """The rows of each table that only one of them has."""
    return {
        table: (list((one[table] - other[table]).elements()), list((other[table] - one[table]).elements()))
        for table in one
        if one[table] != other[table]
    }


def _rows(session: Session, kind: type[Base]) -> Iterable[Row[Any]]:
    return session.execute(select(kind.__table__))


class _Names:
    """What everything is called that a row may speak of."""

    def __init__(self, session: Session) -> None:
        self._known: dict[UUID, Any] = {}
        for kind, named_by in (
            (BillingAccount, ("number",)),
            (Contract, ("number",)),
            (Line, ("contract_id", "position")),
            (Slot, ("contract_line_id", "position")),
            (BillingRun, ("closed_on",)),
            (Invoice, ("number",)),
            (InvoiceLine, ("invoice_id", "position")),
        ):
            for row in _rows(session, kind):
                self._known[row.id] = tuple(self.value(row._mapping[each]) for each in named_by)
        segments = {row.id: row for row in _rows(session, BilledSegment)}
        for segment in sorted(segments.values(), key=lambda row: row.sign, reverse=True):
            self._known[segment.id] = self.told(BilledSegment, segment)

    def told(self, kind: type[Base], row: Row[Any]) -> tuple[Any, ...]:
        """The row without ids and moments."""
        told = [
            self.value(row._mapping[column.name])
            for column in kind.__table__.columns
            if column.name not in _ASIDE and not isinstance(row._mapping[column.name], datetime)
        ]
        if kind in (JournalEntry, JournalLine):
            told.append(self._known[row.source_id])
        return tuple(told)

    def value(self, value: Any) -> Any:
        if isinstance(value, UUID):
            return self._known.get(value, _UNKNOWN)
        if isinstance(value, dict | list):
            value = json.dumps(value, ensure_ascii=False, sort_keys=True)
        if isinstance(value, str):
            return _UUID.sub(lambda found: str(self._known.get(UUID(found[0]), _UNKNOWN)), value)
        return value
