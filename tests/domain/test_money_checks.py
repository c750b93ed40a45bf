"""The checks of invoices and billed days: one sabotage each turns exactly one of them red."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from rental.assurance.checks import CHECKS
from rental.billing.book_models import Document, JournalEntry, JournalLine
from rental.billing.credit_models import CreditNote
from rental.billing.credit_notes import issue_credit_note
from rental.billing.delivery_notes import issue_delivery_note
from rental.billing.models import BilledSegment, BilledSpan, BillingItem, BillingSchedule, Invoice, InvoiceTax
from rental.billing.reissue import reissue_invoice
from rental.billing.rules.credits import CreditKind
from rental.billing.rules.journals import JournalKind, JournalSource
from rental.billing.rules.papers import PaperKind
from rental.billing.rules.runs import ItemState
from rental.changes.amendments import amend, hold_contract
from rental.changes.line_books import contract_book
from rental.changes.plans import plan_price
from rental.contracts.models import Line, Slot
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.numbering import Counter
from rental.core.uow import UnitOfWork
from rental.demo.clock import pin_business_date
from rental.fieldwork.models import WorkOrder
from rental.web import sentences
from tests.domain.test_checks import red
from tests.factories.billed import Rented, close, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.story import Story


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """Two accounts with two closings each."""
    once(close_twice)
    return story


def close_twice(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    machines_in_service(story, Rented(9800, machines=2))
    machines_in_service(story, Rented(4980), name="喫茶あおぞら")
    story.on("2026-05-01")
    close(story, "2026-04-30")
    story.on("2026-06-01")
    close(story, "2026-05-31")
    with story.begin() as uow:
        issue_credit_note(
            uow,
            last_invoice(uow.session).id,
            kind=CreditKind.GOODWILL,
            reason="お詫び",
        )
        reissue_after_a_move(uow)
        issue_delivery_note(uow, uow.session.scalars(select(WorkOrder.id).limit(1)).one())
    story.tick()


def reissue_after_a_move(uow: UnitOfWork) -> None:
    invoice = last_invoice(uow.session)
    invoice.billing_account.name = "喫茶みどり 本部"
    uow.session.flush()
    reissue_invoice(uow, invoice.id, reason="宛名の誤り")


def unguarded(*tables: str) -> Callable[[Session], None]:
    """The database lets everything happen to these tables, as to whoever owns it."""

    def take_guards_away(session: Session) -> None:
        if session.get_bind().dialect.name == "sqlite":
            triggers = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
            for table in tables:
                for name in session.scalars(triggers, {"table": table}).all():
                    session.execute(text(f"DROP TRIGGER {name}"))
            return
        for table in tables:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        if "billed_span" in tables:
            session.execute(text("ALTER TABLE billed_span DROP CONSTRAINT ex_billed_span_recurring_apart"))

    return take_guards_away


def first_invoice(session: Session) -> Invoice:
    return session.scalars(select(Invoice).order_by(Invoice.number).limit(1)).one()


def last_invoice(session: Session) -> Invoice:
    return session.scalars(select(Invoice).order_by(Invoice.number.desc()).limit(1)).one()


def a_line_and_its_tax_grown(session: Session) -> None:
    """By what changes no tax: its rate is none."""
    unguarded("invoice")(session)
    session.execute(
        update(Invoice)
        .where(Invoice.id == first_invoice(session).id)
        .values(
            subtotal=Invoice.subtotal + Money(1),
            total=Invoice.total + Money(1),
            balance=Invoice.balance + Money(1),
        )
    )
    grow_what_is_booked(session)


def grow_what_is_booked(session: Session) -> None:
    """The books say a yen more as well."""
    unguarded("journal_line")(session)
    session.execute(
        update(JournalLine)
        .where(JournalLine.source_id == first_invoice(session).id, JournalLine.position == 1)
        .values(amount=JournalLine.amount + Money(1))
    )


def a_document_out_of_the_register(session: Session) -> None:
    unguarded("document")(session)
    session.execute(delete(Document).where(Document.source_id == first_invoice(session).id))


def an_entry_without_its_document(session: Session) -> None:
    entry = {"source_id": new_id(), "kind": JournalKind.SALE, "source_type": JournalSource.INVOICE}
    session.execute(insert(JournalEntry).values({**entry, "entry_on": date(2026, 5, 31)}))


def more_taken_back_than_there_was(session: Session) -> None:
    unguarded("credit_note")(session)
    session.execute(
        update(CreditNote).values(subtotal=CreditNote.subtotal + Money(1), total=CreditNote.total + Money(1))
    )


def ended_and_never_taken_back(session: Session) -> None:
    slot = session.scalars(select(Slot.id).join(Line).where(Line.quantity == 1)).one()
    session.execute(update(Slot).where(Slot.id == slot).values(ended_on=date(2026, 5, 31)))


def tax_of_one_rate_changed(session: Session) -> None:
    unguarded("invoice_tax")(session)
    session.execute(
        update(InvoiceTax)
        .where(InvoiceTax.invoice_id == first_invoice(session).id)
        .values(tax=InvoiceTax.tax + Money(1))
    )


def a_counter_ahead(session: Session) -> None:
    session.execute(
        update(Counter).where(Counter.series == "invoice:2026").values(next_number=Counter.next_number + 1)
    )


def a_counter_behind(series: str) -> Callable[[Session], None]:
    """The next document would get a number that is taken."""

    def set_back(session: Session) -> None:
        session.execute(update(Counter).where(Counter.series == series).values(next_number=1))

    return set_back


def renumbered(kind: PaperKind, number: str) -> Callable[[Session], None]:
    def write_over(session: Session) -> None:
        unguarded("document")(session)
        session.execute(update(Document).where(Document.kind == kind).values(number=number))

    return write_over


def a_correction_left_out(session: Session) -> None:
    unguarded("document")(session)
    session.execute(
        update(Document)
        .where(Document.kind == PaperKind.CORRECTED_INVOICE)
        .values(version=3, number=f"{last_invoice(session).number}-3")
    )


def issued_before_its_turn(session: Session) -> None:
    unguarded("invoice")(session)
    last = select(Invoice.id).order_by(Invoice.number.desc()).limit(1).scalar_subquery()
    session.execute(update(Invoice).where(Invoice.id == last).values(issued_on=date(2026, 4, 30)))


def a_day_billed_twice(session: Session) -> None:
    unguarded("billed_span")(session)
    span = session.scalars(select(BilledSpan).order_by(BilledSpan.start_on, BilledSpan.id).limit(1)).one()
    values = {column.name: getattr(span, column.name) for column in BilledSpan.__table__.columns}
    days = {"start_on": span.start_on, "end_on": span.start_on + timedelta(days=1)}
    session.execute(insert(BilledSpan).values({**values, **days, "id": new_id()}))


def a_month_taken_back_on_paper(session: Session) -> None:
    span = session.scalars(select(BilledSpan).order_by(BilledSpan.start_on, BilledSpan.id).limit(1)).one()
    session.execute(update(BilledSpan).where(BilledSpan.id == span.id).values(is_active=False))


def billed_further_than_billed(session: Session) -> None:
    line = session.scalars(select(Line.id).where(Line.quantity == 1)).one()
    session.execute(
        update(BillingSchedule)
        .where(BillingSchedule.contract_line_id == line)
        .values(billed_through=date(2026, 7, 1), next_due_on=date(2026, 8, 1))
    )


def parked_and_forgotten(session: Session) -> None:
    one = select(BillingItem.id).limit(1).scalar_subquery()
    session.execute(
        update(BillingItem)
        .where(BillingItem.id == one)
        .values(state=ItemState.PARKED, reason_code="billing.not_ratable", finished_at=_LONG_AGO)
    )


def waiting_for_nobody(session: Session) -> None:
    one = select(BillingItem.id).limit(1).scalar_subquery()
    session.execute(
        update(BillingItem)
        .where(BillingItem.id == one)
        .values(state=ItemState.TODO, finished_at=None, reason_code=None)
    )


def an_invoice_nobody_asked_for(session: Session) -> None:
    item = select(BillingItem.id).where(BillingItem.invoice_id == first_invoice(session).id)
    session.execute(delete(BillingItem).where(BillingItem.id == item.scalar_subquery()))


def a_name_changed_in_the_content(session: Session) -> None:
    unguarded("invoice")(session)
    invoice = first_invoice(session)
    content = {**invoice.snapshot, "issuer": {**invoice.snapshot["issuer"], "name": "株式会社別人"}}
    session.execute(update(Invoice).where(Invoice.id == invoice.id).values(snapshot=content))


def a_recipient_changed_in_the_row(session: Session) -> None:
    unguarded("invoice")(session)
    session.execute(
        update(Invoice).where(Invoice.id == first_invoice(session).id).values(recipient_name="株式会社別人")
    )


def due_and_forgotten(session: Session) -> None:
    line = session.scalars(select(Line.id).where(Line.quantity == 1)).one()
    session.execute(
        update(BillingSchedule)
        .where(BillingSchedule.contract_line_id == line)
        .values(next_due_on=date(2026, 4, 24))
    )


def a_machine_charged_too_many(session: Session) -> None:
    unguarded("billed_segment")(session)
    one = select(BilledSegment.id).where(BilledSegment.quantity == 2).limit(1).scalar_subquery()
    session.execute(update(BilledSegment).where(BilledSegment.id == one).values(quantity=3))


_LONG_AGO = datetime(2026, 5, 1, tzinfo=UTC)
SABOTAGE: dict[str, Callable[[Session], object]] = {
    "M1": a_line_and_its_tax_grown,
    "M2": tax_of_one_rate_changed,
    "M7": a_counter_ahead,
    "M8": a_name_changed_in_the_content,
    "M4": a_document_out_of_the_register,
    "M9": more_taken_back_than_there_was,
    "C3": due_and_forgotten,
    "C4": ended_and_never_taken_back,
    "C5": a_machine_charged_too_many,
    "C1": a_day_billed_twice,
    "C2": billed_further_than_billed,
    "C6": parked_and_forgotten,
}
OTHERS: dict[str, tuple[str, Callable[[Session], object]]] = {
    "an entry without its document": ("M4", an_entry_without_its_document),
    "an invoice issued before its turn": ("M7", issued_before_its_turn),
    "a counter of credit notes set back": ("M7", a_counter_behind("credit_note:2026")),
    "a counter of delivery notes set back": ("M7", a_counter_behind("delivery_note:2026")),
    "a delivery note out of its series": ("M7", renumbered(PaperKind.DELIVERY_NOTE, "DN-2026-00000002")),
    "a credit note registered otherwise": ("M7", renumbered(PaperKind.CREDIT_NOTE, "CN-2026-00000002")),
    "a correction under another number": ("M7", renumbered(PaperKind.CORRECTED_INVOICE, "INV-9")),
    "a correction left out": ("M7", a_correction_left_out),
    "a month taken back on paper": ("C2", a_month_taken_back_on_paper),
    "a recipient changed in the row": ("M8", a_recipient_changed_in_the_row),
    "an account that waits for nobody": ("C6", waiting_for_nobody),
    "an invoice that nobody asked for": ("C6", an_invoice_nobody_asked_for),
}


def test_every_money_check_has_its_words() -> None:
    assert set(SABOTAGE) <= set(sentences._CHECK_WORDS)
    assert set(SABOTAGE) <= {check.code for check in CHECKS}


def test_a_company_that_billed_two_months_has_no_finding(company: Story) -> None:
    assert red(company) == {}


def test_what_is_due_is_asked_of_the_business_date(company: Story) -> None:
    """A company whose day stands still owes nothing new, however the calendar goes on."""
    with company.begin() as uow:
        pin_business_date(uow, date(2026, 6, 1))
    company.on("2026-09-01")
    assert "C3" not in red(company)
    with company.begin() as uow:
        pin_business_date(uow, date(2026, 7, 15))
    assert "C3" in red(company)


def test_what_is_recorded_late_waits_for_the_next_closing_and_no_longer(company: Story) -> None:
    company.later(hours=1)
    with company.begin("clerk") as uow:
        contract_id = uow.session.scalars(select(Line.contract_id).where(Line.quantity == 1)).one()
        hold_contract(uow, contract_id)
        book = contract_book(uow.session, contract_id)
        (line_id,) = book.lines
        fee, day = Money(9900), date(2026, 5, 10)
        amend(uow, plan_price(book, line_id, fee, agreed_for=day, today=uow.today), reason="agreed by mail")
    company.on("2026-06-30")
    assert "C3" not in red(company)
    company.on("2026-07-08")
    assert "C3" in red(company)


@pytest.mark.parametrize("code", list(SABOTAGE))
def test_a_sabotage_turns_just_its_check_red(company: Story, code: str) -> None:
    with company.begin() as uow:
        SABOTAGE[code](uow.session)
    assert red(company) == {code: 1}


def test_a_yen_too_much_in_the_journal_is_neither_the_invoice_nor_what_is_owed(company: Story) -> None:
    with company.begin() as uow:
        grow_what_is_booked(uow.session)
    assert red(company) == {"M4": 1, "M5": 1}


@pytest.mark.parametrize("what", list(OTHERS))
def test_another_sabotage_turns_its_check_red(company: Story, what: str) -> None:
    code, sabotage = OTHERS[what]
    with company.begin() as uow:
        sabotage(uow.session)
    assert red(company) == {code: 1}
