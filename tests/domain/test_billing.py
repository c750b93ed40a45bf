"""From a machine in service to its invoice: each obligation once, in the right month, at the right amount."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from rental.billing.documents import draw
from rental.billing.due import preview_run
from rental.billing.models import (
    BilledSegment,
    BilledSpan,
    BillingClaim,
    BillingItem,
    BillingSchedule,
    Invoice,
)
from rental.billing.rules.runs import (
    BillingKind,
    ClosingInFuture,
    InvoiceState,
    ItemState,
    NoIssuer,
    SendingWay,
)
from rental.billing.runs import open_run, release_item
from rental.billing.snapshots import sealed
from rental.catalog.rules import TaxClass
from rental.contracts.models import Line, Slot
from rental.core.db import writing_engine
from rental.core.ids import new_id
from rental.core.money import yen_of
from tests.factories.billed import (
    REGISTRATION_NUMBER,
    Rented,
    close,
    install_by_scan,
    invoices_of,
    items_of,
    machines_in_service,
    make_issuer,
    owe_a_day_twice,
    promised,
    technician_of,
)
from tests.support.story import Story
from tests.web.company import rows_of

# Not on the dates of the business, but when they were recorded.
TECHNICAL = ("audit_entry", "outbox_message", "delivery")


@pytest.fixture
def company(story: Story) -> Story:
    """A company that may issue invoices."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


def totals(story: Story) -> list[tuple[str, int]]:
    return [(invoice.number, invoice.total.minor_units) for invoice in invoices_of(story)]


# one month


def test_customer_pays_only_from_the_day_of_installation(company: Story) -> None:
    company.on("2026-04-16")
    machines_in_service(company, Rented(3000))
    company.on("2026-05-01")
    close(company, "2026-04-30")

    (invoice,) = invoices_of(company)
    assert (invoice.subtotal, invoice.tax, invoice.total) == (yen_of(1500), yen_of(150), yen_of(1650))
    assert invoice.number == "INV-2026-00000001"
    assert (invoice.period_start, invoice.period_end) == (date(2026, 4, 16), date(2026, 5, 1))
    assert invoice.due_on == date(2026, 6, 1)  # 31 May is a Sunday
    company.everything_happens_twice()
    assert len(invoices_of(company)) == 1


def test_machines_of_equal_days_stand_in_one_line_and_others_apart(company: Story) -> None:
    company.on("2026-04-01")
    machines_in_service(company, Rented(9800, machines=3))
    company.on("2026-04-16")
    machines_in_service(company, Rented(9800, machines=2), name="喫茶あおぞら")
    company.on("2026-05-01")
    close(company, "2026-04-30")
    whole, part = invoices_of(company)
    assert [(line.quantity, line.amount) for line in whole.lines] == [(3, yen_of(29400))]
    assert [(line.quantity, line.amount) for line in part.lines] == [(2, yen_of(9800))]
    assert part.lines[0].formula["days"], part.lines[0].formula["of"] == (15, 30)


def test_every_billed_day_of_every_slot_is_written_down(company: Story) -> None:
    company.on("2026-04-16")
    machines_in_service(company, Rented(9800, machines=2))
    company.on("2026-05-31")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    with company.reading() as session:
        for slot_id in session.scalars(select(Slot.id)):
            spans = session.execute(
                select(BilledSpan.start_on, BilledSpan.end_on)
                .where(BilledSpan.slot_id == slot_id, BilledSpan.is_active)
                .order_by(BilledSpan.start_on)
            ).all()
            assert [tuple(span) for span in spans] == [
                (date(2026, 4, 16), date(2026, 5, 1)),
                (date(2026, 5, 1), date(2026, 6, 1)),
            ]
        assert set(session.scalars(select(BillingSchedule.next_due_on))) == {date(2026, 7, 1)}


def test_a_slot_that_starts_opens_the_schedule_of_its_line(company: Story) -> None:
    company.on("2026-04-21")
    machines_in_service(company, Rented(9800), closing_day=20)
    with company.reading() as session:
        assert session.scalars(select(BillingSchedule.next_due_on)).one() == date(2026, 5, 21)
        assert session.scalars(select(BillingSchedule.billed_through)).one() is None


# again and again


def test_closing_twice_gives_the_same_invoices_and_numbers(company: Story) -> None:
    machines_in_service(company, Rented(9800))
    machines_in_service(company, Rented(4980), name="喫茶あおぞら")
    company.on("2026-05-01")
    run_id = close(company, "2026-04-30")
    before = rows_of(company.app, without=TECHNICAL)
    assert close(company, "2026-04-30") == run_id
    assert rows_of(company.app, without=TECHNICAL) == before
    assert totals(company) == [("INV-2026-00000001", 10780), ("INV-2026-00000002", 5478)]


def test_a_machine_reported_late_is_added_when_the_closing_is_opened_again(company: Story) -> None:
    technician = technician_of(company)
    first = machines_in_service(company, Rented(9800))
    with company.begin() as uow:
        late = promised(uow, [Rented(3000)], "喫茶おくれ")
    company.on("2026-04-30")
    close(company, "2026-04-30")
    with company.begin() as uow:
        install_by_scan(uow, late.id, technician)
    company.everything_happens()
    close(company, "2026-04-30")
    assert [invoice.billing_account_id for invoice in invoices_of(company)] == [
        first.account_id,
        late.billing_account_id,
    ]
    assert totals(company)[1] == ("INV-2026-00000002", 110)  # a day of April


def test_a_missed_closing_is_made_up_for_by_the_next_one(company: Story) -> None:
    machines_in_service(company, Rented(9800))
    company.on("2026-06-01")
    close(company, "2026-05-31")
    for month, invoice in zip((4, 5), invoices_of(company), strict=True):
        assert [line.service_start for line in invoice.lines] == [date(2026, month, 1)]
        assert invoice.subtotal == yen_of(9800)
    close(company, "2026-04-30")
    assert len(invoices_of(company)) == 2


def test_each_account_is_closed_on_its_own_day(company: Story) -> None:
    month_end = machines_in_service(company, Rented(9800))
    on_20th = machines_in_service(company, Rented(9800), closing_day=20, name="喫茶はつか")
    company.on("2026-04-30")
    close(company, "2026-04-20")
    assert [invoice.billing_account_id for invoice in invoices_of(company)] == [on_20th.account_id]
    close(company, "2026-04-30")
    assert [invoice.billing_account_id for invoice in invoices_of(company)] == [
        on_20th.account_id,
        month_end.account_id,
    ]
    # 20 of the 31 days from 21 March
    assert invoices_of(company)[0].subtotal == yen_of(9800 * 20 // 31)


def test_the_invoice_that_was_finalised_keeps_the_names_of_then(company: Story) -> None:
    machines_in_service(company, Rented(9800))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    (before,) = invoices_of(company)
    with company.begin() as uow:
        uow.session.execute(text("UPDATE billing_account SET name = '別名'"))
    (after,) = invoices_of(company)
    assert after.snapshot == before.snapshot
    assert after.snapshot["recipient"]["name"] == "喫茶みどり 経理部"
    assert sealed(after.snapshot) == after.snapshot_sha256


# what is refused


def test_a_closing_in_the_future_is_refused_by_name_and_nothing_happens(company: Story) -> None:
    machines_in_service(company, Rented(9800))
    before = rows_of(company.app)
    with pytest.raises(ClosingInFuture) as refused, company.begin() as uow:
        open_run(uow, date(2026, 4, 30))
    assert refused.value.code == "billing.closing_in_future"
    assert refused.value.params == {"closed_on": date(2026, 4, 30), "today": date(2026, 4, 1)}
    assert rows_of(company.app) == before


def test_nothing_is_billed_before_the_issuer_is_known(story: Story) -> None:
    machines_in_service(story, Rented(9800))
    story.on("2026-05-01")
    with pytest.raises(NoIssuer), story.begin() as uow:
        open_run(uow, date(2026, 4, 30))


def test_a_contract_that_cannot_be_rated_is_parked_and_the_rest_goes_on(company: Story) -> None:
    good = [machines_in_service(company, Rented(9800), name=f"喫茶{n}") for n in range(2)]
    bad = machines_in_service(company, Rented(9800), name="喫茶うたがい")
    owe_a_day_twice(company, bad)
    company.on("2026-05-01")
    run_id = close(company, "2026-04-30")

    items = items_of(company, run_id)
    assert items[bad.account_id] == (ItemState.PARKED, "billing.not_ratable")
    assert [items[one.account_id][0] for one in good] == [ItemState.DONE, ItemState.DONE]
    assert len(invoices_of(company)) == 2
    with company.reading() as session:
        parked = session.scalars(select(BillingItem).where(BillingItem.state == ItemState.PARKED)).one()
        assert parked.contract_id == bad.contract_id
        assert parked.reason_params
        assert parked.reason_params["contract"] == bad.contract_number
    company.on("2026-06-01")
    assert bad.account_id not in items_of(company, close(company, "2026-05-31"))


def test_days_that_were_billed_before_are_refused_by_the_database_for_their_account_alone(
    company: Story,
) -> None:
    """Somebody wrote into the books behind our back; the halves of the chunk that are right are billed."""
    rented = [machines_in_service(company, Rented(9800), name=f"喫茶{n}") for n in range(5)]
    bad = rented[3]
    with company.begin() as uow:
        slot_id = uow.session.scalars(
            select(Slot.id)
            .join(Line, Line.id == Slot.contract_line_id)
            .where(Line.contract_id == bad.contract_id)
        ).one()
    company.on("2026-05-01")
    close(company, "2026-04-30")
    _write_days_to_come_behind_our_back(company, slot_id)
    company.on("2026-06-01")
    run_id = close(company, "2026-05-31")
    items = items_of(company, run_id)
    assert items[bad.account_id] == (ItemState.PARKED, "billing.refused_by_database")
    assert [items[one.account_id][0] for one in rented if one != bad] == [ItemState.DONE] * 4
    assert [number for number, _total in totals(company)] == [
        f"INV-2026-{number:08}" for number in range(1, 10)
    ]


def _write_days_to_come_behind_our_back(story: Story, slot_id: UUID) -> None:
    """A span over the days to come, of a charge of another month."""
    with story.begin() as uow:
        span = uow.session.scalars(select(BilledSpan).where(BilledSpan.slot_id == slot_id)).one()
        uow.session.execute(
            insert(BilledSpan).values(
                id=new_id(),
                slot_id=slot_id,
                kind=BillingKind.RECURRING,
                start_on=date(2026, 5, 10),
                end_on=date(2026, 5, 11),
                is_active=True,
                billed_segment_id=span.billed_segment_id,
            )
        )


def test_a_released_account_is_billed_again(company: Story) -> None:
    rented = machines_in_service(company, Rented(9800))
    company.on("2026-05-01")
    with company.begin() as uow:
        run_id = open_run(uow, date(2026, 4, 30)).id
        uow.session.execute(
            update(BillingItem).values(
                state=ItemState.PARKED, reason_code="billing.not_ratable", finished_at=uow.now
            )
        )
    company.everything_happens()
    assert invoices_of(company) == []
    with company.begin() as uow:
        release_item(uow, uow.session.scalars(select(BillingItem.id)).one())
    company.everything_happens()
    assert items_of(company, run_id) == {rented.account_id: (ItemState.DONE, None)}
    assert len(invoices_of(company)) == 1


# looking ahead


def test_a_preview_foretells_the_run_to_the_yen_and_writes_no_row(company: Story) -> None:
    machines_in_service(company, Rented(9800, machines=2), Rented(333, tax_class=TaxClass.REDUCED))
    company.on("2026-04-20")
    bad = machines_in_service(company, Rented(4980), name="喫茶うたがい")
    owe_a_day_twice(company, bad)
    company.on("2026-05-01")
    before = rows_of(company.app)
    with company.reading() as session:
        foreseen = preview_run(session, date(2026, 4, 30), today=date(2026, 5, 1))
    assert rows_of(company.app) == before

    run_id = close(company, "2026-04-30")
    assert [each.draft.totals.total for each in foreseen if each.draft] == [
        invoice.total for invoice in invoices_of(company)
    ]
    parked = {
        account for account, (state, _) in items_of(company, run_id).items() if state is ItemState.PARKED
    }
    assert {each.account.id for each in foreseen if each.refusal} == parked == {bad.account_id}


# the document


@pytest.fixture
def mixed(company: Story) -> Invoice:
    """An invoice of both rates, its document kept."""
    company.on("2026-04-16")
    machines_in_service(company, Rented(9800, machines=2), Rented(1290, tax_class=TaxClass.REDUCED))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    return invoice


def text_of(pdf: bytes) -> str:
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    return "".join("\n".join(pages).split())


# What makes an invoice a qualified one (消費税法 article 57-4).
LEGAL_ITEMS = {
    "issuer": ("さくらリファインレンタル株式会社（デモ）", REGISTRATION_NUMBER),
    "days of the transaction": ("2026年4月16日から2026年4月30日まで",),
    "what, and what of it has the reduced rate": (
        "CM-",
        "レンタル料",
        "レンタル料※",
        "※は軽減税率対象品目です。",
    ),
    "amount and rate of each rate": ("10%対象¥9,800", "軽減8%対象¥645"),
    "tax of each rate": ("10%対象¥9,800¥980", "軽減8%対象¥645¥51"),
    "recipient": ("喫茶みどり経理部御中",),
}
ALSO_THERE = (
    "INV-2026-00000001",
    "発行日2026年5月1日",
    "2026年6月1日",
    "9,800円×2台×15日÷30日=9,800円",
    "デモ銀行本店普通0000001",
    "¥11,476",
)


def test_the_document_holds_the_six_things_the_law_asks_for(company: Story, mixed: Invoice) -> None:
    written = text_of(kept_document(company, mixed))
    assert len(LEGAL_ITEMS) == 6
    missing = {item: said for item, words in LEGAL_ITEMS.items() for said in words if said not in written}
    assert missing == {}
    assert [said for said in ALSO_THERE if said not in written] == []


def test_a_document_of_one_rate_says_nothing_of_the_other(company: Story) -> None:
    machines_in_service(company, Rented(9800))
    company.on("2026-05-01")
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    written = text_of(draw(invoice.snapshot))
    assert "10%対象¥9,800¥980" in written
    assert "軽減" not in written
    assert "※" not in written


def kept_document(story: Story, invoice: Invoice) -> bytes:
    with story.reading() as session:
        document = session.get_one(Invoice, invoice.id).document
        assert document
        return story.runtime.files.get(document.sha256)


def test_the_document_is_the_same_to_the_byte_in_every_process(company: Story, mixed: Invoice) -> None:
    kept = kept_document(company, mixed)
    assert draw(mixed.snapshot) == kept
    assert [drawn_elsewhere(mixed.snapshot) for _ in range(2)] == [kept, kept]


def drawn_elsewhere(snapshot: dict[str, Any]) -> bytes:
    """By a process of its own, which has drawn nothing before."""
    drawing = (
        "import json, sys; from rental.billing.documents import draw; "
        "sys.stdout.buffer.write(draw(json.load(sys.stdin)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", drawing],
        input=json.dumps(snapshot).encode(),
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        timeout=60,
        check=True,
    )
    return done.stdout


def test_without_an_address_for_mail_the_invoice_goes_by_post(company: Story, mixed: Invoice) -> None:
    with company.reading() as session:
        invoice = session.get_one(Invoice, mixed.id)
    assert (invoice.state, invoice.sent_by) == (InvoiceState.SENT, SendingWay.POST)


# what the database refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoice SET total = total",
        "UPDATE invoice SET number = 'INV-2026-00000009'",
        "UPDATE invoice SET snapshot = '{}'",
        "UPDATE invoice SET due_on = '2027-01-01'",
        "DELETE FROM invoice",
        "UPDATE invoice_line SET amount = 0",
        "DELETE FROM invoice_line",
        "UPDATE invoice_tax SET tax = 0",
        "DELETE FROM invoice_tax",
        "DELETE FROM billing_claim",
        "UPDATE billed_segment SET amount = 0",
        "DELETE FROM billed_segment",
        "UPDATE billed_span SET end_on = '2027-01-01'",
        "DELETE FROM billed_span",
    ],
)
def test_what_was_finalised_cannot_be_changed(company: Story, mixed: Invoice, statement: str) -> None:
    before = rows_of(company.app)
    with (
        company.app.app_context(),
        pytest.raises(DBAPIError),
        writing_engine().begin() as connection,
    ):
        connection.execute(text(statement))
    assert rows_of(company.app) == before


@pytest.mark.usefixtures("mixed")
def test_one_day_of_a_slot_cannot_be_billed_twice(company: Story) -> None:
    with pytest.raises(DBAPIError), company.begin() as uow:
        span = uow.session.scalars(select(BilledSpan).limit(1)).one()
        uow.session.add(
            BilledSpan(
                slot_id=span.slot_id,
                kind=span.kind,
                start_on=date(2026, 4, 30),
                end_on=date(2026, 5, 2),
                billed_segment_id=span.billed_segment_id,
            )
        )
        uow.session.flush()


@pytest.mark.usefixtures("mixed")
def test_neighbouring_days_of_a_slot_are_no_trouble(company: Story) -> None:
    company.on("2026-06-01")
    close(company, "2026-05-31")
    assert len(invoices_of(company)) == 2
    assert company.count(BillingClaim) == 4
    assert company.count(BilledSegment) == 4
