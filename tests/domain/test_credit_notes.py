"""Something of an invoice is taken back, or what stands on it is corrected: the invoice itself stays."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from rental.billing.book_models import Document, DocumentContent, JournalEntry, JournalLine, RevenueMonth
from rental.billing.credit_models import CreditNote, CreditNoteLine, CreditNoteTax, RevenueCorrection
from rental.billing.credit_notes import issue_credit_note
from rental.billing.models import Invoice
from rental.billing.register import draw_issued
from rental.billing.reissue import reissue_invoice
from rental.billing.rules.credits import (
    CreditEffect,
    CreditKind,
    DocumentNeeded,
    MoreThanLeft,
    MoreThanOwed,
    MoreThanPaid,
    NoSuchLine,
    NothingCredited,
    NothingLeft,
)
from rental.billing.rules.papers import NothingToCorrect, PaperKind
from rental.billing.snapshots import sealed
from rental.catalog.rules import TaxClass
from rental.core.errors import DomainError
from rental.core.money import Money, yen_of
from rental.customers.rules import Missing
from tests.domain.test_books import table_of
from tests.factories.billed import (
    REGISTRATION_NUMBER,
    Rented,
    close,
    invoices_of,
    machines_in_service,
    make_issuer,
)
from tests.support.story import Story
from tests.web.company import rows_of


@pytest.fixture
def company(story: Story) -> Story:
    """April was billed: 9,800 yen at 10 % and 1,290 at 8 %, 12,173 yen with tax. It is 12 May."""
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800), Rented(1290, tax_class=TaxClass.REDUCED))
    story.on("2026-05-01")
    close(story, "2026-04-30")
    story.on("2026-05-12")
    return story


def credit(
    story: Story,
    amounts: Mapping[int, int] | None = None,
    *,
    kind: CreditKind = CreditKind.PRICE_REDUCTION,
    reason: str = "故障のため",
    **settings: Any,
) -> CreditNote:
    asked = None if amounts is None else {position: Money(amount) for position, amount in amounts.items()}
    with story.begin() as uow:
        (invoice_id,) = uow.session.scalars(select(Invoice.id))
        note = issue_credit_note(uow, invoice_id, kind=kind, reason=reason, amounts=asked, **settings)
    story.everything_happens()
    return note


def journal(story: Story, source_id: UUID) -> list[tuple[str, str, int, int]]:
    with story.reading() as session:
        rows = session.scalars(
            select(JournalLine).where(JournalLine.source_id == source_id).order_by(JournalLine.position)
        )
        return [(row.debit.value, row.credit.value, row.amount.minor_units, row.rate_bp) for row in rows]


def balance(story: Story) -> int:
    (invoice,) = invoices_of(story)
    return invoice.balance.minor_units


def written_on(story: Story, document: Document) -> str:
    with story.reading() as session:
        pdf = draw_issued(session, document.id)
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    return "".join("\n".join(pages).split())


# what is taken back


def test_a_part_of_a_line_is_taken_back_with_its_tax(company: Story) -> None:
    note = credit(company, {1: 3000})
    assert (note.number, note.issued_on) == ("CN-2026-00000001", date(2026, 5, 12))
    assert (note.subtotal, note.tax, note.total) == (yen_of(3000), yen_of(300), yen_of(3300))
    assert balance(company) == 12173 - 3300
    assert journal(company, note.id) == [
        ("sales", "receivable", 3000, 1000),
        ("tax_received", "receivable", 300, 1000),
    ]
    with company.reading() as session:
        corrections = session.execute(select(RevenueCorrection.month, RevenueCorrection.amount)).all()
    # April is over and stays as it was; the month that is open bears it
    assert [tuple(row) for row in corrections] == [(date(2026, 5, 1), yen_of(-3000))]


def test_the_whole_invoice_is_taken_back_to_the_yen(company: Story) -> None:
    note = credit(company, kind=CreditKind.ERROR)
    assert note.total == yen_of(12173)
    assert balance(company) == 0
    (invoice,) = invoices_of(company)
    booked = journal(company, invoice.id) + journal(company, note.id)
    for account in ("receivable", "sales", "tax_received"):
        debits = sum(amount for debit, _, amount, _ in booked if debit == account)
        credited = sum(amount for _, side, amount, _ in booked if side == account)
        assert debits == credited > 0
    with company.reading() as session:
        earned = session.scalars(select(RevenueMonth.amount)).all()
        taken = session.scalars(select(RevenueCorrection.amount)).all()
    assert sum([*earned, *taken], yen_of(0)) == yen_of(0)
    with pytest.raises(NothingLeft):
        credit(company)


def test_many_small_credits_take_back_all_the_tax_and_no_more(company: Story) -> None:
    """Nine times 1,088 yen have 108 yen of tax each, and the last 8 yen the 8 that are left of 980."""
    totals = [credit(company, {1: 1088}, has_document=False).total for _ in range(9)]
    assert totals == [yen_of(1196)] * 9
    assert credit(company, {1: 8}, has_document=False).total == yen_of(8 + 980 - 9 * 108)
    assert balance(company) == 1290 + 103
    assert credit(company, has_document=False).total == yen_of(1393)
    assert balance(company) == 0


def test_credit_notes_are_numbered_without_a_gap_also_when_one_is_refused(company: Story) -> None:
    first = credit(company, {1: 100})
    with pytest.raises(MoreThanLeft):
        credit(company, {1: 9701})
    assert [first.number, credit(company, {2: 100}).number] == ["CN-2026-00000001", "CN-2026-00000002"]


def test_what_was_paid_is_paid_back_or_kept_and_what_is_owed_is_lowered(company: Story) -> None:
    with company.begin() as uow:
        uow.session.execute(text("UPDATE invoice SET balance = 2173"))  # 10,000 yen were paid
    with pytest.raises(MoreThanOwed) as refused:
        credit(company, {1: 9000})
    assert refused.value.params == {"total": 9900, "balance": 2173}
    back = credit(company, {1: 5000}, effect=CreditEffect.REFUND)
    kept = credit(company, {1: 4000}, effect=CreditEffect.CUSTOMER_CREDIT)
    assert balance(company) == 2173
    assert {row[1] for row in journal(company, back.id)} == {"refunds_payable"}
    assert {row[1] for row in journal(company, kept.id)} == {"advance_received"}
    with pytest.raises(MoreThanPaid) as over:
        credit(company, {1: 100}, effect=CreditEffect.REFUND)
    assert over.value.params == {"total": 110, "paid": 10_000 - 5500 - 4400}


@pytest.mark.parametrize(
    ("amounts", "settings", "refusal"),
    [
        ({1: 9801}, {}, MoreThanLeft),
        ({3: 100}, {}, NoSuchLine),
        ({1: -100}, {}, NoSuchLine),
        ({1: 0}, {}, NothingCredited),
        ({}, {}, NothingCredited),
        ({1: 100}, {"effect": CreditEffect.REFUND}, MoreThanPaid),
        ({1: 9091}, {"has_document": False}, DocumentNeeded),
        ({1: 100}, {"reason": "　"}, Missing),
    ],
)
def test_a_refused_credit_changes_nothing(
    company: Story, amounts: dict[int, int], settings: dict[str, Any], refusal: type[DomainError]
) -> None:
    before = rows_of(company.app)
    with pytest.raises(refusal):
        credit(company, amounts, **settings)
    assert rows_of(company.app) == before


# its document


def test_the_document_says_what_the_law_asks_for(company: Story) -> None:
    note = credit(company, {1: 9800, 2: 90}, reason="4月の故障により")
    with company.reading() as session:
        document = session.scalars(select(Document).where(Document.source_id == note.id)).one()
        assert (document.kind, document.number) == (PaperKind.CREDIT_NOTE, note.number)
        assert (document.amount, document.counterparty) == (note.total, "喫茶みどり 経理部")
        assert document.file
        kept = company.runtime.files.get(document.file.sha256)
        assert draw_issued(session, document.id) == draw_issued(session, document.id) == kept
    written = written_on(company, document)
    said = (
        "さくらリファインレンタル株式会社（デモ）",
        REGISTRATION_NUMBER,
        "返還日2026年5月12日",
        "2026年4月1日から2026年4月30日まで",
        "INV-2026-00000001",
        "レンタル料※",
        "10%対象¥9,800¥980",
        "軽減8%対象¥90¥7",
        "¥10,877",
        "4月の故障により",
        "喫茶みどり経理部御中",
    )
    assert [words for words in said if words not in written] == []


def test_below_the_limit_an_entry_in_the_books_is_enough(company: Story) -> None:
    documents = company.count(Document)
    note = credit(company, {1: 9090}, has_document=False)
    assert note.total == yen_of(9999)
    assert company.count(Document) == documents
    assert company.count(JournalEntry) == 2


def test_what_was_credited_is_written_once(company: Story) -> None:
    credit(company, {1: 3000})
    before = rows_of(company.app)
    tried = 0
    for kind in (CreditNote, CreditNoteLine, CreditNoteTax, RevenueCorrection, DocumentContent):
        for column in table_of(kind).c:
            with pytest.raises(DBAPIError), company.begin() as uow:
                uow.session.execute(update(table_of(kind)).values({column.name: column}))
            tried += 1
        with pytest.raises(DBAPIError), company.begin() as uow:
            uow.session.execute(delete(table_of(kind)))
    assert tried == 14 + 4 + 5 + 5 + 3
    assert rows_of(company.app) == before


# corrected


def reissue(story: Story, reason: str = "宛名の誤り") -> Document:
    with story.begin() as uow:
        (invoice_id,) = uow.session.scalars(select(Invoice.id))
        document = reissue_invoice(uow, invoice_id, reason=reason)
    story.everything_happens()
    return document


def rename_the_account(story: Story, name: str) -> None:
    with story.begin() as uow:
        uow.session.execute(text("UPDATE billing_account SET name = :name"), {"name": name})


def test_a_corrected_invoice_takes_the_place_of_the_old_one_and_both_stay(company: Story) -> None:
    (before,) = invoices_of(company)
    rename_the_account(company, "喫茶みどり 本社経理部")
    document = reissue(company)
    assert (document.number, document.version, document.supersedes_id) == (
        "INV-2026-00000001-2",
        2,
        before.id,
    )
    written = written_on(company, document)
    for words in (
        "喫茶みどり本社経理部御中",
        "2026年5月1日発行のINV-2026-00000001を本書のとおり訂正いたします。",
        "訂正理由宛名の誤り",
        "¥12,173",
    ):
        assert words in written
    (after,) = invoices_of(company)
    assert (after.snapshot, after.document_id) == (before.snapshot, before.document_id)
    assert sealed(after.snapshot) == after.snapshot_sha256
    with company.reading() as session:
        original = session.get_one(Document, before.id)
        assert (original.counterparty, original.version) == ("喫茶みどり 経理部", 1)
        assert session.get_one(Document, document.id).file
    assert balance(company) == 12173


def test_a_correction_is_corrected_in_turn(company: Story) -> None:
    rename_the_account(company, "喫茶みどり 総務")
    first = reissue(company)
    rename_the_account(company, "喫茶みどり 本部")
    second = reissue(company, reason="部署名の変更")
    assert (second.number, second.supersedes_id) == ("INV-2026-00000001-3", first.id)
    assert "INV-2026-00000001-2を本書のとおり訂正" in written_on(company, second)


def test_an_invoice_that_says_what_is_right_is_not_issued_again(company: Story) -> None:
    before = rows_of(company.app)
    with pytest.raises(NothingToCorrect):
        reissue(company)
    assert rows_of(company.app) == before
