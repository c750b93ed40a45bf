"""How documents look is data: chosen for the company or an account, and kept with every document."""

from datetime import date
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import select

from rental.billing.book_models import Document
from rental.billing.credit_notes import issue_credit_note
from rental.billing.delivery_notes import issue_delivery_note
from rental.billing.document_templates import (
    add_template,
    change_template,
    choose_for_account,
    choose_for_company,
)
from rental.billing.documents import draw
from rental.billing.models import Invoice
from rental.billing.register import draw_issued
from rental.billing.reissue import reissue_invoice
from rental.billing.rules.credits import CreditKind
from rental.billing.rules.looks import Look, NameTaken, PaperLanguage, TooManyLines
from rental.billing.rules.papers import PaperKind
from rental.billing.samples import draw_sample
from rental.billing.snapshots import sealed
from rental.billing.template_models import DocumentTemplate
from rental.core.errors import ChangedMeanwhile, DomainError
from rental.core.money import yen_of
from rental.customers.models import BillingAccount
from rental.customers.rules import Missing, TooLong
from rental.fieldwork.models import WorkOrder
from tests.factories.billed import InService, Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.story import Story
from tests.web.company import rows_of

ENGLISH = Look(PaperLanguage.ENGLISH, logo="SAKURA RENTAL", note="Thank you.\nCall us any time.")


@pytest.fixture
def company(story: Story) -> Story:
    """It is 1 April."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


@pytest.fixture
def rented(company: Story) -> InService:
    company.on("2026-04-16")
    return machines_in_service(company, Rented(9800))


def template(story: Story, look: Look = ENGLISH, *, name: str = "英語") -> UUID:
    with story.begin() as uow:
        return add_template(uow, name=name, look=look).id


def for_account(story: Story, rented: InService, template_id: UUID | None) -> None:
    with story.begin() as uow:
        choose_for_account(uow, rented.account_id, template_id)


def for_company(story: Story, template_id: UUID | None) -> None:
    with story.begin() as uow:
        choose_for_company(uow, template_id)


def bill(story: Story, closed_on: str = "2026-04-30") -> Invoice:
    close(story, closed_on)
    return invoices_of(story)[-1]


def written(pdf: bytes) -> str:
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    return " ".join("\n".join(pages).split())


def test_without_a_template_an_invoice_says_nothing_of_its_look(company: Story, rented: InService) -> None:
    company.on("2026-05-01")
    invoice = bill(company)
    assert "look" not in invoice.snapshot
    assert "請求書" in written(draw(invoice.snapshot))


def test_an_invoice_looks_as_its_account_wants_it(company: Story, rented: InService) -> None:
    for_company(company, template(company, Look(logo="COMPANY"), name="会社"))
    for_account(company, rented, template(company))
    company.on("2026-05-01")
    invoice = bill(company)
    assert invoice.snapshot["look"] == {
        "language": "en",
        "logo": "SAKURA RENTAL",
        "note": "Thank you.\nCall us any time.",
        "unit_price": True,
        "details": True,
    }
    assert sealed(invoice.snapshot) == invoice.snapshot_sha256
    text = written(draw(invoice.snapshot))
    for words in (
        "Invoice",
        "SAKURA RENTAL",
        "16 Apr 2026 – 30 Apr 2026",
        "Due on",
        "Thank you. Call us any time.",
        "Registration No. T9000000000000",
        "¥9,800 × 1 × 15 days ÷ 30 days = ¥4,900",
    ):
        assert words in text
    for words in ("請求書", "御中", "COMPANY"):
        assert words not in text


def test_the_company_has_a_look_of_its_own(company: Story, rented: InService) -> None:
    for_company(company, template(company, Look(logo="FIRST"), name="一"))
    for_company(company, template(company, Look(logo="SECOND"), name="二"))
    company.on("2026-05-01")
    assert bill(company).snapshot["look"]["logo"] == "SECOND"
    for_company(company, None)
    company.on("2026-06-01")
    assert "look" not in bill(company, "2026-05-31").snapshot


def test_what_was_issued_keeps_its_look_to_the_byte(company: Story, rented: InService) -> None:
    chosen = template(company)
    for_account(company, rented, chosen)
    company.on("2026-05-01")
    invoice = bill(company)
    with company.begin() as uow:
        change_template(uow, chosen, name="日本語", look=Look(logo="ANOTHER"), version=1)
    with company.reading() as session:
        kept = session.get_one(Invoice, invoice.id)
        assert kept.document
        assert company.runtime.files.get(kept.document.sha256) == draw(kept.snapshot)
        assert "SAKURA RENTAL" in written(draw(kept.snapshot))


def test_columns_that_nobody_wants_are_left_out(company: Story, rented: InService) -> None:
    bare = Look(has_unit_price=False, has_details=False)
    for_account(company, rented, template(company, bare))
    company.on("2026-05-01")
    text = written(draw(bill(company).snapshot))
    assert "月額単価" not in text
    assert rented.contract_number not in text
    assert "9,800円 × 1台 × 15日 ÷ 30日 = 4,900円" in text


# What says that money arrived; they look as they come with the product.
ABOUT_MONEY = {PaperKind.RECEIPT, PaperKind.DEPOSIT_RECEIPT}


def test_every_other_document_has_the_look_too(company: Story, rented: InService) -> None:
    for_account(company, rented, template(company, Look(PaperLanguage.BOTH, logo="SAKURA")))
    company.on("2026-05-01")
    invoice = bill(company)
    with company.begin() as uow:
        issue_credit_note(
            uow, invoice.id, kind=CreditKind.GOODWILL, reason="お詫び", amounts={1: yen_of(100)}
        )
        issue_delivery_note(uow, uow.session.scalars(select(WorkOrder.id)).one())
        uow.session.get_one(BillingAccount, rented.account_id).name = "喫茶みどり 本部"
        uow.session.flush()
        reissue_invoice(uow, invoice.id, reason="宛名の誤り")
    company.everything_happens()
    with company.reading() as session:
        texts = {
            document.kind: written(draw_issued(session, document.id))
            for document in session.scalars(select(Document))
        }
    assert {kind for kind, text in texts.items() if "SAKURA" in text} == set(PaperKind) - ABOUT_MONEY
    assert "返 還 請 求 書 Credit note" in texts[PaperKind.CREDIT_NOTE]
    assert "納 品 書 Delivery note" in texts[PaperKind.DELIVERY_NOTE]


def test_a_correction_looks_as_documents_look_now(company: Story, rented: InService) -> None:
    for_account(company, rented, template(company))
    company.on("2026-05-01")
    invoice = bill(company)
    for_account(company, rented, None)
    with company.begin() as uow:
        uow.session.get_one(BillingAccount, rented.account_id).name = "喫茶みどり 本部"
        uow.session.flush()
        document_id = reissue_invoice(uow, invoice.id, reason="宛名の誤り").id
    with company.reading() as session:
        assert "訂正理由 宛名の誤り" in written(draw_issued(session, document_id))


@pytest.mark.parametrize(
    ("name", "look", "refusal"),
    [
        ("", ENGLISH, Missing),
        ("名" * 61, ENGLISH, TooLong),
        ("英語", ENGLISH, NameTaken),
        ("別", Look(logo="字" * 41), TooLong),
        ("別", Look(note="字" * 401), TooLong),
        ("別", Look(note="\n".join("1234567")), TooManyLines),
    ],
)
def test_a_template_that_cannot_be_is_refused(
    company: Story, name: str, look: Look, refusal: type[DomainError]
) -> None:
    template(company)
    before = rows_of(company.app)
    with pytest.raises(refusal):
        template(company, look, name=name)
    assert rows_of(company.app) == before


def test_two_who_change_a_template_do_not_undo_each_other(company: Story) -> None:
    template_id = template(company)
    with company.begin() as uow:
        change_template(uow, template_id, name="英語", look=Look(logo="A"), version=1)
    with pytest.raises(ChangedMeanwhile), company.begin() as uow:
        change_template(uow, template_id, name="英語", look=Look(logo="B"), version=1)
    with company.reading() as session:
        assert session.get_one(DocumentTemplate, template_id).logo == "A"


@pytest.mark.parametrize("language", PaperLanguage)
def test_a_sample_shows_the_look(company: Story, language: PaperLanguage) -> None:
    with company.reading() as session:
        pdf = draw_sample(session, Look(language, logo="SAKURA"), today=date(2026, 4, 16))
        assert pdf == draw_sample(session, Look(language, logo="SAKURA"), today=date(2026, 4, 16))
    text = written(pdf)
    assert "SAKURA" in text
    assert ("Invoice" in text, "請求書" in text) == {
        PaperLanguage.JAPANESE: (False, True),
        PaperLanguage.ENGLISH: (True, False),
        PaperLanguage.BOTH: (True, True),
    }[language]
