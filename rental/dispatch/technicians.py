"""Saying where technicians start, what they can do, and when they work."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import select

from rental.catalog.models import Skill
from rental.core.db import found
from rental.core.errors import ChangedMeanwhile, Conflict, Invalid, NotFound
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.text import narrow, tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.rules import Position, require_in_japan
from rental.dispatch.models import DayOff, OperatingBase, Shift, Technician, TechnicianSkill
from rental.dispatch.queries import visits_not_begun
from rental.dispatch.rules import (
    MOST_OVERTIME,
    BadCost,
    BadShift,
    ShiftTimes,
    require_level,
    require_shift,
)
from rental.fieldwork.visits import NotATechnician, call_off_visit
from rental.identity.models import Account
from rental.identity.permissions import Role


class BaseCodeTaken(Conflict):
    """Another base has this code."""

    code = "dispatch.base_code_taken"
    field = "code"


class BaseIncomplete(Invalid):
    """A base needs a code and a name."""

    code = "dispatch.base_incomplete"
    field = "code"


class OffAlready(Conflict):
    """The technician does not work on this day already."""

    code = "dispatch.off_already"
    field = "off_on"


def add_base(uow: UnitOfWork, *, code: str, name: str, latitude: float, longitude: float) -> OperatingBase:
    """A house from which technicians start. Raises BaseCodeTaken, BaseIncomplete, NotInJapan."""
    code, name = narrow(code).upper(), tidy(name)
    if not code or not name:
        raise BaseIncomplete
    require_in_japan(Position(latitude, longitude))
    if uow.session.scalar(select(OperatingBase.id).where(OperatingBase.code == code)):
        raise BaseCodeTaken(value=code)
    base = OperatingBase(id=new_id(), code=code, name=name, latitude=latitude, longitude=longitude)
    uow.session.add(base)
    uow.session.flush()
    return base


def set_up_technician(
    uow: UnitOfWork,
    account_id: UUID,
    *,
    base_id: UUID,
    hourly_cost: Money,
    max_overtime: int,
    is_active: bool = True,
    version: int = 0,
) -> Technician:
    """Where a technician starts and what an hour costs, in yen; overtime in minutes of a day.

    Version 0 means that planning did not know this technician yet. Raises NotATechnician, BadCost,
    ChangedMeanwhile.
    """
    account = found(uow.session, Account, account_id)
    if Role.TECHNICIAN not in account.roles:
        raise NotATechnician
    found(uow.session, OperatingBase, base_id)
    if hourly_cost < Money(0) or not 0 <= max_overtime <= MOST_OVERTIME:
        raise BadCost
    known = uow.session.get(Technician, account_id, with_for_update=True)
    if (known.version if known else 0) != version:
        raise ChangedMeanwhile

    technician = known or Technician(account_id=account_id)
    technician.base_id = base_id
    technician.hourly_cost = hourly_cost
    technician.max_overtime = max_overtime
    technician.is_active = is_active
    uow.session.add(technician)
    uow.session.flush()
    return technician


def set_skills(uow: UnitOfWork, account_id: UUID, levels: Mapping[UUID, int]) -> None:
    """All a technician can do: skills with their levels, from 1 to 3. Raises BadLevel, NotFound."""
    technician = locked(uow, Technician, account_id)
    for level in levels.values():
        require_level(level)
    known = set(uow.session.scalars(select(Skill.id).where(Skill.id.in_(levels))))
    if known != set(levels):
        raise NotFound(kind="skill")

    held = {row.skill_id: row for row in technician.skill_rows}
    for skill_id, level in levels.items():
        if skill_id in held:
            held[skill_id].level = level
        else:
            technician.skill_rows.append(TechnicianSkill(skill_id=skill_id, level=level))
    for skill_id in held.keys() - levels.keys():
        technician.skill_rows.remove(held[skill_id])
    uow.session.flush()


def set_shifts(uow: UnitOfWork, account_id: UUID, shifts: Mapping[int, ShiftTimes]) -> None:
    """The whole week: weekdays, 0 being Monday, with their hours; no work on the others.

    Raises BadShift, BadBreak.
    """
    technician = locked(uow, Technician, account_id)
    for weekday, times in shifts.items():
        if not 0 <= weekday <= 6:
            raise BadShift
        require_shift(times)

    held = {row.weekday: row for row in technician.shifts}
    for weekday, times in shifts.items():
        row = held.get(weekday)
        if row is None:
            row = Shift(weekday=weekday)
            technician.shifts.append(row)
        row.starts, row.ends = times.starts, times.ends
        row.break_minutes, row.break_from, row.break_until = times[2:]
    for weekday in held.keys() - shifts.keys():
        technician.shifts.remove(held[weekday])
    uow.session.flush()


def give_day_off(
    uow: UnitOfWork, account_id: UUID, off_on: date, *, reason: str, call_off: bool = False
) -> DayOff:
    """The technician does not work on this day. Raises OffAlready.

    Visits given before stay given, unless they are to be called off too: then all those that have not begun,
    so that somebody else can be sent.
    """
    technician = locked(uow, Technician, account_id)
    if technician.is_off(off_on):
        raise OffAlready(day=off_on.isoformat())
    if call_off:
        for visit_id in visits_not_begun(uow.session, account_id, off_on):
            call_off_visit(uow, visit_id)
    day_off = DayOff(off_on=off_on, reason=tidy(reason)[:200])
    technician.days_off.append(day_off)
    uow.session.flush()
    return day_off


def take_day_off_back(uow: UnitOfWork, account_id: UUID, off_on: date) -> None:
    """The technician works on this day after all. Raises NotFound."""
    technician = locked(uow, Technician, account_id)
    day_off = next((each for each in technician.days_off if each.off_on == off_on), None)
    if day_off is None:
        raise NotFound(kind="day_off")
    technician.days_off.remove(day_off)
    uow.session.flush()
