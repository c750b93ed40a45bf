"""What finalising writes into the books with an invoice, and that nobody changes it afterwards."""

from collections.abc import Iterator
from datetime import date
from typing import Any, cast

import pytest
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from rental.billing.book_models import (
    Document,
    JournalEntry,
    JournalLine,
    LedgerAccountName,
    RevenueMonth,
)
from rental.billing.models import Invoice, InvoiceLine, InvoiceTax
from rental.billing.rules.papers import PaperKind
from rental.catalog.rules import TaxClass
from rental.core.db import Base, db
from rental.core.ids import new_id
from rental.core.money import yen_of
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.story import Story
from tests.web.company import rows_of


@pytest.fixture
def company(story: Story) -> Story:
    """A company that may issue invoices."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


@pytest.fixture
def billed(company: Story) -> Story:
    """One account closed on the 20th, with rent of both rates since 21 March; its invoice is drawn."""
    company.on("2026-03-21")
    machines_in_service(company, Rented(3100), Rented(1290, tax_class=TaxClass.REDUCED), closing_day=20)
    company.on("2026-04-21")
    close(company, "2026-04-20")
    return company


def journal(story: Story) -> list[tuple[str, str, int, int]]:
    with story.reading() as session:
        rows = session.scalars(
            select(JournalLine).order_by(JournalLine.source_id, JournalLine.position)
        ).all()
        return [(row.debit.value, row.credit.value, row.amount.minor_units, row.rate_bp) for row in rows]


def test_an_invoice_in_arrears_is_a_sale_with_its_tax_by_rate(billed: Story) -> None:
    assert journal(billed) == [
        ("receivable", "sales", 3100, 1000),
        ("receivable", "sales", 1290, 800),
        ("receivable", "tax_received", 310, 1000),
        ("receivable", "tax_received", 103, 800),
    ]
    (invoice,) = invoices_of(billed)
    with billed.reading() as session:
        entry = session.scalars(select(JournalEntry)).one()
        assert (entry.source_id, entry.entry_on) == (invoice.id, date(2026, 4, 20))
    assert invoice.balance == invoice.total == yen_of(4803)


def test_each_line_is_earned_in_the_months_of_its_days(billed: Story) -> None:
    with billed.reading() as session:
        rows = session.execute(
            select(InvoiceLine.position, RevenueMonth.month, RevenueMonth.amount)
            .join(InvoiceLine, InvoiceLine.id == RevenueMonth.invoice_line_id)
            .order_by(InvoiceLine.position, RevenueMonth.month)
        )
        assert [(position, month.month, amount.minor_units) for position, month, amount in rows] == [
            (1, 3, 1100),
            (1, 4, 2000),
            (2, 3, 457),  # 11 of 31 days of 1,290 yen, down to the yen
            (2, 4, 833),
        ]


def test_a_plain_invoice_adds_few_rows(company: Story) -> None:
    machines_in_service(company, Rented(9800, machines=3))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    counts = [company.count(kind) for kind in (JournalEntry, JournalLine, RevenueMonth, Document)]
    assert counts == [1, 2, 1, 1]


def test_an_invoice_is_in_the_register_from_the_moment_it_is_finalised(billed: Story) -> None:
    (invoice,) = invoices_of(billed)
    with billed.reading() as session:
        document = session.scalars(select(Document)).one()
        assert (document.kind, document.number) == (PaperKind.INVOICE, invoice.number)
        assert (document.counterparty, document.dated_on) == ("喫茶みどり 経理部", date(2026, 4, 21))
        assert (document.amount, document.version) == (yen_of(4803), 1)
        assert document.sha256 == invoice.snapshot_sha256
        assert document.file
        assert document.file_id == invoice.document_id


def test_what_costs_nothing_is_no_entry(company: Story) -> None:
    machines_in_service(company, Rented(0))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    assert company.count(JournalEntry) == company.count(RevenueMonth) == 0
    assert company.count(Document) == company.count(Invoice)


def test_a_closing_that_is_repeated_books_nothing_twice(billed: Story) -> None:
    before = {kind: billed.count(kind) for kind in (JournalEntry, JournalLine, RevenueMonth, Document)}
    close(billed, "2026-04-20")
    billed.everything_happens_twice()
    assert {kind: billed.count(kind) for kind in before} == before


def test_every_account_has_a_name_from_the_start(company: Story) -> None:
    with company.reading() as session:
        names = {row.account.value: row.name for row in session.scalars(select(LedgerAccountName))}
    assert (names["receivable"], names["sales"], names["tax_received"]) == ("売掛金", "売上高", "仮受消費税")


# written once

# What may follow after an invoice was finalised: its state, what is owed, when it was sent, its drawing.
MAY_CHANGE = {
    Invoice: {"state", "balance", "sent_at", "sent_by", "document_id"},
    Document: {"file_id", "sent_at", "sent_by"},
}
WRITTEN_ONCE: tuple[type[Base], ...] = (
    Invoice,
    InvoiceLine,
    InvoiceTax,
    JournalEntry,
    JournalLine,
    RevenueMonth,
    Document,
)


def table_of(kind: type[Base]) -> Table:
    return cast(Table, kind.__table__)


def columns_of(kind: type[Base]) -> Iterator[str]:
    return (name for name in table_of(kind).c.keys() if name not in MAY_CHANGE.get(kind, ()))  # noqa: SIM118


def test_no_column_of_what_was_issued_can_be_changed(billed: Story) -> None:
    """Not even to what it is already."""
    before = rows_of(billed.app)
    tried = 0
    for kind in WRITTEN_ONCE:
        for name in columns_of(kind):
            column = table_of(kind).c[name]
            with pytest.raises(DBAPIError), billed.begin() as uow:
                uow.session.execute(update(table_of(kind)).values({name: column}))
            tried += 1
    assert tried >= 60
    assert rows_of(billed.app) == before


@pytest.mark.parametrize("kind", WRITTEN_ONCE)
def test_no_row_of_what_was_issued_can_be_deleted_or_replaced(billed: Story, kind: type[Base]) -> None:
    before = rows_of(billed.app)
    with pytest.raises(DBAPIError), billed.begin() as uow:
        uow.session.execute(delete(table_of(kind)))
    with pytest.raises(DBAPIError), billed.begin() as uow:
        row: dict[str, Any] = dict(uow.session.execute(select(table_of(kind))).mappings().first() or {})
        statement = insert(table_of(kind))
        if db.engine.dialect.name == "sqlite":
            statement = statement.prefix_with("OR REPLACE")
        uow.session.execute(statement.values(row))
    assert rows_of(billed.app) == before


@pytest.mark.parametrize(("kind", "drawing"), [(Invoice, "document_id"), (Document, "file_id")])
def test_the_drawing_is_kept_once(billed: Story, kind: type[Base], drawing: str) -> None:
    with pytest.raises(DBAPIError), billed.begin() as uow:
        uow.session.execute(update(table_of(kind)).values({drawing: None}))
    with pytest.raises(DBAPIError), billed.begin() as uow:
        uow.session.execute(update(table_of(kind)).values({drawing: new_id()}))


def test_no_more_is_owed_of_an_invoice_than_its_total_and_never_less_than_nothing(billed: Story) -> None:
    for balance in (-1, 4804):
        with pytest.raises(DBAPIError), billed.begin() as uow:
            uow.session.execute(text("UPDATE invoice SET balance = :balance"), {"balance": balance})
    with billed.begin() as uow:
        uow.session.execute(text("UPDATE invoice SET balance = 0"))
    assert invoices_of(billed)[0].balance == yen_of(0)
