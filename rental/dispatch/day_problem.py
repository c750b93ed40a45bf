"""A day's open work as a problem the routing library understands, and the names behind its numbers.

Everything is counted in whole minutes, travel rounded up: a plan is read and driven by people.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import groupby
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from rental.catalog.queries import skills_needed
from rental.customers.models import Site
from rental.dispatch import rules
from rental.dispatch.models import Shift, Technician
from rental.dispatch.queries import (
    given_visits,
    technician_accounts,
    technicians_with_all,
    unplaced_orders,
    waiting_orders,
)
from rental.dispatch.rules import Absence, Hours, LeftOutReason
from rental.fieldwork.models import Visit, WorkOrder
from rental.fieldwork.work_orders import is_over
from rental.identity.models import Account
from rental.routing.problem import Break, Person, Problem, TravelMatrix, Window
from rental.routing.problem import Visit as RoutingVisit
from rental.routing.travel import Point, StraightLine, TravelProvider

MINUTE = 60
_DEPART = 9 * 60 * MINUTE
_CAR = "car"


@dataclass(frozen=True, slots=True)
class Call:
    """One visit to plan: which orders at which site, and the visit they are given to already, if any."""

    id: str
    site_id: UUID
    position: tuple[float, float]
    orders: tuple[tuple[UUID, int], ...]  # id and revision
    visit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A technician on this day; who has no shift is absent for a reason."""

    account_id: UUID
    name: str
    absence: Absence | None = None
    base_id: UUID | None = None
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """An order of which it is clear before planning that nobody can go there."""

    work_order_id: UUID
    reason: LeftOutReason


@dataclass(frozen=True, slots=True)
class Day:
    """All that is planned from. `problem` is None when nobody is at work."""

    planned_on: date
    workers: tuple[Worker, ...]
    calls: Mapping[str, Call]
    missed: tuple[Missed, ...]
    problem: Problem | None
    inputs_hash: str


@dataclass(slots=True)
class _Places:
    """Points of the day, each once, by number."""

    points: list[Point] = field(default_factory=list)

    def number_of(self, latitude: float, longitude: float) -> int:
        point = Point(latitude, longitude)
        if point not in self.points:
            self.points.append(point)
        return self.points.index(point)


def day_problem(
    session: Session, planned_on: date, *, not_before: int = 0, travel: TravelProvider | None = None
) -> Day:
    """What is to be done on this day, and who is there to do it.

    Ready orders of one site and contract are one visit; visits given already keep their technician, and
    their time when one was agreed. Nothing happens before `not_before`, in minutes after midnight.
    """
    calls: dict[str, Call] = {}
    visits: list[RoutingVisit] = []
    missed = [Missed(order.id, LeftOutReason.NO_POSITION) for order in unplaced_orders(session, planned_on)]
    places, skills = _Places(), _Skills(session)

    accounts = technician_accounts(session)
    known = technicians_with_all(session, [account.id for account in accounts])
    workers, people = [], []
    for account in accounts:
        technician = known.get(account.id)
        if technician is not None and not technician.is_active:
            continue
        worker, shift = _worker(account, technician, planned_on, not_before)
        workers.append(worker)
        if shift is not None and worker.hours is not None:
            people.append(_person(known[account.id], shift, worker.hours, places))

    for visit in given_visits(session, planned_on):
        call, reason = _call(visit.site, [order for order in visit.work_orders if not is_over(order)])
        if call is None:
            missed += [Missed(order.id, reason) for order in visit.work_orders if not is_over(order)]
            continue
        calls[call.id] = Call(call.id, call.site_id, call.position, call.orders, visit.id)
        visits.append(_given(visit, call, places, not_before))
    for orders in _by_site_and_contract(waiting_orders(session, planned_on)):
        call, reason = _call(orders[0].site, orders)
        hours = orders[0].site.windows_on(planned_on.weekday())
        if call is not None and orders[0].site.hours and not hours:
            call, reason = None, LeftOutReason.CLOSED
        if call is None:
            missed += [Missed(order.id, reason) for order in orders]
            continue
        calls[call.id] = call
        visits.append(_waiting(orders, call, places, skills.of(orders), planned_on))

    problem = None
    if people:
        problem = Problem(tuple(visits), tuple(people), _matrix(places.points, travel or StraightLine()))
    facts = [calls, workers, missed, visits, people, places.points]
    return Day(planned_on, tuple(workers), calls, tuple(missed), problem, _hash(facts))


class _Skills:
    """Which skills orders need; asked once for each set of models."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[frozenset[UUID], dict[str, int]] = {}

    def of(self, orders: Iterable[WorkOrder]) -> dict[str, int]:
        models = frozenset(item.equipment_model_id for order in orders for item in order.items)
        if models not in self._known:
            self._known[models] = {skill.code: 1 for skill in skills_needed(self._session, models)}
        return self._known[models]


def _by_site_and_contract(orders: Iterable[WorkOrder]) -> list[list[WorkOrder]]:
    def place(order: WorkOrder) -> tuple[UUID, UUID]:
        return order.site_id, order.contract_id

    groups = [list(group) for _place, group in groupby(sorted(orders, key=place), key=place)]
    for group in groups:
        group.sort(key=lambda order: order.number)
    return sorted(groups, key=lambda group: group[0].number)


def _call(site: Site, orders: Sequence[WorkOrder]) -> tuple[Call | None, LeftOutReason]:
    position = site.position
    if position is None or not orders:
        return None, LeftOutReason.NO_POSITION
    seen = tuple((order.id, order.revision) for order in sorted(orders, key=lambda each: each.number))
    name = min(order.number for order in orders)
    return Call(name, site.id, (position.latitude, position.longitude), seen), LeftOutReason.NO_POSITION


def _waiting(
    orders: Sequence[WorkOrder], call: Call, places: _Places, skills: Mapping[str, int], day: date
) -> RoutingVisit:
    """Orders nobody was given yet: anybody with the skills may come, while the site is open."""
    minutes = sum(order.minutes for order in orders)
    hours = [Hours(*window) for window in orders[0].site.windows_on(day.weekday())]
    worth = sum(rules.value_when_left_out((day - order.wanted_on).days) for order in orders)
    return RoutingVisit(
        id=call.id,
        place=places.number_of(*call.position),
        service_seconds=minutes * MINUTE,
        windows=tuple(
            Window(opens * MINUTE, closes * MINUTE) for opens, closes in rules.service_windows(hours, minutes)
        ),
        skills=dict(skills),
        value=worth,
    )


def _given(visit: Visit, call: Call, places: _Places, not_before: int) -> RoutingVisit:
    """A visit somebody has already. Whoever gave it knew about skills and hours, so only the time is kept."""
    minutes = sum(order.minutes for order in visit.work_orders if not is_over(order))
    windows: tuple[Window, ...] = ()
    if visit.starts_at is not None:
        is_past = visit.starts_at < not_before
        closes = rules.MINUTES_OF_A_DAY if is_past else visit.starts_at
        windows = (Window(max(visit.starts_at, not_before) * MINUTE, closes * MINUTE),)
    return RoutingVisit(
        id=call.id,
        place=places.number_of(*call.position),
        service_seconds=minutes * MINUTE,
        windows=windows,
        pinned_to=str(visit.technician_id),
        value=rules.PROMISED_VALUE_YEN,
    )


def _worker(
    account: Account, technician: Technician | None, day: date, not_before: int
) -> tuple[Worker, Shift | None]:
    shift = technician.shift_on(day) if technician else None
    absence: Absence | None = None
    if technician is None:
        absence = Absence.NOT_SET_UP
    elif technician.is_off(day):
        absence = Absence.DAY_OFF
    elif shift is None:
        absence = Absence.NO_SHIFT
    elif shift.ends <= not_before:
        absence = Absence.SHIFT_OVER
    if absence or technician is None or shift is None:
        return Worker(account.id, account.name, absence), None
    hours = Hours(max(shift.starts, not_before), shift.ends)
    return Worker(account.id, account.name, None, technician.base_id, hours), shift


def _person(technician: Technician, shift: Shift, hours: Hours, places: _Places) -> Person:
    home = places.number_of(technician.base.latitude, technician.base.longitude)
    hourly = technician.hourly_cost.minor_units
    return Person(
        id=str(technician.account_id),
        start_place=home,
        end_place=home,
        shift_starts=hours.starts * MINUTE,
        shift_ends=hours.ends * MINUTE,
        max_overtime_seconds=technician.max_overtime * MINUTE,
        overtime_yen_per_hour=rules.overtime_premium(hourly),
        breaks=_breaks(shift, hours),
        skills={row.skill.code: row.level for row in technician.skill_rows},
        driving_yen_per_hour=hourly,
        work_yen_per_hour=hourly,
        yen_per_km=rules.YEN_PER_KM,
        day_yen=rules.VAN_DAY_YEN,
    )


def _breaks(shift: Shift, hours: Hours) -> tuple[Break, ...]:
    """The break of the shift, unless its time is over already."""
    if not shift.break_minutes or shift.break_until < hours.starts:
        return ()
    window = Window(max(shift.break_from, hours.starts) * MINUTE, shift.break_until * MINUTE)
    return (Break(window, shift.break_minutes * MINUTE),)


def _matrix(points: Sequence[Point], provider: TravelProvider) -> TravelMatrix:
    """Travel between all places in full minutes, so that every time of a plan is one."""
    exact = provider.matrix(points, _CAR, _DEPART)
    seconds = -(-exact.seconds.astype(np.int64) // MINUTE) * MINUTE
    return TravelMatrix.of(
        seconds, exact.metres, exact.unreachable, source=exact.source, estimated=exact.estimated
    )


def _hash(facts: Sequence[object]) -> str:
    def plain(value: object) -> object:
        return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)  # type: ignore[call-overload]

    return hashlib.sha256(json.dumps(facts, default=plain, sort_keys=True).encode()).hexdigest()
