"""What is owed, asked of the database; and the statement of an account, which must end where the books do."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

from rental.billing.book_models import JournalLine
from rental.billing.credit_notes import issue_credit_note
from rental.billing.deposits import offset_deposit, receive_deposit
from rental.billing.models import Invoice
from rental.billing.payments import apply_payment, record_payment, release_invoice, take_back_payment
from rental.billing.queries import invoice_totals, invoices_matching
from rental.billing.rules.credits import CreditEffect, CreditKind
from rental.billing.rules.journals import LedgerAccount
from rental.billing.rules.payments import PaymentMethod, Share, Standing, days_overdue
from rental.billing.statements import Owing, latest_entries, owing_of, statement_of
from rental.core.money import Money, yen_of
from rental.core.paging import Order, page_of
from tests.domain.test_checks import red
from tests.domain.test_payments import bill_two_months, invoices
from tests.support.beginnings import Once
from tests.support.story import Story

TODAY = date(2026, 6, 12)
_TOGETHER = cast(func.sum(JournalLine.amount), BigInteger)


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """喫茶みどり owes 12,173 yen for April and again for May, 喫茶あおぞら 5,478 each. It is 12 June."""
    once(bill_two_months)
    return story


def pay(story: Story, amount: int, shares: list[Share], received_on: date = TODAY) -> Any:
    with story.begin() as uow:
        return record_payment(
            uow,
            invoices(story)[0].billing_account_id,
            received_on=received_on,
            amount=yen_of(amount),
            method=PaymentMethod.BANK_TRANSFER,
            shares=shares,
        ).id


def credit(story: Story, invoice: Invoice, amount: int, effect: CreditEffect) -> None:
    with story.begin() as uow:
        issue_credit_note(
            uow,
            invoice.id,
            kind=CreditKind.PRICE_REDUCTION,
            reason="故障のため",
            amounts={1: yen_of(amount)},
            effect=effect,
        )


def everything_that_moves_a_balance(story: Story) -> None:
    """A payment whose use is taken back in part, one that is taken back, fees, a deposit, three credits."""
    april, may = invoices(story)
    kept = pay(story, 20_000, [Share(april.id, yen_of(11_733), yen_of(440))], date(2026, 6, 2))
    story.on("2026-06-13")
    with story.begin() as uow:
        apply_payment(uow, kept, [Share(may.id, yen_of(3_000))])
    bounced = pay(story, 500, [Share(may.id, yen_of(400), yen_of(100))])
    with story.begin() as uow:
        take_back_payment(uow, bounced, reason="組戻し")
    credit(story, may, 900, CreditEffect.REDUCE_BALANCE)
    credit(story, april, 500, CreditEffect.CUSTOMER_CREDIT)
    credit(story, april, 300, CreditEffect.REFUND)
    with story.begin() as uow:
        contract_id = contract_of(uow.session, may.id)
        receive_deposit(uow, contract_id, amount=yen_of(2_000), received_on=uow.today)
        offset_deposit(uow, contract_id, invoice_id=may.id)
        release_invoice(uow, kept, may.id, reason="別の請求の分")


def contract_of(session: Any, invoice_id: Any) -> Any:
    return session.get_one(Invoice, invoice_id).lines[0].contract_line.contract_id


def booked(session: Any, account: LedgerAccount) -> Money:
    """What the journal of the company was debited more than credited on an account."""

    def side(column: InstrumentedAttribute[LedgerAccount]) -> Money:
        return Money(session.scalar(select(_TOGETHER).where(column == account)) or 0)

    return side(JournalLine.debit) - side(JournalLine.credit)


# what is owed


def standing(story: Story, asked: Standing, on: date = TODAY) -> list[str]:
    with story.reading() as session:
        rows = session.scalars(invoices_matching(standing=asked, on=on).order_by(Invoice.number))
        return [f"{each.number[-1]} {each.balance}" for each in rows]


def test_what_is_settled_is_neither_open_nor_overdue(company: Story) -> None:
    april, may = invoices(company)
    assert (april.due_on, may.due_on) == (date(2026, 6, 1), date(2026, 6, 30))
    pay(company, 12_173, [Share(april.id, yen_of(12_173))])
    others = len(standing(company, Standing.OPEN)) - 1
    assert others == 2  # of the other customer
    assert len(standing(company, Standing.OVERDUE)) == 1
    assert len(standing(company, Standing.OVERDUE, may.due_on)) == 1
    assert len(standing(company, Standing.OVERDUE, date(2026, 7, 1))) == 3
    assert len(standing(company, Standing.SETTLED)) == 1


def test_totals_say_what_of_a_list_is_owed_and_what_of_that_is_overdue(company: Story) -> None:
    pay(company, 173, [Share(invoices(company)[0].id, yen_of(173))])
    with company.reading() as session:
        found = invoice_totals(session, invoices_matching(on=TODAY), on=TODAY)
        nobody = invoice_totals(session, invoices_matching(words="zebra", on=TODAY), on=TODAY)
    assert (found.invoice_count, found.total, found.owed, found.overdue) == (
        4,
        Money(35_302),
        Money(35_129),
        Money(17_478),
    )
    assert (nobody.invoice_count, nobody.owed, nobody.overdue) == (0, Money(0), Money(0))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("column", [Invoice.balance, Invoice.due_on])
def test_pages_of_what_is_owed_leave_nothing_out_and_repeat_nothing(
    company: Story, column: Any, descending: bool
) -> None:
    """Two invoices of each customer are alike in what is owed, and two of each month in the day."""
    order = Order((column, Invoice.id), descending=descending)
    statement = invoices_matching(standing=Standing.OPEN, on=TODAY)
    after, rows = None, []
    with company.reading() as session:
        for _ in range(4):
            page = page_of(session, statement, order, after=after, limit=1)
            rows += [(getattr(each, column.key), each.id) for each in page.rows]
            after = page.next_cursor
        assert after is None
    assert rows == sorted(set(rows), reverse=descending)
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("balance", "today", "days"), [(1, "2026-06-01", 0), (1, "2026-06-02", 1), (0, "2026-06-02", 0)]
)
def test_days_overdue_are_counted_from_the_day_after_the_due_day(balance: int, today: str, days: int) -> None:
    found = days_overdue(due_on=date(2026, 6, 1), balance=yen_of(balance), today=date.fromisoformat(today))
    assert found == days


# the statement


def test_a_statement_says_everything_that_moved_the_balance_and_ends_with_the_books(company: Story) -> None:
    everything_that_moves_a_balance(company)
    account_id = invoices(company)[0].billing_account_id
    statement, order = statement_of(account_id)
    with company.reading() as session:
        rows = session.scalars(statement.order_by(*order.columns)).all()
        owing = owing_of(session, account_id)
        # The other customer did nothing: what the books have beside their two invoices is of this account.
        receivable = booked(session, LedgerAccount.RECEIVABLE) - Money(2 * 5_478)
        ahead = -booked(session, LedgerAccount.ADVANCE_RECEIVED)
    assert [(each.day.isoformat()[5:], each.kind.value, each.change.minor_units) for each in rows] == [
        ("05-01", "invoice", 12_173),
        ("06-01", "invoice", 12_173),
        ("06-02", "payment", -20_000),
        ("06-12", "fee", -440),
        ("06-12", "payment", -500),
        ("06-13", "payment_taken_back", 500),
        ("06-13", "fee", -100),
        ("06-13", "fee_taken_back", 100),
        ("06-13", "credit_note", -990),
        ("06-13", "credit_kept", -550),
        ("06-13", "credit_paid_back", 0),
        ("06-13", "deposit", -2_000),
    ]
    balances = [each.balance.minor_units for each in rows]
    changes = [each.change.minor_units for each in rows]
    assert balances == [sum(changes[: place + 1]) for place in range(len(changes))]
    assert owing == Owing(owed=receivable, ahead=ahead)
    assert rows[-1].balance == owing.balance
    assert not red(company).keys() & {"M5", "M6"}


def test_pages_of_a_statement_go_on_where_the_one_before_ended(company: Story) -> None:
    everything_that_moves_a_balance(company)
    statement, order = statement_of(invoices(company)[0].billing_account_id)
    newest_first = Order(order.columns, descending=True)
    with company.reading() as session:
        whole = session.scalars(statement.order_by(*(each.desc() for each in order.columns))).all()
        rows: list[Any] = []
        after = None
        while not rows or after:
            page = page_of(session, statement, newest_first, after=after, limit=5)
            rows += page.rows
            after = page.next_cursor
        latest = latest_entries(session, invoices(company)[0].billing_account_id)
    assert rows == whole
    assert list(latest.rows) == whole[:6]


def test_an_account_of_which_nothing_is_known_owes_nothing(company: Story) -> None:
    nobody = invoices(company)[0].id  # an id of no account
    with company.reading() as session:
        assert owing_of(session, nobody) == Owing(Money(0), Money(0))
        assert list(latest_entries(session, nobody).rows) == []
