"""The checks of payments and deposits: one sabotage each turns exactly one of them red."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rental.assurance.checks import CHECKS
from rental.billing.book_models import JournalLine
from rental.billing.credit_models import CreditNote
from rental.billing.credit_notes import issue_credit_note
from rental.billing.deposits import receive_deposit
from rental.billing.payment_models import Allocation, Payment
from rental.billing.payments import record_payment
from rental.billing.receipts import issue_receipt
from rental.billing.rules.credits import CreditEffect, CreditKind
from rental.billing.rules.journals import JournalKind
from rental.billing.rules.papers import PaperKind
from rental.billing.rules.payments import PaymentMethod
from rental.contracts.models import Contract
from rental.core.money import Money
from rental.core.numbering import Counter
from rental.web import sentences
from tests.domain.test_checks import red
from tests.domain.test_money_checks import a_counter_behind, renumbered, unguarded
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.story import Story


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """An account that paid an invoice and a part ahead, with a receipt; one with a credit and a deposit."""
    once(pay_and_deposit)
    return story


def pay_and_deposit(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    payer = machines_in_service(story, Rented(9800))
    other = machines_in_service(story, Rented(4980), name="喫茶あおぞら")
    story.on("2026-05-01")
    close(story, "2026-04-30")
    (owed,) = invoices_of(story, other.account_id)
    with story.begin() as uow:
        paid = record_payment(
            uow,
            payer.account_id,
            received_on=uow.today,
            amount=Money(20_000),
            method=PaymentMethod.BANK_TRANSFER,
        )
        issue_receipt(uow, paid.id)
        issue_credit_note(uow, owed.id, kind=CreditKind.GOODWILL, reason="お詫び", amounts={1: Money(100)})
        receive_deposit(uow, other.contract_id, amount=Money(30_000), received_on=uow.today)
    story.everything_happens()
    story.tick()


def a_yen_more_received_in_the_journal(session: Session) -> None:
    grow_entry(session, JournalKind.RECEIPT)


def a_yen_more_held_in_the_journal(session: Session) -> None:
    grow_entry(session, JournalKind.DEPOSIT)


def grow_entry(session: Session, kind: JournalKind) -> None:
    unguarded("journal_line")(session)
    session.execute(
        update(JournalLine)
        .where(JournalLine.kind == kind, JournalLine.position == 1)
        .values(amount=JournalLine.amount + Money(1))
    )


def less_arrived_than_was_given(session: Session) -> None:
    unguarded("payment")(session)
    session.execute(update(Payment).values(amount=Payment.amount - Money(1)))


def more_given_than_arrived(session: Session) -> None:
    unguarded("allocation")(session)
    session.execute(update(Allocation).values(amount=Allocation.amount + Money(1)))


def settled_for_somebody_else(session: Session) -> None:
    """The account of the payment is another one, and so is what the journal says of both."""
    unguarded("payment")(session)
    paid = session.scalars(select(Payment.billing_account_id)).one()
    other = select(Contract.billing_account_id).where(Contract.billing_account_id != paid)
    session.execute(update(Payment).values(billing_account_id=other.scalar_subquery()))


def given_back_without_a_payment(session: Session) -> None:
    unguarded("credit_note")(session)
    session.execute(update(CreditNote).values(effect=CreditEffect.REFUND))


def kept_and_waiting_nowhere(session: Session) -> None:
    unguarded("credit_note")(session)
    session.execute(update(CreditNote).values(effect=CreditEffect.CUSTOMER_CREDIT))


def ended_with_its_deposit(session: Session) -> None:
    session.execute(update(Contract).values(ends_on=date(2026, 3, 1)))


def a_payment_that_was_never_counted(session: Session) -> None:
    session.execute(
        update(Counter).where(Counter.series == "payment:2026").values(next_number=Counter.next_number + 1)
    )


SABOTAGE: dict[str, Callable[[Session], None]] = {
    "M5": a_yen_more_received_in_the_journal,
    "M6": less_arrived_than_was_given,
    "M9": given_back_without_a_payment,
    "C7": a_yen_more_held_in_the_journal,
    "S11": a_payment_that_was_never_counted,
}
OTHERS: dict[str, tuple[dict[str, int], Callable[[Session], None]]] = {
    "more given than arrived, and to an invoice than it asked for": ({"M6": 2}, more_given_than_arrived),
    "settled for somebody else": ({"M5": 2, "M6": 1}, settled_for_somebody_else),
    "a credit that is kept and waits nowhere": ({"M6": 1, "M9": 1}, kept_and_waiting_nowhere),
    "an ended contract with its deposit": ({"C7": 1}, ended_with_its_deposit),
    "a counter of receipts set back": ({"M7": 1}, a_counter_behind("payment_receipt:2026")),
    "a receipt out of its series": ({"M7": 1}, renumbered(PaperKind.RECEIPT, "RV-2026-00000002")),
    "a receipt that bears no such number": ({"M7": 2}, renumbered(PaperKind.RECEIPT, "R00001")),
    "a counter of deposit notes set back": ({"M7": 1}, a_counter_behind("deposit_receipt:2026")),
    "a deposit note out of its series": (
        {"M7": 1},
        renumbered(PaperKind.DEPOSIT_RECEIPT, "DR-2026-00000002"),
    ),
}


def test_every_payment_check_has_its_words() -> None:
    assert set(SABOTAGE) <= set(sentences._CHECK_WORDS)
    assert set(SABOTAGE) <= {check.code for check in CHECKS}


def test_a_company_that_was_paid_has_no_finding(company: Story) -> None:
    assert red(company) == {}


@pytest.mark.parametrize("code", list(SABOTAGE))
def test_a_sabotage_turns_just_its_check_red(company: Story, code: str) -> None:
    with company.begin() as uow:
        SABOTAGE[code](uow.session)
    assert red(company) == {code: 1}


@pytest.mark.parametrize("what", list(OTHERS))
def test_another_sabotage_turns_its_checks_red(company: Story, what: str) -> None:
    expected, sabotage = OTHERS[what]
    with company.begin() as uow:
        sabotage(uow.session)
    assert red(company) == expected
