"""Prices agreed with an account may hold the tax (税込): so do its documents, and the books do not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import select

from rental.billing.agreements import agree_terms
from rental.billing.book_models import JournalLine, RevenueMonth
from rental.billing.closing_months import close_month
from rental.billing.credit_models import CreditNote, RevenueCorrection
from rental.billing.credit_notes import issue_credit_note
from rental.billing.documents import draw
from rental.billing.models import RecurringMovement
from rental.billing.previews import foresee_closing
from rental.billing.recurring_revenue import write_movements
from rental.billing.rules.credits import CreditKind
from rental.catalog.models import RatePlan, RatePlanVersion
from rental.catalog.rules import AnchorKind, TaxClass, Timing
from rental.changes.revisions import Revision, foresee_revision, revise_contract
from rental.changes.rules import PricesHoldTax
from rental.contracts.agreeing import Terms
from rental.contracts.drafting import FeeWithTaxNeeded, add_line, draft_contract
from rental.contracts.models import Contract, Line
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.customers.models import BillingAccount, Site
from rental.customers.rules import PriceMode
from tests.domain.test_checks import red
from tests.domain.test_money_checks import a_line_and_its_tax_grown
from tests.factories.billed import Rented, close, invoices_of, machines_in_service, make_issuer
from tests.support.beginnings import Once
from tests.support.story import Story

APRIL = date(2026, 4, 30)


@pytest.fixture
def company(story: Story, once: Once) -> Story:
    """A quarter for 9,900 yen at 10 % and half a month for 645 at 8 % are due, tax in them; it is 5 May."""
    once(rent_with_tax)
    return story


def rent_with_tax(story: Story) -> None:
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-04-16")
    ahead = Terms(timing=Timing.ADVANCE, anchor=AnchorKind.ANNIVERSARY, months=3)

    def agree(uow: UnitOfWork, line_id: UUID) -> None:
        if uow.session.get_one(Line, line_id).position == 1:
            agree_terms(uow, line_id, ahead)

    machines_in_service(
        story,
        Rented(3300),
        Rented(1290, tax_class=TaxClass.REDUCED),
        price_mode=PriceMode.INCLUSIVE,
        agree=agree,
    )
    story.on("2026-05-05")


def bill(story: Story) -> None:
    close(story, "2026-04-30")


def credit(story: Story, amounts: Mapping[int, int] | None = None) -> CreditNote:
    (invoice,) = invoices_of(story)
    asked = None if amounts is None else {position: Money(amount) for position, amount in amounts.items()}
    with story.begin() as uow:
        note = issue_credit_note(
            uow,
            invoice.id,
            kind=CreditKind.PRICE_REDUCTION,
            reason="故障のため",
            amounts=asked,
            has_document=not asked,
        )
    story.everything_happens()
    return note


def is_all_well(story: Story) -> bool:
    """No check finds anything, save that the audit log waits for its seals."""
    return red(story).keys() <= {"P4b"}


def postings(story: Story) -> list[tuple[str, str, int, int]]:
    """Debit, credit, yen and rate of all that was booked, in the order of their names."""
    with story.reading() as session:
        rows = session.scalars(select(JournalLine)).all()
    return sorted((row.debit.value, row.credit.value, row.amount.minor_units, row.rate_bp) for row in rows)


def still_earned(story: Story) -> dict[str, int]:
    """What is left of each month of both lines together."""
    found: dict[str, int] = {}
    with story.reading() as session:
        for kind in (RevenueMonth, RevenueCorrection):
            for month, amount in session.execute(select(kind.month, kind.amount)):
                found[f"{month:%m}"] = found.get(f"{month:%m}", 0) + amount.minor_units
    return found


def test_the_invoice_asks_for_the_prices_as_they_were_agreed(company: Story) -> None:
    with company.reading() as session:
        foreseen = foresee_closing(session, APRIL, today=date(2026, 5, 5))
    bill(company)
    (invoice,) = invoices_of(company)
    assert invoice.price_mode is PriceMode.INCLUSIVE
    assert [line.amount.minor_units for line in invoice.lines] == [9900, 645]
    # 900 of 9,900 and 47 of 645, each rounded down once
    assert [each.minor_units for each in (invoice.subtotal, invoice.tax, invoice.total)] == [9598, 947, 10545]
    assert foreseen.total == invoice.total
    assert is_all_well(company)

    (page,) = pypdfium2.PdfDocument(draw(invoice.snapshot))
    words = "".join(page.get_textpage().get_text_range().split())
    for said in ("金額（税込）", "対価（税込）", "うち消費税額", "¥9,900", "¥900", "¥645", "¥47", "¥10,545"):
        assert said in words
    assert "税抜" not in words


def test_the_books_have_them_without_the_tax(company: Story) -> None:
    bill(company)
    assert postings(company) == [
        ("receivable", "contract_liability", 9000, 1000),
        ("receivable", "sales", 598, 800),
        ("receivable", "tax_received", 47, 800),
        ("receivable", "tax_received", 900, 1000),
    ]
    months = still_earned(company)
    assert list(months) == ["04", "05", "06", "07"]
    assert sum(months.values()) == 9598
    with company.begin("clerk") as uow:
        close_month(uow, date(2026, 4, 1))
    (sale,) = [row for row in postings(company) if row[0] == "contract_liability"]
    assert sale == ("contract_liability", "sales", months["04"] - 598, 1000)
    assert is_all_well(company)


def test_credits_take_back_tax_and_net_to_the_last_yen(company: Story) -> None:
    bill(company)
    some = credit(company, {1: 5000, 2: 100})
    # 454 of 5,000 and 7 of 100
    assert [each.minor_units for each in (some.subtotal, some.tax, some.total)] == [4639, 461, 5100]
    # in the books the lines give 4,545 and 92, two yen less than the note says; May's sales bear them
    assert sum(still_earned(company).values()) == 9598 - 4639 + 2
    assert is_all_well(company)
    rest = credit(company)
    assert [each.minor_units for each in (rest.subtotal, rest.tax, rest.total)] == [4959, 486, 5445]
    assert sum(still_earned(company).values()) == 0
    assert is_all_well(company)
    company.on("2026-08-03")
    with company.begin("clerk") as uow:
        close_month(uow, date(2026, 7, 1))
    owed: dict[str, int] = {}
    for debit, credited, amount, _rate in postings(company):
        owed[debit] = owed.get(debit, 0) + amount
        owed[credited] = owed.get(credited, 0) - amount
    # what April earned became a sale when it was closed, and May bears that it was none
    assert {name: amount for name, amount in owed.items() if amount} == {}
    assert "M10" not in red(company)


def test_a_line_taken_back_whole_leaves_nothing_of_it(story: Story) -> None:
    """Twice 9,800 with tax: the lines have 8,910 and 8,909 in the books, and a note for either says 8,910."""
    with story.begin() as uow:
        make_issuer(uow)
    machines_in_service(story, Rented(9800), Rented(9800), price_mode=PriceMode.INCLUSIVE)
    story.on("2026-05-01")
    bill(story)
    note = credit(story, {2: 9800})
    assert [each.minor_units for each in (note.subtotal, note.tax)] == [8910, 890]
    assert still_earned(story) == {"04": 8910 + 8909, "05": -8909}
    assert is_all_well(story)
    rest = credit(story)
    assert [each.minor_units for each in (rest.subtotal, rest.tax)] == [8909, 891]
    assert sum(still_earned(story).values()) == 0
    sales = [
        (amount, debit) for debit, credited, amount, _rate in postings(story) if "sales" in (debit, credited)
    ]
    assert sorted(sales) == [(8909, "sales"), (8910, "sales"), (17819, "receivable")]
    assert is_all_well(story)


def test_an_invoice_that_does_not_add_up_is_found(company: Story) -> None:
    bill(company)
    with company.begin() as uow:
        a_line_and_its_tax_grown(uow.session)
    assert "M1" in red(company)


def test_recurring_revenue_is_without_tax(company: Story) -> None:
    with company.begin() as uow:
        write_movements(uow, until=date(2026, 5, 1))
    with company.reading() as session:
        assert sorted(session.scalars(select(RecurringMovement.amount))) == [Money(1194), Money(3000)]


def test_a_fee_with_tax_is_said_not_taken_from_the_plan(company: Story) -> None:
    with company.begin() as uow:
        account = uow.session.scalars(select(BillingAccount)).one()
        site = uow.session.scalars(select(Site)).one()
        version = uow.session.scalars(select(RatePlanVersion).limit(1)).one()
        draft = draft_contract(uow, account.customer_id, account.id, months=24, wanted_on=uow.today)
        add = partial(add_line, uow, draft.id, rate_plan_version_id=version.id, site_id=site.id, quantity=1)
        with pytest.raises(FeeWithTaxNeeded):
            add()
        assert add(monthly_fee=Money(3300)).monthly_fee == Money(3300)


def test_a_general_revision_leaves_it_to_the_contracts_own_page(company: Story) -> None:
    with company.reading() as session:
        contract = session.scalars(select(Contract)).one()
        plan_id = session.scalars(
            select(RatePlan.id).join(RatePlanVersion).where(RatePlanVersion.monthly_fee == Money(3300))
        ).one()
        revision = Revision(plan_id, Money(3500), date(2026, 6, 1))
        (listed,) = foresee_revision(session, revision, today=date(2026, 5, 5), limit=10).contracts
        same = replace(revision, fee=Money(3300))
        assert foresee_revision(session, same, today=date(2026, 5, 5), limit=10).contracts == []
    assert isinstance(listed.problem, PricesHoldTax)
    assert not listed.is_open
    with pytest.raises(PricesHoldTax), company.begin() as uow:
        revise_contract(uow, contract.id, revision, reason="改定")
