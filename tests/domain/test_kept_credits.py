"""What a credit note keeps for later invoices: it waits, settles them, and is never taken for money."""

from datetime import date

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, select, text

from rental.billing.credit_models import CreditNote
from rental.billing.credit_notes import issue_credit_note
from rental.billing.payment_models import Allocation, Payment
from rental.billing.payment_queries import kept_by, payment_totals, payments_matching
from rental.billing.payments import apply_payment, record_payment, release_invoice, take_back_payment
from rental.billing.receipts import issue_receipt
from rental.billing.rules.credits import CreditEffect, CreditKind
from rental.billing.rules.payments import (
    MoreThanReceived,
    NoSuchFee,
    NothingArrived,
    NothingReceived,
    PaidBackSince,
    PaymentMethod,
)
from rental.billing.rules.statements import EntryKind
from rental.billing.statements import latest_entries, owing_of
from rental.core.db import db
from rental.core.money import Money, yen_of
from tests.domain.test_money_checks import unguarded
from tests.domain.test_payments import balances, bill_two_months, findings, invoices, journal, pay, share
from tests.support.beginnings import Once
from tests.support.story import Story


def pay_april_and_keep_some(story: Story) -> None:
    """喫茶みどり paid its 12,173 yen for April; 4,400 of them are kept for later invoices."""
    bill_two_months(story)
    pay(story, 12_173)
    keep(story, 4_000)


def keep(story: Story, amount: int) -> CreditNote:
    """So much of April's first line, before tax."""
    with story.begin() as uow:
        return issue_credit_note(
            uow,
            invoices(story)[0].id,
            kind=CreditKind.PRICE_REDUCTION,
            reason="故障のため",
            amounts={1: yen_of(amount)},
            effect=CreditEffect.CUSTOMER_CREDIT,
        )


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    once(pay_april_and_keep_some)
    return story


def kept(story: Story) -> Payment:
    with story.reading() as session:
        return session.scalars(select(Payment).where(Payment.method == PaymentMethod.CREDIT_NOTE)).one()


def standing(story: Story) -> tuple[int, int]:
    """What the customer owes, and what waits for it."""
    with story.reading() as session:
        owing = owing_of(session, invoices(story)[0].billing_account_id)
        return owing.owed.minor_units, owing.ahead.minor_units


def test_what_a_credit_note_keeps_waits_under_its_number(company: Story) -> None:
    payment = kept(company)
    assert (payment.number, payment.reference) == ("PAY-2026-00000002", "CN-2026-00000001")
    assert (payment.amount, payment.unapplied) == (yen_of(4_400), yen_of(4_400))
    assert journal(company, payment.id) == []  # the note's own entry says it
    assert standing(company) == (12_173, 4_400)
    with company.reading() as session:
        note = session.scalars(select(CreditNote)).one()
        found = kept_by(session, note.number)
        assert found is not None
        assert found.id == payment.id
    assert findings(company) == {}


def test_it_settles_the_next_invoice(company: Story) -> None:
    payment, (_, may) = kept(company), invoices(company)
    with company.begin() as uow:
        apply_payment(uow, payment.id, [share(may, 4_400)])
    assert balances(company) == [0, 12_173 - 4_400]
    assert standing(company) == (7_773, 0)
    with company.reading() as session:
        (used,) = session.scalars(select(Allocation).where(Allocation.invoice_id == may.id))
    assert journal(company, used.id) == [("advance_received", "receivable", 4_400, 0)]
    assert findings(company) == {}


def test_no_more_of_it_is_used_than_is_kept(company: Story) -> None:
    with pytest.raises(MoreThanReceived), company.begin() as uow:
        apply_payment(uow, kept(company).id, [share(invoices(company)[1], 4_401)])
    assert standing(company) == (12_173, 4_400)


def test_no_bank_took_a_fee_off_it(company: Story) -> None:
    with pytest.raises(NoSuchFee), company.begin() as uow:
        apply_payment(uow, kept(company).id, [share(invoices(company)[1], 4_000, 400)])
    assert standing(company) == (12_173, 4_400)


def test_what_it_settled_is_owed_again_and_it_waits_again(company: Story) -> None:
    payment, (_, may) = kept(company), invoices(company)
    with company.begin() as uow:
        apply_payment(uow, payment.id, [share(may, 4_400)])
    with company.begin() as uow:
        release_invoice(uow, payment.id, may.id, reason="別の請求の分")
    assert standing(company) == (12_173, 4_400)
    assert findings(company) == {}


def test_an_invoice_it_settled_was_paid(company: Story) -> None:
    """So it can be paid back in turn; and then what settled it stays."""
    payment, (_, may) = kept(company), invoices(company)
    with company.begin() as uow:
        apply_payment(uow, payment.id, [share(may, 4_400)])
    with company.begin() as uow:
        issue_credit_note(
            uow,
            may.id,
            kind=CreditKind.RETURN,
            reason="返品",
            amounts={1: yen_of(1_000)},
            effect=CreditEffect.REFUND,
        )
    with pytest.raises(PaidBackSince), company.begin() as uow:
        release_invoice(uow, payment.id, may.id, reason="別の請求の分")
    assert findings(company) == {}


def test_no_money_arrived_so_none_goes_back_and_there_is_no_receipt(company: Story) -> None:
    payment = kept(company)
    with pytest.raises(NothingArrived), company.begin() as uow:
        take_back_payment(uow, payment.id, reason="組戻し")
    with pytest.raises(NothingArrived), company.begin() as uow:
        issue_receipt(uow, payment.id)
    with pytest.raises(NothingReceived), company.begin() as uow:
        record_payment(
            uow,
            payment.billing_account_id,
            received_on=uow.today,
            amount=yen_of(1_000),
            method=PaymentMethod.CREDIT_NOTE,
        )
    assert standing(company) == (12_173, 4_400)


def test_it_is_no_part_of_what_arrived(company: Story) -> None:
    with company.reading() as session:
        count, arrived, unapplied = payment_totals(session, payments_matching())
    assert (count, arrived, unapplied) == (2, yen_of(12_173), yen_of(4_400))


def test_the_statement_tells_of_it_once(company: Story) -> None:
    with company.reading() as session:
        entries = latest_entries(session, invoices(company)[0].billing_account_id).rows
    assert [entry.kind for entry in entries][:2] == [EntryKind.CREDIT_KEPT, EntryKind.PAYMENT]
    assert entries[0].balance == yen_of(12_173 - 4_400)


def test_what_was_kept_before_it_could_be_used_is_there_afterwards(company: Story) -> None:
    """The company as the version before wrote it: the note alone says that something is kept."""
    with company.begin() as uow:
        unguarded("payment")(uow.session)
        uow.session.execute(delete(Payment).where(Payment.method == PaymentMethod.CREDIT_NOTE))
        uow.session.execute(text("UPDATE counter SET next_number = 2 WHERE series = 'payment:2026'"))
    with company.app.app_context():
        db.engine.dispose()
        downgrade(revision="0020_price_mode")
        upgrade()
        db.engine.dispose()
    payment = kept(company)
    assert (payment.number, payment.reference, payment.unapplied) == (
        "PAY-2026-00000002",
        "CN-2026-00000001",
        Money(4_400),
    )
    assert payment.received_on == date(2026, 6, 12)
    assert pay(company, 100, []).number == "PAY-2026-00000003"
    assert findings(company) == {}


def test_a_version_that_knows_no_kept_credit_does_not_take_over(company: Story) -> None:
    with company.app.app_context():
        db.engine.dispose()
        with pytest.raises((RuntimeError, SystemExit)):
            downgrade(revision="0020_price_mode")
        db.engine.dispose()
    assert standing(company) == (12_173, 4_400)
