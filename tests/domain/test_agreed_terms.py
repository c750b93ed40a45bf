"""What is agreed beyond a plain rent, from the machine in service to the invoice, through the database."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.billing.agreements import agree_cost, agree_terms
from rental.billing.documents import draw
from rental.billing.models import BilledSegment, BilledSpan, BillingClaim, BillingSchedule
from rental.billing.rules.agreed import NEVER
from rental.billing.rules.charges import ChargeKind
from rental.billing.rules.runs import ItemState
from rental.billing.schedules import make_due
from rental.catalog.rules import AnchorKind, Cost, Proration, StubPolicy, TaxClass, Timing
from rental.contracts.agreeing import Terms, agree_discount
from rental.contracts.drafting import NotADraft
from rental.contracts.models import Line, LineEvent, OneOff, Slot
from rental.contracts.placements import end_slot
from rental.contracts.rules import EndsBeforeStart, LineEventKind, SlotState
from rental.core.ids import new_id
from rental.core.money import Money, yen_of
from rental.core.uow import UnitOfWork
from tests.factories.billed import (
    InService,
    Rented,
    close,
    invoices_of,
    items_of,
    machines_in_service,
    make_issuer,
)
from tests.support.story import Story

Agree = Callable[[UnitOfWork, UUID], object]


@pytest.fixture
def company(story: Story) -> Story:
    """A company that may issue invoices."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


def rented(story: Story, fee: int, agree: Agree, *, machines: int = 1, closing_day: int = 31) -> InService:
    """A line with these terms, its machines installed today."""
    return machines_in_service(story, Rented(fee, machines), closing_day=closing_day, agree=agree)


def terms(**said: object) -> Agree:
    return lambda uow, line_id: agree_terms(uow, line_id, Terms(**said))  # type: ignore[arg-type]


def asked(story: Story) -> list[list[tuple[str, str, int]]]:
    """Of each invoice what each line asks for, with its first and last day."""
    return [
        [(str(line.service_start), str(line.last_on), line.amount.minor_units) for line in invoice.lines]
        for invoice in invoices_of(story)
    ]


def slots_of(story: Story, contract: InService) -> list[UUID]:
    with story.reading() as session:
        rows = session.scalars(
            select(Slot.id).join(Line).where(Line.contract_id == contract.contract_id).order_by(Slot.position)
        )
        return list(rows)


def bring_back(story: Story, slot_id: UUID, day: str) -> None:
    with story.begin("technician") as uow:
        end_slot(uow, slot_id, retrieved_on=date.fromisoformat(day), source="work_order", source_id=new_id())
    story.everything_happens()


def test_in_advance_the_first_invoice_asks_for_the_stub_and_the_next_month(company: Story) -> None:
    company.on("2026-04-16")
    rented(company, 3000, terms(timing=Timing.ADVANCE))
    company.on("2026-05-31")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    assert asked(company) == [
        [("2026-04-16", "2026-04-30", 1500), ("2026-05-01", "2026-05-31", 3000)],
        [("2026-06-01", "2026-06-30", 3000)],
    ]
    with company.reading() as session:
        (schedule,) = session.scalars(select(BillingSchedule)).all()
    assert (schedule.billed_through, schedule.next_due_on) == (date(2026, 6, 1), date(2026, 7, 1))


def test_a_quarter_from_the_day_of_installation_is_asked_for_when_it_is_over(company: Story) -> None:
    company.on("2026-04-10")
    rented(company, 3000, terms(anchor=AnchorKind.ANNIVERSARY, months=3))
    for closed_on in ("2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"):
        company.on(closed_on)
        close(company, closed_on)
    assert asked(company) == [[("2026-04-10", "2026-07-09", 9000)]]
    (invoice,) = invoices_of(company)
    assert invoice.lines[0].formula["months"] == 3
    assert draw(invoice.snapshot).startswith(b"%PDF")


def test_what_was_asked_for_before_the_first_period_is_over_is_not_asked_for_again(company: Story) -> None:
    def agree(uow: UnitOfWork, line_id: UUID) -> None:
        agree_terms(uow, line_id, Terms(anchor=AnchorKind.ANNIVERSARY, months=3))
        agree_cost(uow, line_id, Cost.INITIAL, unit_price=5000)

    company.on("2026-04-10")
    contract = rented(company, 3000, agree)
    for closed_on in ("2026-04-30", "2026-07-31"):
        company.on(closed_on)
        run = close(company, closed_on)
    assert items_of(company, run)[contract.account_id] == (ItemState.DONE, None)
    assert asked(company) == [[("2026-04-10", "2026-04-10", 5000)], [("2026-04-10", "2026-07-09", 9000)]]


def test_by_the_week_and_by_the_day_of_the_month(company: Story) -> None:
    company.on("2026-04-10")
    rented(company, 700, terms(anchor=AnchorKind.ANNIVERSARY, period_days=7))
    rented(company, 3000, terms(anchor=AnchorKind.FIXED_DAY, anchored_on=date(2026, 1, 15)))
    company.on("2026-04-30")
    close(company, "2026-04-30")
    assert asked(company) == [
        [(f"2026-04-{start}", f"2026-04-{start + 6}", 700) for start in (10, 17, 24)],
        [("2026-04-10", "2026-04-14", 483)],
    ]


def test_a_stub_waits_for_the_next_period_or_is_free(company: Story) -> None:
    company.on("2026-04-16")
    rented(company, 3000, terms(stub=StubPolicy.MERGE_NEXT))
    rented(company, 3000, terms(stub=StubPolicy.FREE))
    company.on("2026-05-31")
    close(company, "2026-04-30")
    assert asked(company) == []
    close(company, "2026-05-31")
    assert asked(company) == [
        [("2026-04-16", "2026-04-30", 1500), ("2026-05-01", "2026-05-31", 3000)],
        [("2026-05-01", "2026-05-31", 3000)],
    ]


def test_a_discount_is_a_line_of_its_own_for_as_long_as_it_was_agreed(company: Story) -> None:
    company.on("2026-04-01")

    def agree(uow: UnitOfWork, line_id: UUID) -> None:
        agree_discount(uow, line_id, name="開店祝い", basis_points=1000, periods=1)

    rented(company, 3333, agree, machines=2)
    company.on("2026-05-31")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    first, second = invoices_of(company)
    assert [(line.amount.minor_units, line.description.get("name")) for line in first.lines] == [
        (6666, None),
        (-666, "開店祝い"),
    ]
    assert [line.amount for line in second.lines] == [yen_of(6666)]
    assert draw(first.snapshot).startswith(b"%PDF")
    with company.reading() as session:
        spans = session.scalars(select(BilledSpan)).all()
        assert len(spans) == 4, "a discount holds no days of its own"
    close(company, "2026-05-31")
    assert len(invoices_of(company)) == 2


def test_a_unit_that_comes_back_is_billed_until_that_day_and_the_line_is_done(company: Story) -> None:
    company.on("2026-04-01")
    contract = rented(company, 3000, terms(timing=Timing.ADVANCE), machines=2)
    company.on("2026-04-30")
    close(company, "2026-04-30")
    one, other = slots_of(company, contract)
    company.on("2026-05-10")
    bring_back(company, one, "2026-05-10")
    company.on("2026-05-31")
    close(company, "2026-05-31")
    assert asked(company) == [
        [("2026-04-01", "2026-04-30", 6000), ("2026-05-01", "2026-05-31", 6000)],
        [("2026-05-01", "2026-05-31", -2033), ("2026-06-01", "2026-06-30", 3000)],
    ]
    bring_back(company, other, "2026-05-31")
    company.on("2026-07-31")
    run = close(company, "2026-06-30")
    assert items_of(company, run)[contract.account_id][1] == "billing.negative_total"
    with company.reading() as session:
        assert set(session.scalars(select(Slot.state))) == {SlotState.CLOSED}


def test_in_arrears_a_line_that_ended_is_looked_at_no_more(company: Story) -> None:
    company.on("2026-04-01")
    contract = machines_in_service(company, Rented(3000))
    (slot,) = slots_of(company, contract)
    company.on("2026-04-15")
    bring_back(company, slot, "2026-04-15")
    company.on("2026-04-30")
    close(company, "2026-04-30")
    assert asked(company) == [[("2026-04-01", "2026-04-15", 1500)]]
    with company.reading() as session:
        assert session.scalars(select(BillingSchedule.next_due_on)).one() == NEVER


def test_a_unit_cannot_come_back_before_it_was_there(company: Story) -> None:
    company.on("2026-04-10")
    contract = machines_in_service(company, Rented(3000))
    (slot,) = slots_of(company, contract)
    with pytest.raises(EndsBeforeStart):
        bring_back(company, slot, "2026-04-09")
    assert company.count(LineEvent) == 1


def test_the_last_month_is_whole_where_it_was_agreed(company: Story) -> None:
    company.on("2026-04-16")
    contract = rented(company, 3000, terms(stop_proration=Proration.FULL))
    (slot,) = slots_of(company, contract)
    company.on("2026-05-31")
    bring_back(company, slot, "2026-05-10")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    assert asked(company) == [[("2026-04-16", "2026-04-30", 1500)], [("2026-05-01", "2026-05-10", 3000)]]


def test_what_happens_once_is_billed_once_and_by_its_own_tax(company: Story) -> None:
    company.on("2026-04-16")

    def agree(uow: UnitOfWork, line_id: UUID) -> None:
        for cost, yen in ((Cost.INITIAL, 5000), (Cost.DELIVERY, 1200), (Cost.REMOVAL, 800)):
            tax_class = TaxClass.OUT_OF_SCOPE if cost is Cost.INITIAL else TaxClass.STANDARD
            agree_cost(uow, line_id, cost, unit_price=yen, tax_class=tax_class)

    contract = rented(company, 3000, agree, machines=2)
    company.on("2026-05-31")
    one, _other = slots_of(company, contract)
    bring_back(company, one, "2026-05-20")
    close(company, "2026-04-30")
    close(company, "2026-05-31")
    first, second = invoices_of(company)
    assert [
        (line.description.get("name"), line.quantity, line.amount.minor_units) for line in first.lines
    ] == [
        (None, 2, 3000),
        ("delivery", 2, 2400),
        ("initial", 1, 5000),
    ]
    assert first.tax == yen_of(540)
    assert [(line.description.get("name"), line.amount.minor_units) for line in second.lines] == [
        (None, 1935),
        (None, 3000),
        ("removal", 800),
    ]
    assert draw(second.snapshot).startswith(b"%PDF")
    with company.reading() as session:
        kinds = session.execute(select(BillingClaim.kind, BillingClaim.period_start)).all()
    assert (ChargeKind.ONE_OFF, date(2026, 4, 16)) in [tuple(each) for each in kinds]
    close(company, "2026-05-31")
    assert len(invoices_of(company)) == 2


def test_a_history_that_cannot_be_parks_its_account_with_the_reason(company: Story) -> None:
    company.on("2026-04-01")
    contract = machines_in_service(company, Rented(3000))
    with company.begin() as uow:
        line = uow.session.scalars(select(Line)).one()
        uow.session.add(
            LineEvent(
                contract_line_id=line.id,
                effective_on=date(2026, 4, 10),
                seq=1,
                kind=LineEventKind.QUANTITY,
                value=2,
                source="test",
                recorded_at=uow.now,
            )
        )
    company.on("2026-04-30")
    run = close(company, "2026-04-30")
    assert items_of(company, run)[contract.account_id][1] == "billing.not_ratable"


def test_a_contract_in_force_is_not_agreed_anew(company: Story) -> None:
    machines_in_service(company, Rented(3000))
    with company.begin() as uow:
        line = uow.session.scalars(select(Line)).one()
        with pytest.raises(NotADraft):
            agree_terms(uow, line.id, Terms(timing=Timing.ADVANCE))
        with pytest.raises(NotADraft):
            agree_discount(uow, line.id, name="祝", amount=Money(100))


def test_a_plain_charge_is_written_as_before(company: Story) -> None:
    machines_in_service(company, Rented(3000))
    company.on("2026-04-30")
    close(company, "2026-04-30")
    (invoice,) = invoices_of(company)
    assert set(invoice.snapshot["lines"][0]["formula"]) == {
        "start", "last", "full", "days", "of", "amount", "billed", "remaining",
    }  # fmt: skip
    with company.reading() as session:
        (segment,) = session.scalars(select(BilledSegment)).all()
    assert (segment.units, segment.discount, segment.about, segment.slots) == (1, "", "", None)


def test_a_cost_taken_back_after_it_was_billed_is_credited_on_a_line_that_is_plain_again(
    company: Story,
) -> None:
    machines_in_service(
        company,
        Rented(3000),
        agree=lambda uow, line_id: agree_cost(uow, line_id, Cost.DELIVERY, unit_price=1200),
    )
    company.on("2026-05-31")
    close(company, "2026-04-30")
    with company.begin("clerk") as uow:
        cost = uow.session.scalars(select(OneOff)).one()
        uow.session.add(
            OneOff(
                contract_line_id=cost.contract_line_id,
                happened_on=cost.happened_on,
                cost=cost.cost,
                unit_price_millionths=0,
                quantity=0,
                tax_class=cost.tax_class,
                replaces_id=cost.id,
                source="test",
                source_id=new_id(),
                recorded_at=uow.now,
            )
        )
        make_due(uow, {cost.contract_line_id: cost.happened_on})
    close(company, "2026-05-31")
    assert asked(company) == [
        [("2026-04-01", "2026-04-30", 3000), ("2026-04-01", "2026-04-01", 1200)],
        [("2026-05-01", "2026-05-31", 3000), ("2026-04-01", "2026-04-01", -1200)],
    ]
