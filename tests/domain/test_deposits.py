"""A deposit is held for the customer, pays what is owed in the end, and goes back."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from rental.billing.book_models import Document, JournalLine
from rental.billing.deposits import offset_deposit, receive_deposit, refund_deposit
from rental.billing.models import Invoice
from rental.billing.payment_models import DepositEntry
from rental.billing.payment_queries import deposit_held
from rental.billing.register import draw_issued
from rental.billing.rules.papers import PaperKind
from rental.billing.rules.payments import (
    MoreThanHeld,
    NothingReceived,
    NothingToOffset,
    NotOfThisContract,
    ReceivedInFuture,
)
from rental.core.errors import DomainError
from rental.core.ids import new_id
from rental.core.money import Money, yen_of
from tests.domain.test_books import table_of
from tests.domain.test_payments import findings
from tests.factories.billed import InService, Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.story import Story
from tests.web.company import rows_of

(G17,) = (
    example
    for example in json.loads((Path(__file__).parents[1] / "golden" / "billing.json").read_text("utf-8"))[
        "goldens"
    ]
    if example["id"] == "G17"
)
CASES = list(zip(G17["input"]["repairs"], G17["expected"]["settlements"], strict=True))


@pytest.fixture
def company(story: Story) -> Story:
    with story.begin() as uow:
        make_issuer(uow)
    return story


def receive(story: Story, contract_id: UUID, amount: int, on: date = date(2026, 4, 1)) -> DepositEntry:
    with story.begin() as uow:
        return receive_deposit(uow, contract_id, amount=Money(amount), received_on=on)


def refund(story: Story, contract_id: UUID, amount: int, on: date = date(2026, 5, 1)) -> DepositEntry:
    with story.begin() as uow:
        return refund_deposit(uow, contract_id, amount=Money(amount), refunded_on=on)


def offset(story: Story, contract_id: UUID, invoice: Invoice, amount: int | None = None) -> DepositEntry:
    with story.begin() as uow:
        return offset_deposit(
            uow,
            contract_id,
            invoice_id=invoice.id,
            amount=None if amount is None else Money(amount),
        )


def billed(story: Story, fee: int, name: str = "喫茶みどり") -> tuple[InService, Invoice]:
    """A contract whose first month came to this fee and its tax; it is 1 May."""
    rented = machines_in_service(story, Rented(fee), name=name)
    story.on("2026-05-01")
    close(story, "2026-04-30")
    return rented, invoices_of(story, rented.account_id)[0]


def held(story: Story, contract_id: UUID) -> int:
    with story.reading() as session:
        return deposit_held(session, contract_id).minor_units


@pytest.mark.parametrize(("repair", "expected"), CASES)
def test_a_deposit_pays_what_is_owed_and_the_rest_goes_back(
    company: Story, repair: list[int], expected: dict[str, int]
) -> None:
    """G17, on invoices of the repairs' amounts."""
    fee, rate = repair
    rented, invoice = billed(company, fee)
    assert invoice.total == yen_of(fee + fee * rate // 10_000)
    receive(company, rented.contract_id, G17["input"]["received"])
    paid = offset(company, rented.contract_id, invoice)
    rest = held(company, rented.contract_id)
    if rest:
        refund(company, rented.contract_id, rest)
    assert {
        "offset": paid.amount.minor_units,
        "refund": rest,
        "still_owed": invoices_of(company)[0].balance.minor_units,
    } == expected
    assert held(company, rented.contract_id) == 0
    assert findings(company) == {}


def test_a_deposit_is_a_debt_and_no_turnover(company: Story) -> None:
    rented, invoice = billed(company, 10_000)
    entries = [
        receive(company, rented.contract_id, 50_000),
        offset(company, rented.contract_id, invoice, 4_000),
        refund(company, rented.contract_id, 46_000),
    ]
    with company.reading() as session:
        journal = [
            (row.debit.value, row.credit.value, row.amount.minor_units, row.rate_bp)
            for entry in entries
            for row in session.scalars(select(JournalLine).where(JournalLine.source_id == entry.id))
        ]
    assert journal == [
        ("bank", "deposits_held", 50_000, 0),
        ("deposits_held", "receivable", 4_000, 0),
        ("deposits_held", "bank", 46_000, 0),
    ]
    assert [entry.balance.minor_units for entry in entries] == [50_000, 46_000, 0]
    assert invoices_of(company)[0].balance == yen_of(7_000)


def test_the_customer_gets_a_note_that_we_hold_it(company: Story) -> None:
    rented = machines_in_service(company, Rented(10_000))
    receive(company, rented.contract_id, 30_000, date(2026, 3, 30))
    entry = receive(company, rented.contract_id, 20_000)
    company.everything_happens()
    with company.reading() as session:
        document = session.scalars(select(Document).where(Document.source_id == entry.id)).one()
        pdf = draw_issued(session, document.id)
        assert draw_issued(session, document.id) == pdf
    assert (document.kind, document.number) == (PaperKind.DEPOSIT_RECEIPT, "DR-2026-00000002")
    assert document.file_id is not None
    said = "".join(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range().split())
    for words in (
        "預り証",
        "¥20,000",
        "¥50,000",
        "2026年4月1日",
        rented.contract_number,
        "適格請求書ではありません",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda s, c, i: receive(s, c, 0), NothingReceived),
        (lambda s, c, i: receive(s, c, 5, date(2026, 5, 2)), ReceivedInFuture),
        (lambda s, c, i: refund(s, c, 1_001), MoreThanHeld),
        (lambda s, c, i: refund(s, c, 5, date(2026, 5, 2)), ReceivedInFuture),
        (lambda s, c, i: refund(s, c, -5), NothingReceived),
        (lambda s, c, i: offset(s, c, i, 1_001), MoreThanHeld),
        (lambda s, c, i: offset(s, c, i, 11_001), NothingToOffset),
        (lambda s, c, i: offset(s, c, i, 0), NothingToOffset),
        (lambda s, c, i: offset(s, c, other_invoice(s)), NotOfThisContract),
    ],
)
def test_what_no_deposit_can_do_is_refused(company: Story, act: Any, error: type[DomainError]) -> None:
    machines_in_service(company, Rented(100), name="喫茶あおぞら")
    rented, invoice = billed(company, 10_000)
    receive(company, rented.contract_id, 1_000)
    before = rows_of(company.app)
    with pytest.raises(error):
        act(company, rented.contract_id, invoice)
    assert rows_of(company.app) == before


def other_invoice(story: Story) -> Invoice:
    return next(each for each in invoices_of(story) if each.recipient_name.startswith("喫茶あおぞら"))


def test_an_empty_deposit_pays_nothing(company: Story) -> None:
    rented, invoice = billed(company, 10_000)
    with pytest.raises(NothingToOffset):
        offset(company, rented.contract_id, invoice)


def test_the_database_lets_no_deposit_fall_below_nothing(company: Story) -> None:
    rented = machines_in_service(company, Rented(10_000))
    entry = receive(company, rented.contract_id, 1_000)
    table = table_of(DepositEntry)
    with company.reading() as session:
        row = dict(session.execute(select(table)).mappings().one())
    wrong = (
        {"position": 2, "kind": "refunded", "amount": Money(1_001), "balance": Money(-1)},
        {"position": 2, "kind": "refunded", "amount": Money(1_001), "balance": Money(0)},
        {"position": 2, "kind": "received", "amount": Money(1), "balance": Money(1_002)},
        {"position": 3, "kind": "refunded", "amount": Money(1), "balance": Money(999)},
        {"position": 1, "kind": "received", "amount": Money(1), "balance": Money(1)},
    )
    before = rows_of(company.app)
    for change in wrong:
        with pytest.raises(DBAPIError), company.begin() as uow:
            uow.session.execute(insert(table).values({**row, **change, "id": new_id()}))
    for name in table.c.keys():  # noqa: SIM118
        with pytest.raises(DBAPIError), company.begin() as uow:
            uow.session.execute(update(table).values({name: table.c[name]}))
    with pytest.raises(DBAPIError), company.begin() as uow:
        uow.session.execute(delete(table).where(table.c.id == entry.id))
    assert rows_of(company.app) == before
