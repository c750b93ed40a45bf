"""What is agreed anew is shown first, recorded once, and billed as it was shown."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select

from rental.billing.agreements import agree_terms
from rental.billing.models import BilledSpan, BillingClaim
from rental.billing.recurring_revenue import revenue_by_month, write_movements
from rental.billing.rules.amendments import Effect, Pause
from rental.billing.rules.refusals import NotBillable, Reason
from rental.catalog.rules import AnchorKind, StopPolicy, TaxClass, Timing
from rental.changes.amendments import add_option, amend, amendments_of, extensions_of, hold_contract
from rental.changes.foresight import Foreseen, foresee
from rental.changes.line_books import ContractBook, contract_book
from rental.changes.models import Amendment
from rental.changes.plans import (
    Plan,
    plan_anchor,
    plan_correction,
    plan_price,
    plan_quantity,
    plan_removal,
    plan_revision,
    plan_suspension,
    plan_termination,
    plan_withdrawal,
)
from rental.changes.rules import (
    AlreadyTerminated,
    LeavingReason,
    NoReason,
    NotInForce,
    StartStays,
    StopStays,
    TooFarBack,
)
from rental.changes.standing_fees import restate_fees
from rental.contracts.agreeing import Terms
from rental.contracts.drafting import draft_contract
from rental.contracts.models import Contract, Line, LineEvent, Slot
from rental.contracts.placements import end_slot
from rental.core.ids import new_id
from rental.core.money import Money, yen_of
from rental.core.uow import UnitOfWork
from rental.inventory.reservations import NotEnoughStock
from tests.factories.billed import (
    InService,
    Rented,
    close,
    install_by_scan,
    invoices_of,
    machines_in_service,
    make_issuer,
    technician_of,
)
from tests.factories.rented import make_customer, stock
from tests.support.story import Story
from tests.web.company import rows_of

Planned = Callable[[ContractBook, UUID, date], Plan]


class Agreed(NamedTuple):
    """A contract with one line."""

    story: Story
    contract: InService
    line_id: UUID
    slot_ids: list[UUID]

    def foresees(self, planned: Planned) -> Foreseen:
        with self.story.reading() as session:
            book, today = contract_book(session, self.contract.contract_id), self.story.clock.now().date()
            return foresee(session, book, planned(book, self.line_id, today), today=today)

    def amends(self, planned: Planned, *, reason: str = "customer asked by telephone") -> None:
        with self.story.begin("clerk") as uow:
            hold_contract(uow, self.contract.contract_id)
            book = contract_book(uow.session, self.contract.contract_id)
            amend(uow, planned(book, self.line_id, uow.today), reason=reason)
        self.story.everything_happens()

    def comes_back(self, uow: UnitOfWork, day: str) -> None:
        """The machine of the first slot is fetched."""
        (slot_id, *_), order_id = self.slot_ids, new_id()
        end_slot(uow, slot_id, retrieved_on=on(day), source="work_order", source_id=order_id)

    def fee(self) -> Money:
        """What lists say of the contract."""
        with self.story.reading() as session:
            return session.get_one(Contract, self.contract.contract_id).monthly_fee

    def night_passes(self) -> None:
        with self.story.begin() as uow:
            restate_fees(uow)

    def said(self) -> list[list[tuple[str, str, int]]]:
        """What each invoice asks for, by the days."""
        return [
            [(str(line.service_start), str(line.last_on), line.amount.minor_units) for line in invoice.lines]
            for invoice in invoices_of(self.story)
        ]

    def events(self) -> list[tuple[date, int, str, int | None]]:
        with self.story.reading() as session:
            rows = session.scalars(select(LineEvent).order_by(LineEvent.effective_on, LineEvent.seq))
            return [(row.effective_on, row.seq, row.kind.value, row.value) for row in rows]


def on(day: str) -> date:
    return date.fromisoformat(day)


@pytest.fixture
def company(story: Story) -> Story:
    """A company that may issue invoices."""
    with story.begin() as uow:
        make_issuer(uow)
    return story


def agreed(
    company: Story,
    fee: int = 3000,
    *,
    machines: int = 1,
    terms: Terms | None = None,
    stop: StopPolicy = StopPolicy.RETRIEVAL,
) -> Agreed:
    contract = machines_in_service(
        company,
        Rented(fee, machines),
        agree=(lambda uow, line_id: agree_terms(uow, line_id, terms)) if terms else None,
        stop=stop,
    )
    with company.reading() as session:
        line = session.scalars(select(Line).where(Line.contract_id == contract.contract_id)).one()
        slots = session.scalars(
            select(Slot.id).where(Slot.contract_line_id == line.id).order_by(Slot.position)
        ).all()
    return Agreed(company, contract, line.id, list(slots))


def price(fee: int, day: str, effect: Effect | None = None) -> Planned:
    return lambda book, line_id, today: plan_price(
        book, line_id, yen_of(fee), agreed_for=on(day), today=today, effect=effect
    )


# prices


def test_an_upgrade_counts_at_once_and_is_billed_as_it_was_foreseen(company: Story) -> None:
    line = agreed(company)
    company.on("2026-04-30")
    close(company, "2026-04-30")
    foreseen = line.foresees(price(6000, "2026-04-16"))
    assert (foreseen.closed_on, foreseen.difference) == (on("2026-04-30"), yen_of(1650))
    line.amends(price(6000, "2026-04-16"))
    close(company, "2026-04-30")
    assert line.said() == [
        [("2026-04-01", "2026-04-30", 3000)],
        [("2026-04-01", "2026-04-30", -1500), ("2026-04-16", "2026-04-30", 3000)],
    ]
    assert [invoice.total for invoice in invoices_of(company)] == [yen_of(3300), foreseen.difference]
    with company.reading() as session:
        assert sorted(session.scalars(select(BillingClaim.generation))) == [0, 1]
        active = select(BilledSpan.start_on, BilledSpan.end_on).where(BilledSpan.is_active)
        assert sorted(tuple(each) for each in session.execute(active)) == [
            (on("2026-04-01"), on("2026-04-16")),
            (on("2026-04-16"), on("2026-05-01")),
        ]
    close(company, "2026-04-30")
    assert len(line.said()) == 2


def test_a_downgrade_waits_for_the_next_period(company: Story) -> None:
    line = agreed(company)
    line.amends(price(1000, "2026-04-16"))
    company.on("2026-05-31")
    for closed_on in ("2026-04-30", "2026-05-31"):
        close(company, closed_on)
    assert [[amount for *_, amount in invoice] for invoice in line.said()] == [[3000], [1000]]


def test_a_downgrade_billed_in_advance_is_credited_with_the_next_invoice(company: Story) -> None:
    line = agreed(company, terms=Terms(timing=Timing.ADVANCE))
    company.on("2026-04-30")
    close(company, "2026-04-30")
    line.amends(price(2000, "2026-05-16", Effect.IMMEDIATE))
    company.on("2026-05-31")
    close(company, "2026-05-31")
    assert line.said()[1] == [
        ("2026-05-01", "2026-05-31", -1549),
        ("2026-05-16", "2026-05-31", 1032),
        ("2026-06-01", "2026-06-30", 2000),
    ]


def test_full_immediately_credits_nothing_and_begins_a_new_period(company: Story) -> None:
    line = agreed(company, terms=Terms(timing=Timing.ADVANCE))
    company.on("2026-04-30")
    close(company, "2026-04-30")
    line.amends(price(6000, "2026-05-16", Effect.FULL_IMMEDIATELY))
    company.on("2026-06-30")
    for closed_on in ("2026-05-31", "2026-06-30"):
        close(company, closed_on)
    first, second, third = line.said()
    assert sum(amount for *_, amount in first) == 6000
    assert sum(amount for start, _, amount in second if start < "2026-05-16") == 0
    assert second[-1] == ("2026-05-16", "2026-06-15", 6000)
    assert third == [("2026-06-16", "2026-07-15", 6000)]


def test_a_revision_leaves_lines_in_their_minimum_term_alone(company: Story) -> None:
    line = agreed(company)

    def revised(day: str) -> Planned:
        return lambda book, line_id, today: plan_revision(
            book, {line_id: yen_of(3300)}, effective_on=on(day), today=today
        )

    line.amends(revised("2027-02-15"))
    assert line.events() == [(on("2026-04-01"), 1, "start", None)]
    line.amends(revised("2027-04-15"))
    assert line.events()[1:] == [(on("2027-05-01"), 1, "price", 3300)]
    with company.reading() as session:
        assert [each.said["revised"] for each in amendments_of(session, line.contract.contract_id)] == [
            [str(line.line_id)],
            [],
        ]


# quantity, pauses, removal


def test_units_of_a_bulk_slot_change_inside_a_month(company: Story) -> None:
    line = agreed(company)
    line.amends(
        lambda book, line_id, today: plan_quantity(
            book, line_id, line.slot_ids[0], 10, agreed_for=on("2026-04-16"), today=today
        )
    )
    company.on("2026-04-30")
    close(company, "2026-04-30")
    assert line.said() == [[("2026-04-01", "2026-04-15", 1500), ("2026-04-16", "2026-04-30", 15000)]]
    close(company, "2026-04-30")
    assert len(line.said()) == 1


def pause(first: str, until: str, *, extends: bool = False) -> Planned:
    return lambda book, line_id, today: plan_suspension(
        book, line_id, Pause(on(first), on(until), extends), today=today
    )


def test_a_pause_of_a_billed_month_is_given_back(company: Story) -> None:
    line = agreed(company, machines=2)
    company.on("2026-05-31")
    close(company, "2026-04-30")
    line.amends(pause("2026-04-11", "2026-04-21"))
    close(company, "2026-05-31")
    assert line.said()[1] == [
        ("2026-04-01", "2026-04-30", -2000),
        ("2026-05-01", "2026-05-31", 6000),
    ]


def test_recurring_revenue_follows_what_was_amended(company: Story) -> None:
    line = agreed(company)
    company.on("2026-05-20")
    line.amends(price(6000, "2026-05-16", Effect.IMMEDIATE))
    company.on("2026-06-20")
    line.amends(pause("2026-06-10", "2026-07-10"))
    with company.begin() as uow:
        write_movements(uow, until=on("2026-08-01"))
    with company.reading() as session:
        months = [(str(each.month), each.change, each.revenue) for each in revenue_by_month(session)]
    assert months == [
        ("2026-07-01", yen_of(6000), yen_of(6000)),
        ("2026-06-01", yen_of(-6000), yen_of(0)),
        ("2026-05-01", yen_of(3000), yen_of(6000)),
        ("2026-04-01", yen_of(3000), yen_of(3000)),
    ]


def test_a_pause_inside_a_pause_is_refused_and_nothing_is_kept(company: Story) -> None:
    line = agreed(company)
    line.amends(pause("2026-04-11", "2026-04-21"))
    before, slot_id = rows_of(company.app), line.slot_ids[0]
    with pytest.raises(NotBillable) as refused:
        line.amends(
            lambda book, line_id, today: plan_suspension(
                book,
                line_id,
                Pause(on("2026-04-15"), on("2026-04-18")),
                today=today,
                slot_id=slot_id,
            )
        )
    assert (refused.value.field, refused.value.params["reason"]) == ("effective_on", Reason.ALREADY_PAUSED)
    assert rows_of(company.app) == before


def test_a_line_that_is_removed_ends_and_its_unit_may_come_back_later(company: Story) -> None:
    line = agreed(company)
    remove: Planned = lambda book, line_id, today: plan_removal(  # noqa: E731
        book, line_id, agreed_for=on("2026-04-16"), today=today
    )
    line.amends(remove)
    with pytest.raises(NotBillable):
        line.amends(remove)
    with company.begin() as uow:
        end_slot(
            uow, line.slot_ids[0], retrieved_on=on("2026-04-20"), source="work_order", source_id=new_id()
        )
    company.on("2026-04-30")
    close(company, "2026-04-30")
    assert line.said() == [[("2026-04-01", "2026-04-15", 1500)]]


def test_more_machines_are_held_installed_and_billed_from_their_installation(company: Story) -> None:
    line = agreed(company)
    with company.begin() as uow:
        first = uow.session.get_one(Line, line.line_id)
        stock(uow, first.equipment_model, 2)
        version_id, site_id = first.rate_plan_version_id, first.slots[0].site_id
    with company.begin("clerk") as uow:
        hold_contract(uow, line.contract.contract_id)
        add_option(
            uow,
            contract_book(uow.session, line.contract.contract_id),
            rate_plan_version_id=version_id,
            site_id=site_id,
            quantity=2,
            monthly_fee=yen_of(1500),
            reason="two more for the new counter",
        )
    company.everything_happens()
    company.on("2026-04-16")
    with company.begin() as uow:
        install_by_scan(uow, line.contract.contract_id, technician_of(company))
    company.everything_happens()
    company.on("2026-04-30")
    close(company, "2026-04-30")
    assert line.said() == [[("2026-04-01", "2026-04-30", 3000), ("2026-04-16", "2026-04-30", 1500)]]


def test_a_contract_says_the_fee_agreed_for_today(company: Story) -> None:
    line = agreed(company, machines=2)
    assert line.fee() == yen_of(6000)
    line.amends(price(5000, "2026-04-16"))
    assert line.fee() == yen_of(6000)
    company.on("2026-04-15")
    line.night_passes()
    assert line.fee() == yen_of(6000)
    company.on("2026-04-16")
    line.night_passes()
    assert line.fee() == yen_of(10_000)

    with company.begin() as uow:
        first = uow.session.get_one(Line, line.line_id)
        stock(uow, first.equipment_model, 1)
        option = {"rate_plan_version_id": first.rate_plan_version_id, "site_id": first.slots[0].site_id}
    with company.begin("clerk") as uow:
        book = contract_book(uow.session, line.contract.contract_id)
        add_option(uow, book, **option, quantity=1, monthly_fee=yen_of(1500), reason="a third one")
    assert line.fee() == yen_of(11_500)

    line.amends(
        lambda book, line_id, today: plan_removal(book, line_id, agreed_for=on("2026-04-20"), today=today)
    )
    assert line.fee() == yen_of(11_500)
    company.on("2026-04-20")
    line.night_passes()
    assert line.fee() == yen_of(1500)


def test_without_stock_no_more_is_promised(company: Story) -> None:
    line = agreed(company)
    with company.reading() as session:
        first = session.get_one(Line, line.line_id)
        version_id, site_id = first.rate_plan_version_id, first.slots[0].site_id
    before = rows_of(company.app)
    with company.begin("clerk") as uow, pytest.raises(NotEnoughStock), uow.session.begin_nested():
        add_option(
            uow,
            contract_book(uow.session, line.contract.contract_id),
            rate_plan_version_id=version_id,
            site_id=site_id,
            quantity=1,
            reason="one more",
        )
    assert rows_of(company.app) == before


# anchors


def test_periods_are_cut_anew_at_a_boundary_with_a_stub_between(company: Story) -> None:
    line = agreed(company, terms=Terms(anchor=AnchorKind.CALENDAR))

    def cut(day: str) -> Planned:
        return lambda book, line_id, today: plan_anchor(
            book, line_id, AnchorKind.FIXED_DAY, since=on(day), anchored_on=on("2026-01-11"), today=today
        )

    with pytest.raises(NotBillable) as refused:
        line.amends(cut("2026-05-05"))
    assert (refused.value.field, refused.value.params["reason"]) == ("since", Reason.INSIDE_A_PERIOD)
    line.amends(cut("2026-05-01"))
    for closed_on in ("2026-04-30", "2026-05-31", "2026-06-30"):
        company.on(closed_on)
        close(company, closed_on)
    assert line.said() == [
        [("2026-04-01", "2026-04-30", 3000)],
        [("2026-05-01", "2026-05-10", 1000)],
        [("2026-05-11", "2026-06-10", 3000)],
    ]


# errors put right


def test_a_start_put_right_is_billed_from_the_right_day(company: Story) -> None:
    line = agreed(company)
    company.on("2026-05-31")
    close(company, "2026-04-30")
    line.amends(
        lambda book, line_id, today: plan_correction(
            book, line_id, (on("2026-04-01"), 1), effective_on=on("2026-04-16"), today=today
        ),
        reason="the technician came on the 16th",
    )
    close(company, "2026-05-31")
    assert line.said()[1] == [
        ("2026-04-01", "2026-04-30", -1500),
        ("2026-05-01", "2026-05-31", 3000),
    ]
    with company.reading() as session:
        assert session.scalars(select(Slot.started_on)).one() == on("2026-04-16")


def test_what_never_happened_is_taken_back_but_for_a_start(company: Story) -> None:
    line = agreed(company)
    line.amends(price(6000, "2026-04-16"))
    company.on("2026-05-31")
    close(company, "2026-04-30")
    line.amends(
        lambda book, line_id, today: plan_withdrawal(book, line_id, (on("2026-04-16"), 1), today=today)
    )
    close(company, "2026-05-31")
    assert sum(amount for invoice in line.said() for *_, amount in invoice) == 6000
    with pytest.raises(StartStays):
        line.amends(
            lambda book, line_id, today: plan_withdrawal(book, line_id, (on("2026-04-01"), 1), today=today)
        )


def test_the_end_of_a_machine_that_came_back_is_put_right_and_not_taken_back(company: Story) -> None:
    line = agreed(company)
    line.amends(
        lambda book, line_id, today: plan_removal(book, line_id, agreed_for=on("2026-04-16"), today=today)
    )
    company.on("2026-04-20")
    with company.begin() as uow:
        line.comes_back(uow, "2026-04-20")
    before = rows_of(company.app)
    with pytest.raises(StopStays):
        line.amends(
            lambda book, line_id, today: plan_withdrawal(book, line_id, (on("2026-04-16"), 1), today=today)
        )
    assert rows_of(company.app) == before
    line.amends(
        lambda book, line_id, today: plan_correction(
            book, line_id, (on("2026-04-16"), 1), effective_on=on("2026-04-18"), today=today
        )
    )
    with company.reading() as session:
        assert session.scalars(select(Slot.ended_on)).one() == on("2026-04-18")


def test_nor_when_what_had_ended_would_only_pause_at_present(company: Story) -> None:
    line = agreed(company)
    line.amends(
        lambda book, line_id, today: plan_removal(book, line_id, agreed_for=on("2026-04-16"), today=today)
    )
    line.amends(pause("2026-04-20", "2026-04-25"))
    line.amends(
        lambda book, line_id, today: plan_withdrawal(book, line_id, (on("2026-04-25"), 1), today=today)
    )
    with pytest.raises(NotBillable) as refused:
        line.amends(corrects("2026-04-01", "2026-04-18"))
    assert refused.value.params["reason"] is Reason.ENDS_BEFORE_START


def corrects(wrong: str, right: str) -> Planned:
    return lambda book, line_id, today: plan_correction(
        book, line_id, (on(wrong), 1), effective_on=on(right), today=today
    )


def test_no_correction_lets_rent_run_on_that_had_ended(company: Story) -> None:
    line = agreed(company)
    line.amends(
        lambda book, line_id, today: plan_removal(book, line_id, agreed_for=on("2026-04-16"), today=today)
    )
    before = rows_of(company.app)
    for wrong, right in (("2026-04-01", "2026-04-20"), ("2026-04-16", "2026-03-25")):
        with pytest.raises(NotBillable) as refused:
            line.amends(corrects(wrong, right))
        assert refused.value.field == "effective_on"
        assert refused.value.params["reason"] is Reason.ENDS_BEFORE_START
    assert rows_of(company.app) == before


# the end


def terminate(last_on: str) -> Planned:
    return lambda book, _line_id, today: plan_termination(
        book, last_on=on(last_on), requested_on=today, leaving=LeavingReason.NOT_NEEDED
    )


def test_notice_ends_rent_on_the_agreed_day_and_what_is_kept_costs_the_overrun_price(company: Story) -> None:
    leaving = {"model": "percent", "basis_points": 5000}
    line = agreed(
        company,
        terms=Terms(overrun_fee=Money(6000), leaving=leaving),
        stop=StopPolicy.AGREED_END,
    )
    line.amends(terminate("2026-05-15"))
    company.on("2026-06-30")
    with company.begin() as uow:
        end_slot(
            uow, line.slot_ids[0], retrieved_on=on("2026-06-10"), source="work_order", source_id=new_id()
        )
    company.everything_happens()
    for closed_on in ("2026-04-30", "2026-05-31", "2026-06-30"):
        close(company, closed_on)
    assert line.said() == [
        [("2026-04-01", "2026-04-30", 3000)],
        [
            ("2026-05-01", "2026-05-15", 1451),
            ("2026-05-15", "2026-05-15", 16500),  # half of eleven months
            ("2026-05-16", "2026-05-31", 3096),
        ],
        [("2026-06-01", "2026-06-10", 2000)],
    ]
    penalty = invoices_of(company)[1].lines[1]
    assert (penalty.description["name"], penalty.tax_class) == ("early_termination", TaxClass.OUT_OF_SCOPE)
    with company.reading() as session:
        assert session.scalars(select(Contract.ends_on)).one() == on("2026-05-16")
    with pytest.raises(AlreadyTerminated):
        line.amends(terminate("2026-07-31"))


def test_a_pause_that_extends_the_term_makes_leaving_dearer(company: Story) -> None:
    leaving = {"model": "percent", "basis_points": 10000}
    line = agreed(company, terms=Terms(leaving=leaving), stop=StopPolicy.CONTRACT_END)
    line.amends(pause("2026-05-01", "2026-06-01", extends=True))
    company.on("2026-06-30")
    with company.reading() as session:
        book = contract_book(session, line.contract.contract_id)
        fees = [
            plan_termination(
                book,
                last_on=on("2026-06-30"),
                requested_on=on("2026-06-30"),
                leaving=LeavingReason.MOVING,
                extensions=extensions,
            ).one_offs[line.line_id][0]
            for extensions in ((), extensions_of(session, line.contract.contract_id))
        ]
    assert [fee.unit_price.text for fee in fees] == ["27000", "33000"]


# what is refused


def test_only_what_is_in_force_and_not_too_long_ago_is_amended_and_with_a_reason(company: Story) -> None:
    line = agreed(company)
    with pytest.raises(NoReason):
        line.amends(price(6000, "2026-04-16"), reason="  ")
    company.on("2028-05-20")
    with pytest.raises(TooFarBack) as refused:
        line.amends(price(6000, "2026-05-19"))
    assert refused.value.params == {"earliest": on("2026-05-20")}
    assert company.count(Amendment) == 0
    with company.begin() as uow:
        customer, account, _site = make_customer(uow, "喫茶あさひ")
        draft_id = draft_contract(uow, customer.id, account.id, months=24, wanted_on=uow.today).id
    with company.reading() as session, pytest.raises(NotInForce):
        contract_book(session, draft_id)
