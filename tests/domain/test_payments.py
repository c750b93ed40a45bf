"""Money that arrives settles invoices, once and never too much; taken back, it is owed again."""

from collections.abc import Mapping, Sequence
from datetime import date
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from rental.billing.book_models import Document, JournalEntry, JournalLine
from rental.billing.credit_notes import issue_credit_note
from rental.billing.models import Invoice
from rental.billing.payment_models import Allocation, Payment
from rental.billing.payments import apply_payment, record_payment, release_invoice, take_back_payment
from rental.billing.receipts import issue_receipt
from rental.billing.register import draw_issued
from rental.billing.rules.credits import CreditEffect, CreditKind, MoreThanPaid
from rental.billing.rules.payments import (
    AllocationKind,
    MoreThanInvoiceOwes,
    MoreThanReceived,
    NoSuchFee,
    NothingAllocated,
    NothingReceived,
    NotOfThisAccount,
    PaidBackSince,
    PaymentKnown,
    PaymentMethod,
    ReceivedInFuture,
    SettlementState,
    Share,
    TakenBackAlready,
    settlement_of,
)
from rental.catalog.rules import TaxClass
from rental.core.db import Base
from rental.core.errors import DomainError, NotFound
from rental.core.ids import new_id
from rental.core.money import Money, yen_of
from rental.customers.rules import Missing
from tests.domain.test_books import table_of
from tests.domain.test_checks import red
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.story import Story
from tests.web.company import rows_of

TRANSFER = PaymentMethod.BANK_TRANSFER


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """喫茶みどり owes 12,173 yen for April and again for May, 喫茶あおぞら 5,478 each. It is 12 June."""
    once(bill_two_months)
    return story


def bill_two_months(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800), Rented(1290, tax_class=TaxClass.REDUCED))
    machines_in_service(story, Rented(4980), name="喫茶あおぞら")
    for today, closed_on in (("2026-05-01", "2026-04-30"), ("2026-06-01", "2026-05-31")):
        story.on(today)
        close(story, closed_on)
    story.on("2026-06-12")


def invoices(story: Story, name: str = "喫茶みどり") -> list[Invoice]:
    """Of one customer, the oldest first."""
    return [each for each in invoices_of(story) if each.recipient_name.startswith(name)]


def balances(story: Story) -> list[int]:
    return [each.balance.minor_units for each in invoices(story)]


def pay(story: Story, amount: int, shares: Sequence[Share] | None = None, **facts: Any) -> Payment:
    account_id = invoices(story)[0].billing_account_id
    with story.begin() as uow:
        return record_payment(
            uow,
            account_id,
            received_on=facts.pop("received_on", date(2026, 6, 10)),
            amount=Money(amount),
            method=facts.pop("method", TRANSFER),
            shares=shares,
            **facts,
        )


def share(invoice: Invoice, cash: int, fee: int = 0) -> Share:
    return Share(invoice.id, yen_of(cash), yen_of(fee))


def journal(story: Story, source_id: UUID, kind: str = "") -> list[tuple[str, str, int, int]]:
    with story.reading() as session:
        rows = session.scalars(
            select(JournalLine)
            .where(JournalLine.source_id == source_id)
            .order_by(JournalLine.kind, JournalLine.position)
        )
        return [
            (row.debit.value, row.credit.value, row.amount.minor_units, row.rate_bp)
            for row in rows
            if not kind or row.kind.value == kind
        ]


def receivable(story: Story) -> Mapping[str, int]:
    """What the books say of the accounts that payments move."""
    found: dict[str, int] = {}
    with story.reading() as session:
        for row in session.scalars(select(JournalLine)):
            found[row.debit.value] = found.get(row.debit.value, 0) + row.amount.minor_units
            found[row.credit.value] = found.get(row.credit.value, 0) - row.amount.minor_units
    return {account: amount for account, amount in found.items() if amount}


def findings(story: Story) -> dict[str, int]:
    story.tick()
    return red(story)


# what is settled


def test_the_invoice_longest_due_is_settled_first(company: Story) -> None:
    payment = pay(company, 20_000, reference="ＦＢ ００１２")
    assert (payment.number, payment.unapplied) == ("PAY-2026-00000001", yen_of(0))
    assert payment.reference == "FB 0012"
    assert balances(company) == [0, 4_346]
    assert [settlement_of(total=each.total, balance=each.balance) for each in invoices(company)] == [
        SettlementState.SETTLED,
        SettlementState.PARTLY_SETTLED,
    ]
    assert journal(company, payment.id) == [("bank", "receivable", 20_000, 0)]
    with company.reading() as session:
        assert session.get_one(JournalEntry, (payment.id, "receipt")).entry_on == date(2026, 6, 10)
    assert findings(company) == {}


def test_what_is_more_than_owed_waits_for_the_next_invoice(company: Story) -> None:
    payment = pay(company, 30_000, method=PaymentMethod.CASH)
    assert balances(company) == [0, 0]
    assert payment.unapplied == yen_of(5_654)
    assert journal(company, payment.id) == [
        ("cash", "receivable", 24_346, 0),
        ("cash", "advance_received", 5_654, 0),
    ]
    assert findings(company) == {}

    company.on("2026-07-01")
    close(company, "2026-06-30")
    latest = invoices(company)[-1]
    with company.begin() as uow:
        apply_payment(uow, payment.id, [share(latest, 5_654)])
    assert balances(company) == [0, 0, 6_519]
    with company.reading() as session:
        (applied,) = session.scalars(select(Allocation).where(Allocation.invoice_id == latest.id))
        assert session.get_one(Payment, payment.id).unapplied == yen_of(0)
    assert journal(company, applied.id) == [("advance_received", "receivable", 5_654, 0)]
    assert "advance_received" not in receivable(company)
    assert findings(company) == {}


def test_a_person_says_which_invoice_is_paid(company: Story) -> None:
    _, may = invoices(company)
    assert pay(company, 12_173, [share(may, 12_173)]).unapplied == yen_of(0)
    assert balances(company) == [12_173, 0]


def test_a_fee_the_payers_bank_took_is_a_discount_with_its_tax(company: Story) -> None:
    """440 yen in proportion to 10,780 and 1,393: 390 at 10 % and 50 at 8 %."""
    april, _ = invoices(company)
    payment = pay(company, 11_733, [share(april, 11_733, fee=440)])
    assert balances(company) == [0, 12_173]
    assert journal(company, payment.id) == [
        ("bank", "receivable", 11_733, 0),
        ("sales_discount", "receivable", 355, 1000),
        ("tax_received", "receivable", 35, 1000),
        ("sales_discount", "receivable", 47, 800),
        ("tax_received", "receivable", 3, 800),
    ]
    with company.reading() as session:
        kinds = session.execute(select(Allocation.kind, Allocation.amount).order_by(Allocation.id)).all()
    assert [tuple(row) for row in kinds] == [
        (AllocationKind.CASH, yen_of(11_733)),
        (AllocationKind.FEE, yen_of(440)),
    ]
    assert findings(company) == {}


def test_a_credit_note_leaves_less_to_pay_and_what_was_paid_can_go_back(company: Story) -> None:
    april, _ = invoices(company)
    credit(company, april, 1, 3_000)
    payment = pay(company, 8_433, [share(april, 8_433, fee=440)])
    assert balances(company)[0] == 0
    with pytest.raises(MoreThanPaid):  # the 440 yen never arrived
        credit(company, april, 1, 6_800, 2, 1_290, effect=CreditEffect.REFUND)
    credit(company, april, 1, 5_000, effect=CreditEffect.REFUND)
    assert findings(company) == {}
    with pytest.raises(PaidBackSince), company.begin() as uow:
        take_back_payment(uow, payment.id, reason="組戻し")
    assert balances(company)[0] == 0


def credit(
    story: Story, invoice: Invoice, *parts: int, effect: CreditEffect = CreditEffect.REDUCE_BALANCE
) -> None:
    amounts = {position: yen_of(amount) for position, amount in zip(parts[::2], parts[1::2], strict=True)}
    with story.begin() as uow:
        issue_credit_note(
            uow, invoice.id, kind=CreditKind.GOODWILL, reason="お詫び", amounts=amounts, effect=effect
        )
    story.everything_happens()


# taking back


def test_a_payment_taken_back_is_owed_again_to_the_yen(company: Story) -> None:
    before = receivable(company)
    april, _ = invoices(company)
    payment = pay(company, 15_000, [share(april, 11_733, fee=440)], reference="A-1")
    company.on("2026-06-20")
    with company.begin() as uow:
        take_back_payment(uow, payment.id, reason="組戻し依頼")
    assert balances(company) == [12_173, 12_173]
    assert receivable(company) == before
    with company.reading() as session:
        row = session.get_one(Payment, payment.id)
        assert (row.taken_back_on, row.taken_back_for) == (date(2026, 6, 20), "組戻し依頼")
        assert row.unapplied == yen_of(0)
        assert session.get_one(JournalEntry, (payment.id, "reversal")).entry_on == date(2026, 6, 20)
    assert findings(company) == {}
    for again in (take_back, release):
        with pytest.raises(TakenBackAlready):
            again(company, payment, april)
    assert pay(company, 15_000, reference="A-1").number == "PAY-2026-00000002"


def take_back(story: Story, payment: Payment, _invoice: Invoice) -> None:
    with story.begin() as uow:
        take_back_payment(uow, payment.id, reason="again")


def release(story: Story, payment: Payment, invoice: Invoice) -> None:
    with story.begin() as uow:
        release_invoice(uow, payment.id, invoice.id, reason="別の請求書の分")


def test_what_settled_the_wrong_invoice_settles_the_right_one(company: Story) -> None:
    april, may = invoices(company)
    payment = pay(company, 11_733, [share(april, 11_733, fee=440)])
    release(company, payment, april)
    assert balances(company) == [12_173, 12_173]
    with company.reading() as session:
        assert session.get_one(Payment, payment.id).unapplied == yen_of(11_733)
    assert findings(company) == {}
    with company.begin() as uow:
        apply_payment(uow, payment.id, [share(may, 11_733, fee=440)])
    assert balances(company) == [12_173, 0]
    assert "advance_received" not in receivable(company)
    assert findings(company) == {}
    with pytest.raises(TakenBackAlready):
        release(company, payment, april)


# what is refused


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"amount": 0}, NothingReceived),
        ({"amount": -1}, NothingReceived),
        ({"received_on": date(2026, 6, 13)}, ReceivedInFuture),
        ({"reference": "KNOWN"}, PaymentKnown),
        ({"shares": [(0, 12_174, 0)], "amount": 20_000}, MoreThanInvoiceOwes),
        ({"shares": [(0, 12_000, 174)], "amount": 20_000}, MoreThanInvoiceOwes),
        ({"shares": [(0, 7_000, 0), (0, 7_000, 0)], "amount": 20_000}, MoreThanInvoiceOwes),
        ({"shares": [(0, 101, 0)], "amount": 100}, MoreThanReceived),
        ({"shares": [(0, 60, 0), (1, 60, 0)], "amount": 100}, MoreThanReceived),
        ({"shares": [(0, 0, 440)]}, NoSuchFee),
        ({"shares": [(0, 100, 1_001)]}, NoSuchFee),
        ({"shares": [(0, 0, 0)]}, NothingAllocated),
        ({"shares": [(0, -1, 0)]}, NothingAllocated),
    ],
)
def test_a_payment_that_cannot_be_right_is_refused(
    company: Story, facts: dict[str, Any], error: type[DomainError]
) -> None:
    pay(company, 1, reference="KNOWN")
    before, events = rows_of(company.app), company.announced()
    mine = invoices(company)
    if "shares" in facts:
        facts = {**facts, "shares": [share(mine[at], cash, fee) for at, cash, fee in facts["shares"]]}
    with pytest.raises(error):
        pay(company, **{"amount": 100, **facts})
    assert rows_of(company.app) == before
    assert company.announced() == events


def test_nobody_settles_what_somebody_else_owes(company: Story) -> None:
    (other, _) = invoices(company, "喫茶あおぞら")
    with pytest.raises(NotOfThisAccount):
        pay(company, 100, [share(other, 100)])
    with pytest.raises(NotFound):
        pay(company, 100, [Share(new_id(), yen_of(100))])
    payment = pay(company, 30_000)
    with pytest.raises(NotOfThisAccount), company.begin() as uow:
        apply_payment(uow, payment.id, [share(other, 100)])
    with pytest.raises(NothingAllocated), company.begin() as uow:
        apply_payment(uow, payment.id, [])
    with pytest.raises(Missing), company.begin() as uow:
        take_back_payment(uow, payment.id, reason=" ")
    assert findings(company) == {}


# two at once, and behind our back


def test_two_clerks_never_settle_more_than_is_owed(company: Story) -> None:
    """Both give 8,000 yen to the same invoice of 12,173 at the same moment: one of them is refused."""
    april, _ = invoices(company)
    payments = [pay(company, 8_000, []) for _ in range(2)]
    both_ready, refused = Barrier(2), []

    def settle(payment: Payment) -> None:
        both_ready.wait()
        try:
            with company.begin() as uow:
                apply_payment(uow, payment.id, [share(april, 8_000)])
        except MoreThanInvoiceOwes as error:
            refused.append(error)

    clerks = [Thread(target=settle, args=(payment,)) for payment in payments]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert [error.params["balance"] for error in refused] == [4_173]
    assert balances(company) == [4_173, 12_173]
    assert company.count(Allocation) == 1
    assert findings(company) == {}


def test_two_clerks_never_spend_a_payment_twice(company: Story) -> None:
    payment = pay(company, 8_000, [])
    both_ready, refused = Barrier(2), []

    def settle(invoice: Invoice) -> None:
        both_ready.wait()
        try:
            with company.begin() as uow:
                apply_payment(uow, payment.id, [share(invoice, 8_000)])
        except MoreThanReceived as error:
            refused.append(error)

    clerks = [Thread(target=settle, args=(invoice,)) for invoice in invoices(company)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert [error.params["left"] for error in refused] == [0]
    assert sorted(balances(company)) == [4_173, 12_173]
    assert findings(company) == {}


MAY_CHANGE = {"unapplied", "taken_back_on", "taken_back_for"}


@pytest.mark.parametrize("kind", [Payment, Allocation])
def test_what_was_paid_is_written_once(company: Story, kind: type[Base]) -> None:
    pay(company, 100)
    before = rows_of(company.app)
    table = table_of(kind)
    for name in set(table.c.keys()) - MAY_CHANGE:
        with pytest.raises(DBAPIError), company.begin() as uow:
            uow.session.execute(update(table).values({name: table.c[name]}))
    with pytest.raises(DBAPIError), company.begin() as uow:
        uow.session.execute(delete(table))
    with pytest.raises(DBAPIError), company.begin() as uow:
        row = dict(uow.session.execute(select(table)).mappings().one())
        replacing = insert(table).prefix_with("OR REPLACE", dialect="sqlite")
        uow.session.execute(replacing.values(row))
    assert rows_of(company.app) == before


def test_the_database_refuses_to_spend_more_than_arrived(company: Story) -> None:
    pay(company, 100)
    for unapplied in (-1, 101):
        with pytest.raises(DBAPIError), company.begin() as uow:
            uow.session.execute(update(Payment).values(unapplied=Money(unapplied)))


def test_what_was_taken_back_stays_so(company: Story) -> None:
    payment = pay(company, 100)
    take_back(company, payment, invoices(company)[0])
    for table in (table_of(Payment), table_of(Allocation)):
        with pytest.raises(DBAPIError), company.begin() as uow:
            uow.session.execute(update(table).values(taken_back_on=None))


# receipts


def test_a_receipt_names_what_was_paid_and_the_tax_in_it(company: Story) -> None:
    payment = pay(company, 30_000)
    document = receipt_of(company, payment)
    assert (document.number, document.amount) == ("RV-2026-00000001", yen_of(30_000))
    assert receipt_of(company, payment).id == document.id
    said = "".join(written_on(company, document).split())
    for words in (
        "領収書",
        "¥30,000",
        "2026年6月10日",
        "銀行振込",
        "INV-2026-00000001¥12,173",
        "前受金¥5,654",
    ):
        assert words in said
    # twice 9,800 and 1,290 with the tax that stands on the invoices
    for words in ("10%対象¥19,600¥1,960", "軽減8%対象¥2,580¥206", "対象外¥5,654"):
        assert words in said


def receipt_of(story: Story, payment: Payment) -> Document:
    with story.begin() as uow:
        document = issue_receipt(uow, payment.id)
    story.everything_happens()
    return document


def written_on(story: Story, document: Document) -> str:
    with story.reading() as session:
        pdf = draw_issued(session, document.id)
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


def test_what_was_taken_back_has_no_receipt(company: Story) -> None:
    payment = pay(company, 100)
    take_back(company, payment, invoices(company)[0])
    with pytest.raises(TakenBackAlready):
        receipt_of(company, payment)
