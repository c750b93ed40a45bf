"""Monthly recurring revenue from the history of the contracts, kept as what moved it, slot by slot."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, cast, delete, func, select
from sqlalchemy.orm import Session

from rental.billing.histories import OwnHistory, own_facts, recorded_starts
from rental.billing.models import RecurringMovement
from rental.billing.rules.agreed import discounts_of
from rental.billing.rules.discounts import LineDiscount
from rental.billing.rules.periods import day_in_month
from rental.billing.rules.recurring_revenue import Movement, movements, revenue_of_slots
from rental.billing.rules.segments import FeeHistory, Span
from rental.billing.rules.tax import TaxRate, rate_on, tax_within
from rental.catalog.rules import TaxClass
from rental.contracts.models import Contract, Line, LineEvent
from rental.contracts.rules import LineEventKind
from rental.core.bulk import insert_many
from rental.core.money import Money, Rounding
from rental.core.uow import UnitOfWork
from rental.customers.models import BillingAccount
from rental.customers.rules import PriceMode

NOTHING = Money(0)
MONTHS_SHOWN = 24


class LineHistory(NamedTuple):
    """What a line ever owed: the days of its slots, what one unit costs, and what was granted on it.

    `holds_tax_of` is the class of the tax that its fees hold, None where they are without; `kept_rate` is the
    one that was agreed for good, if any.
    """

    spans: tuple[Span, ...]
    fees: FeeHistory
    discounts: tuple[LineDiscount, ...] = ()
    holds_tax_of: TaxClass | None = None
    kept_rate: TaxRate | None = None

    def revenue(self, on: date) -> dict[UUID, Money]:
        """What each slot brings a month, seen on a day, without tax."""
        found = revenue_of_slots(self.spans, self.fees, on=on, discounts=self.discounts)
        if self.holds_tax_of is None:
            return found
        rate = self.kept_rate or rate_on(self.holds_tax_of, on)
        return {
            slot_id: amount - tax_within(amount, rate, Rounding.HALF_UP) for slot_id, amount in found.items()
        }


@dataclass(frozen=True, slots=True)
class RevenueMonth:
    """What moved recurring revenue in a month (its first day), and what it was at the end of it."""

    month: date
    moved: dict[Movement, Money]
    revenue: Money

    @property
    def change(self) -> Money:
        """All movements together."""
        return sum(self.moved.values(), NOTHING)


def count_recurring_revenue(uow: UnitOfWork) -> None:
    """Night after night: every month that has ended is counted."""
    write_movements(uow, until=uow.today.replace(day=1))


def write_movements(uow: UnitOfWork, *, until: date) -> int:
    """Counts every month that ended by this day; returns how many rows are new or other than before.

    What was written for months whose history has not changed stays as it is.
    """
    session = uow.session
    now = {(row["slot_id"], row["month"]): row for row in movements_of(histories(session), until=until)}
    kept = {(row.slot_id, row.month): row._asdict() for row in session.execute(select(*_COLUMNS))}
    gone = {key for key, row in kept.items() if now.get(key) != row}
    new = [row for key, row in now.items() if kept.get(key) != row]
    for month in sorted({month for _slot_id, month in gone}):
        slot_ids = [slot_id for slot_id, its_month in gone if its_month == month]
        session.execute(
            delete(RecurringMovement).where(
                RecurringMovement.month == month, RecurringMovement.slot_id.in_(slot_ids)
            )
        )
    insert_many(session, RecurringMovement, new)
    return len(new) + len(gone - now.keys())


def movements_of(lines: Iterable[LineHistory], *, until: date) -> list[dict[str, Any]]:
    """The rows of every month that ended by this day, oldest first."""
    histories_of_lines = [line for line in lines if line.spans]
    rows: list[dict[str, Any]] = []
    before: dict[UUID, Money] = {}
    known: set[UUID] = set()
    first = min((span.start for line in histories_of_lines for span in line.spans), default=until)
    for month, end in _months(first, until):
        now: dict[UUID, Money] = {}
        for line in histories_of_lines:
            now |= line.revenue(end - timedelta(days=1))
        rows += [
            {
                "slot_id": moved.of,
                "month": month,
                "movement": moved.movement,
                "amount": moved.amount,
                "revenue": now.get(moved.of, NOTHING),
            }
            for moved in movements(before, now, known=known)
        ]
        known |= now.keys()
        before = now
    return rows


def histories(session: Session) -> list[LineHistory]:
    """The history of every line that was ever in service, as billing rates it."""
    lines = select(LineEvent.contract_line_id).where(LineEvent.kind == LineEventKind.START)
    rows = session.execute(
        select(
            Line.id, Line.monthly_fee, Line.tax_class, BillingAccount.closing_day, BillingAccount.price_mode
        )
        .join(Contract, Contract.id == Line.contract_id)
        .join(BillingAccount, BillingAccount.id == Contract.billing_account_id)
        .where(Line.id.in_(lines))
        .order_by(Line.id)
    ).all()
    starts = recorded_starts(session, lines)
    fees = {row.id: row.monthly_fee for row in rows}
    own = own_facts(session, lines, starts, fees, since=date.max)
    found = []
    for row in rows:
        if row.id in own:
            history = _with_discounts(own[row.id], closing_day=row.closing_day)
            kept = own[row.id].own.terms.rate_bp
        else:
            history, kept = LineHistory(tuple(starts[row.id][0]), FeeHistory(row.monthly_fee)), None
        if row.price_mode is PriceMode.INCLUSIVE:
            rate = None if kept is None else TaxRate(row.tax_class, kept)
            history = history._replace(holds_tax_of=row.tax_class, kept_rate=rate)
        found.append(history)
    return found


def revenue_by_month(session: Session, *, limit: int = MONTHS_SHOWN) -> list[RevenueMonth]:
    """The latest months in which something moved, latest first, with the revenue at the end of each."""
    moved: dict[date, dict[Movement, Money]] = defaultdict(lambda: dict.fromkeys(Movement, NOTHING))
    for month, movement, amount in session.execute(
        select(
            RecurringMovement.month,
            RecurringMovement.movement,
            cast(func.sum(RecurringMovement.amount), BigInteger),
        )
        .group_by(RecurringMovement.month, RecurringMovement.movement)
        .order_by(RecurringMovement.month)
    ):
        moved[month][movement] = Money(amount)
    found: list[RevenueMonth] = []
    revenue = NOTHING
    for month, by_movement in moved.items():
        revenue += sum(by_movement.values(), NOTHING)
        found.append(RevenueMonth(month, by_movement, revenue))
    return found[: -limit - 1 : -1]


def _with_discounts(history: OwnHistory, *, closing_day: int) -> LineHistory:
    (terms, fees, *_), spans = history
    first_day = min((span.start for span in spans), default=None)
    discounts = discounts_of(terms, closing_day=closing_day, first_day=first_day) if first_day else ()
    return LineHistory(spans, fees, discounts)


def _months(first: date, until: date) -> Iterator[tuple[date, date]]:
    """The first day of each month from the one of `first` on, and of the next, as long as it has ended."""
    month = first.replace(day=1)
    while (end := day_in_month(month, 1, months_later=1)) <= until:
        yield month, end
        month = end


_COLUMNS = (
    RecurringMovement.slot_id,
    RecurringMovement.month,
    RecurringMovement.movement,
    RecurringMovement.amount,
    RecurringMovement.revenue,
)
