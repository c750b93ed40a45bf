"""M7: the numbers of every series of documents run on, in their order, and corrections follow theirs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import String, and_, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from rental.assurance.checks.asking import Check, Severity, rows_of
from rental.assurance.checks.numbers import Series, gaps_of, next_numbers
from rental.billing import deposits, receipts
from rental.billing.book_models import Document
from rental.billing.credit_models import CreditNote
from rental.billing.models import Invoice
from rental.billing.rules.papers import PaperKind


@dataclass(frozen=True)
class DatedSeries(Series):
    """A series whose numbers are given in the order of a day; `head` is how much of one names the year."""

    dated_on: InstrumentedAttribute[date]
    head: int


_SERIES = (
    DatedSeries(
        "invoice",
        Invoice.number,
        re.compile(r"INV-(\d{4})-(\d{8,})"),
        dated_on=Invoice.issued_on,
        head=len("INV-2026"),
    ),
    DatedSeries(
        "credit_note",
        CreditNote.number,
        re.compile(r"CN-(\d{4})-(\d{8,})"),
        dated_on=CreditNote.issued_on,
        head=len("CN-2026"),
    ),
    DatedSeries(
        "delivery_note",
        Document.number,
        re.compile(r"DN-(\d{4})-(\d{8,})"),
        among=Document.kind == PaperKind.DELIVERY_NOTE,
        dated_on=Document.dated_on,
        head=len("DN-2026"),
    ),
    DatedSeries(
        receipts.SERIES,
        Document.number,
        re.compile(r"RV-(\d{4})-(\d{8,})"),
        among=Document.kind == PaperKind.RECEIPT,
        dated_on=Document.dated_on,
        head=len("RV-2026"),
    ),
    DatedSeries(
        deposits.SERIES,
        Document.number,
        re.compile(r"DR-(\d{4})-(\d{8,})"),
        among=Document.kind == PaperKind.DEPOSIT_RECEIPT,
        dated_on=Document.dated_on,
        head=len("DR-2026"),
    ),
)
_INVOICES = (PaperKind.INVOICE, PaperKind.CORRECTED_INVOICE)


def document_numbers_with_gaps(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """M7: a series whose numbers do not run from 1 to its counter, or not in the order of their issue.

    And a correction that is not the next of its invoice, or a number that the register says otherwise.
    """
    following = next_numbers(session)
    return [
        *(row for series in _SERIES for row in gaps_of(session, series, following)),
        *(row for series in _SERIES for row in _out_of_turn(session, series)),
        *_corrections_astray(session),
        *_numbers_of_no_document(session),
    ]


def _out_of_turn(session: Session, series: DatedSeries) -> Iterator[dict[str, Any]]:
    before = (
        func.lag(series.dated_on)
        .over(partition_by=func.substr(series.column, 1, series.head), order_by=series.column)
        .label("before")
    )
    numbers = select(series.column.label("number"), series.dated_on.label("issued_on"), before)
    if series.among is not None:
        numbers = numbers.where(series.among)
    each = numbers.subquery()
    yield from rows_of(
        session,
        select(each.c.number.label(series.name), each.c.issued_on, each.c.before).where(
            each.c.issued_on < each.c.before
        ),
    )


def _corrections_astray(session: Session) -> Iterator[dict[str, Any]]:
    """The corrections of an invoice are counted from 2 behind its number."""
    corrected = Document.kind == PaperKind.CORRECTED_INVOICE
    meant = Invoice.number + "-" + cast(Document.version, String)
    yield from rows_of(
        session,
        select(Document.number, meant.label("meant"))
        .join(Invoice, Invoice.id == Document.source_id)
        .where(corrected, Document.number != meant),
    )
    count, highest = func.count(), func.max(Document.version)
    yield from rows_of(
        session,
        select(Invoice.number.label("invoice"), count.label("count"), highest.label("highest"))
        .join(Document, Document.source_id == Invoice.id)
        .where(Document.kind.in_(_INVOICES))
        .group_by(Invoice.id, Invoice.number)
        .having(count != highest),
    )


def _numbers_of_no_document(session: Session) -> Iterator[dict[str, Any]]:
    """A credit note stands in the register under its number, unless it is an entry in the books alone."""
    registered = and_(Document.source_id == CreditNote.id, Document.kind == PaperKind.CREDIT_NOTE)
    yield from rows_of(
        session,
        select(CreditNote.number.label("credit_note"), Document.number.label("document"))
        .outerjoin(Document, registered)
        .where(
            CreditNote.has_document,
            or_(Document.id.is_(None), Document.number != CreditNote.number),
        ),
    )


DOCUMENT_NUMBER_CHECKS = (
    Check(
        "M7",
        "Do the numbers of invoices and other documents run without a gap, in the order of their issue?",
        "Somebody changed the books behind the product's back: compare with the latest backup.",
        Severity.ERROR,
        document_numbers_with_gaps,
    ),
)
