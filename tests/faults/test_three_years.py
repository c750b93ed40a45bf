"""Three years of contracts, amended at random and billed under the axe, told again from their records.

What the database holds at the end is compared with two tellings that never met a database: the same closings
by the rules alone, which nobody kills, and a rater that asks every slot on every day.
"""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select

from rental.billing.agreements import agree_terms
from rental.billing.histories import agreed_terms
from rental.billing.models import BilledSegment, BilledSpan, BillingItem, BillingRun, Invoice, InvoiceLine
from rental.billing.rules.agreed import PLAIN, Facts, LineTerms, everything_due
from rental.billing.rules.amendments import Effect, Pause
from rental.billing.rules.charges import Charge, Entry, standing
from rental.billing.rules.line_history import EventKey, LineEvent, history_of
from rental.billing.rules.runs import ItemState, billed_as_of
from rental.billing.runs import bill_chunk, open_run
from rental.catalog.rules import AnchorKind, Proration, StubPolicy, TaxClass, Timing
from rental.changes.amendments import amend, hold_contract
from rental.changes.line_books import ContractBook, contract_book
from rental.changes.plans import (
    Plan,
    plan_correction,
    plan_price,
    plan_quantity,
    plan_removal,
    plan_suspension,
    plan_withdrawal,
)
from rental.contracts.activation import activate_contract
from rental.contracts.agreeing import Terms, agree_discount
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.models import LineAnchor, Slot
from rental.contracts.models import LineEvent as StoredEvent
from rental.contracts.rules import LineEventKind
from rental.core import audit
from rental.core.errors import DomainError
from rental.core.money import Money, Rounding
from rental.core.uow import UnitOfWork, begin, system
from rental.customers.accounts import change_billing_account
from rental.customers.models import BillingAccount
from rental.customers.rules import HolidayRule
from tests.factories.billed import install_by_scan, make_issuer, technician_of
from tests.factories.rented import make_customer, make_model, make_plan, stock
from tests.rules.billing.naive_rater import NEVER, Agreed, cost_of, months_of
from tests.rules.billing.recorded import facts_of
from tests.support.forking import KILLED, dying_at, fork, outcome
from tests.support.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.faults]

FIRST = date(2026, 4, 1)
CLOSING_DAYS = (20, 31)
# A second line so dear that no correction of the first makes an invoice negative.
DEAR = Money(2_000_000)
MODES = ("actual", "actual", "fixed30", "full", "free")


@dataclass(frozen=True)
class Extent:
    """How many contracts for how long, and how many of their periods the slow rater is asked about."""

    contracts: int
    months: int
    asked: int
    killed_one_in: int


@pytest.fixture
def extent(is_nightly: bool) -> Extent:
    return Extent(200, 36, 36, 2) if is_nightly else Extent(40, 36, 3, 8)


@dataclass
class Rent:
    """A contract of the story, as its slow rater knows it."""

    contract_id: UUID
    account_id: UUID
    line_id: UUID
    closing_day: int
    agreed: Agreed
    rounding: Rounding
    is_cut_anew: bool = False


@dataclass
class Company:
    """The contracts, and the chance that decides what happens to them."""

    story: Story
    chance: Random
    rents: list[Rent] = field(default_factory=list)
    amended: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    kills: int = 0


@pytest.fixture
def company(story: Story, extent: Extent) -> Company:
    """Contracts of every kind, each with an account of its own, installed in the course of a month."""
    company = Company(story, Random(20260401))
    technician = technician_of(story)
    with story.begin() as uow, audit.in_blocks(uow.session):
        make_issuer(uow)
        model = make_model(uow)
        plan_id = make_plan(uow, model).id
        stock(uow, model, 4 * extent.contracts)
    for first in range(0, extent.contracts, 10):
        story.on(str(FIRST + timedelta(days=3 * first // 10)))
        with story.begin() as uow, audit.in_blocks(uow.session):
            for number in range(first, min(first + 10, extent.contracts)):
                company.rents.append(_rented(uow, company.chance, number, plan_id, technician))
    while story.everything_happens():
        pass
    return company


def _rented(uow: UnitOfWork, chance: Random, number: int, plan_id: UUID, technician: UUID) -> Rent:
    customer, account, site = make_customer(uow, f"商店{number:03}")
    closing_day, rounding = chance.choice(CLOSING_DAYS), chance.choice(list(Rounding))
    change_billing_account(
        uow,
        account.id,
        version=uow.session.get_one(BillingAccount, account.id).version,
        name=account.name,
        postal_code="101-0041",
        address="東京都千代田区神田須田町1-2-3",
        email="",
        note="",
        closing_day=closing_day,
        term_months=1,
        pay_day=31,
        holiday_rule=HolidayRule.NEXT,
        tax_rounding=Rounding.DOWN,
        charge_rounding=rounding,
    )
    contract = draft_contract(uow, customer.id, account.id, months=60, wanted_on=uow.today)
    agreed = _agreed(chance, closing_day, rounding, is_plain=number % 4 == 0)
    machines = chance.randint(1, 3)
    lines = [
        add_line(
            uow,
            contract.id,
            rate_plan_version_id=plan_id,
            site_id=site.id,
            quantity=quantity,
            monthly_fee=fee,
        )
        for quantity, fee in ((machines, Money(agreed.fee)), (1, DEAR))
    ]
    if number % 4:
        _agree(uow, chance, lines[0].id, agreed)
    uow.session.expire(contract)
    activate_contract(uow, contract.id, uow.today)
    install_by_scan(uow, contract.id, technician)
    return Rent(contract.id, account.id, lines[0].id, closing_day, agreed, rounding, number % 4 == 3)


def _agreed(chance: Random, closing_day: int, rounding: Rounding, *, is_plain: bool) -> Agreed:
    """In the words of the slow rater. A plain rent is cut on the day after the closing day."""
    fee = chance.choice((0, 980, 3333, 12_000))
    if is_plain:
        return Agreed(date(2026, 1, closing_day % 31 + 1), fee=fee, rounding=rounding.value)
    percent_off = chance.choice((0, 0, 7, 100))
    since = FIRST + timedelta(days=chance.randint(0, 300)) if percent_off else NEVER
    return Agreed(
        anchor=date(2026, 1, chance.choice((1, 15, 29, 30, 31))),
        months=chance.choice((1, 1, 1, 2, 3)),
        fee=fee,
        start_mode=chance.choice(MODES),
        stop_mode=chance.choice(MODES),
        change_mode=chance.choice(MODES[:4]),
        rounding=rounding.value,
        stub=chance.choice(("short", "merge_next", "free")),
        percent_off=percent_off,
        discount_from=since,
        discount_until=since + timedelta(days=chance.randint(1, 400)) if percent_off else NEVER,
    )


def _agree(uow: UnitOfWork, chance: Random, line_id: UUID, agreed: Agreed) -> None:
    terms = Terms(
        anchor=AnchorKind.ANNIVERSARY,
        anchored_on=agreed.anchor,
        months=agreed.months,
        timing=chance.choice(list(Timing)),
        lead_days=chance.choice((0, 0, 10)),
        stub=StubPolicy(agreed.stub),
        proration=Proration(agreed.start_mode),
        stop_proration=Proration(agreed.stop_mode),
        change_proration=Proration(agreed.change_mode),
    )
    agree_terms(uow, line_id, terms)
    if agreed.percent_off:
        agree_discount(
            uow,
            line_id,
            name="特別値引",
            basis_points=100 * agreed.percent_off,
            starts_on=agreed.discount_from,
            ends_on=agreed.discount_until,
        )


def amend_some(company: Company, today: date) -> None:
    """A few contracts are agreed anew; what cannot have happened is refused and leaves nothing behind."""
    company.story.on(str(today))
    for rent in company.rents:
        if company.chance.random() < 0.2:
            kind = company.chance.choice(KINDS)
            try:
                with company.story.begin("clerk") as uow:
                    hold_contract(uow, rent.contract_id)
                    book = contract_book(uow.session, rent.contract_id)
                    amend(uow, _planned(company.chance, kind, rent, book, uow.today), reason="as agreed")
                company.amended[kind] += 1
            except DomainError as error:
                company.refused[error.code] += 1


KINDS = ("price", "price", "quantity", "quantity", "pause", "correct", "withdraw", "remove", "restart")


def _planned(chance: Random, kind: str, rent: Rent, book: ContractBook, today: date) -> Plan:
    day = today + timedelta(days=chance.randint(-60, 20))
    line = book.line(rent.line_id)
    slot_id = chance.choice([event.slot_id for event in line.events if event.slot_id])
    wrong = chance.choice(line.events).key
    fee = Money(chance.choice((0, 500, 4321, 9800)))
    match kind:
        case "price":
            effect = chance.choice((Effect.IMMEDIATE, Effect.NEXT_PERIOD))
            where = chance.choice((None, slot_id))
            return plan_price(
                book, rent.line_id, fee, agreed_for=day, today=today, effect=effect, slot_id=where
            )
        case "quantity":
            units = chance.randint(1, 5)
            return plan_quantity(book, rent.line_id, slot_id, units, agreed_for=day, today=today)
        case "pause":
            pause = Pause(day, day + timedelta(days=chance.randint(1, 50)))
            return plan_suspension(
                book, rent.line_id, pause, today=today, slot_id=chance.choice((None, slot_id))
            )
        case "correct":
            return plan_correction(book, rent.line_id, wrong, effective_on=day, today=today)
        case "withdraw":
            return plan_withdrawal(book, rent.line_id, wrong, today=today)
        case "remove" if chance.random() < 0.2:
            return plan_removal(book, rent.line_id, agreed_for=day, today=today)
        case "restart" if rent.is_cut_anew:
            effect = Effect.FULL_IMMEDIATELY
            return plan_price(book, rent.line_id, fee, agreed_for=today, today=today, effect=effect)
    return plan_price(book, rent.line_id, fee, agreed_for=day, today=today)


def close(company: Company, closed_on: date, *, killed_one_in: int) -> None:
    """The closing of this day; sometimes the worker is killed at any statement, and another goes on."""
    story, chance = company.story, company.chance
    story.on(str(closed_on))
    with story.begin("clerk") as uow:
        run = open_run(uow, closed_on)
        run_id, chunk = run.id, run.chunk_count

    def bill() -> None:
        with story.app.app_context(), begin(system("worker")) as uow:
            bill_chunk(uow, run_id, chunk)

    if chance.randrange(killed_one_in) == 0:
        pid = fork(story.app, dying_at(chance.randint(1, 40), bill))
        company.kills += outcome(pid) == KILLED
    bill()
    bill()  # nothing is left for it


def closings(months: int) -> Iterator[date]:
    """Every day on which some account closes, for so many months."""
    for number in range(months):
        year, month = divmod(FIRST.month - 1 + number, 12)
        for day in CLOSING_DAYS:
            last = monthrange(FIRST.year + year, month + 1)[1]
            yield date(FIRST.year + year, month + 1, min(day, last))


def test_three_years_of_amendments_end_as_if_nobody_had_been_killed(company: Company, extent: Extent) -> None:
    for closed_on in closings(extent.months):
        amend_some(company, closed_on - timedelta(days=company.chance.randint(0, 9)))
        close(company, closed_on, killed_one_in=extent.killed_one_in)
    assert company.kills
    assert set(company.amended) == set(KINDS)
    assert company.refused["billing.not_billable"]

    records = Records.read(company.story)
    assert records.parked == 0
    assert records.shared_days == 0
    for rent in company.rents:
        told = told_again(rent, records)
        assert records.ledger(rent) == told.ledger, rent
        if not rent.is_cut_anew:
            agrees_with_the_slow_rater(company.chance, rent, records, told, extent.asked)


# What the database holds, and what is told again from it.

Key = tuple[date, str, int, date, date, date, date, int, str]


@dataclass
class Records:
    """Everything recorded about the lines, with the moment at which it became known."""

    events: dict[UUID, list[tuple[datetime, LineEvent]]]
    anchors: dict[UUID, list[tuple[datetime, date]]]
    terms: dict[UUID, LineTerms]
    runs: list[tuple[date, datetime]]
    segments: dict[UUID, list[Key]]
    parked: int
    shared_days: int

    @classmethod
    def read(cls, story: Story) -> "Records":
        with story.reading() as session:
            events, anchors = defaultdict(list), defaultdict(list)
            for row in session.scalars(select(StoredEvent).order_by(StoredEvent.recorded_at)):
                replaces = EventKey(row.replaces_on, row.replaces_seq or 0) if row.replaces_on else None
                event = LineEvent(row.kind, row.effective_on, row.seq, row.slot_id, row.value, replaces)
                events[row.contract_line_id].append((row.recorded_at, event))
            for anchor in session.scalars(select(LineAnchor)):
                anchors[anchor.contract_line_id].append((anchor.recorded_at, anchor.since))
            segments = defaultdict(list)
            rows = session.execute(
                select(BilledSegment, Invoice.closed_on)
                .join(InvoiceLine, InvoiceLine.id == BilledSegment.invoice_line_id)
                .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
            )
            for segment, closed_on in rows:
                segments[segment.contract_line_id].append(
                    (
                        closed_on,
                        segment.kind.value,
                        segment.sign,
                        segment.period_start,
                        segment.period_end,
                        segment.start_on,
                        segment.end_on,
                        segment.amount.minor_units,
                        segment.discount,
                    )
                )
            other = BilledSpan.__table__.alias()
            span = BilledSpan.__table__
            shared = select(func.count()).where(
                span.c.is_active,
                other.c.is_active,
                span.c.slot_id == other.c.slot_id,
                span.c.kind == other.c.kind,
                span.c.id < other.c.id,
                span.c.start_on < other.c.end_on,
                other.c.start_on < span.c.end_on,
            )
            parked = select(func.count()).where(BillingItem.state != ItemState.DONE)
            runs = session.execute(
                select(BillingRun.closed_on, BillingRun.opened_at).order_by(BillingRun.closed_on)
            )
            return cls(
                events,
                anchors,
                agreed_terms(session, select(Slot.contract_line_id)),
                [(closed_on, opened_at) for closed_on, opened_at in runs],
                segments,
                session.scalar(parked) or 0,
                session.scalar(shared) or 0,
            )

    def ledger(self, rent: Rent) -> Counter[Key]:
        """What was billed and credited for the line, by the closing."""
        return Counter(self.segments[rent.line_id])

    def known(self, rent: Rent, at: datetime) -> tuple[list[LineEvent], LineTerms]:
        """What was known of the line at this moment."""
        events = [event for recorded_at, event in self.events[rent.line_id] if recorded_at <= at]
        since = {day for recorded_at, day in self.anchors[rent.line_id] if recorded_at <= at}
        terms = self.terms.get(rent.line_id, PLAIN)
        anchors = tuple(anchor for anchor in terms.anchors if anchor.since in since)
        return events, LineTerms(
            **{name: getattr(terms, name) for name in _TERMS if name != "anchors"}, anchors=anchors
        )


_TERMS = tuple(LineTerms.__dataclass_fields__)


@dataclass
class Told:
    """The ledger of a line as the rules alone tell it, and what stands in the end."""

    ledger: Counter[Key]
    standing: list[Charge]
    as_of: date


def told_again(rent: Rent, records: Records) -> Told:
    """Every closing of the account once more, each looking at all periods that there ever were."""
    ledger: list[Entry] = []
    keys: Counter[Key] = Counter()
    as_of = FIRST
    for closed_on, opened_at in records.runs:
        if (rent.closing_day == 20) != (closed_on.day == 20):
            continue
        events, terms = records.known(rent, opened_at)
        spans, fees, kept = history_of(events, fee=Money(rent.agreed.fee))
        facts = Facts(rent.line_id, terms, spans, fees, kept, (), (), TaxClass.STANDARD, rent.rounding)
        as_of = billed_as_of(closed_on)
        entries = everything_due(
            facts,
            list(standing(ledger).elements()),
            closing_day=rent.closing_day,
            as_of=as_of,
            since=date.min,
        )
        ledger += entries
        keys.update(_key(closed_on, entry) for entry in entries)
    return Told(keys, list(standing(ledger).elements()), as_of)


def _key(closed_on: date, entry: Entry) -> Key:
    charge = entry.charge
    period, used = charge.period, charge.used
    return (
        closed_on,
        charge.kind.value,
        int(entry.side),
        period.start,
        period.end,
        used.start,
        used.end,
        charge.amount.minor_units,
        charge.discount,
    )


def agrees_with_the_slow_rater(chance: Random, rent: Rent, records: Records, told: Told, asked: int) -> None:
    """Some periods that are over cost what one who asks every slot on every day finds."""
    events = [event for _, event in records.events[rent.line_id]]
    days = [event.effective_on for event in events if event.kind is not LineEventKind.WITHDRAWAL]
    first = min(days) - timedelta(days=100)
    over = [period for period in months_of(rent.agreed, first, told.as_of) if period[1] <= told.as_of]
    billed: Counter[tuple[date, date]] = Counter()
    for charge in told.standing:
        billed[charge.period.start, charge.period.end] += charge.amount.minor_units
    for period in chance.sample(over, min(asked, len(over))):
        if not _is_waiting(rent, told, period[0]):
            assert billed[period] == cost_of(rent.agreed, facts_of(events), *period), (rent, period)


def _is_waiting(rent: Rent, told: Told, start: date) -> bool:
    """A stub that is asked for with the period after it may be over and not billed yet."""
    return rent.agreed.stub == "merge_next" and not any(
        charge.period.start > start for charge in told.standing
    )
