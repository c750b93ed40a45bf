"""Where the technicians of the demo company start, what they can do, and when they work."""

from collections.abc import Mapping
from uuid import UUID

from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.demo.design import Design
from rental.demo.people import technician_email
from rental.dispatch.rules import TECHNICIAN_YEN_PER_HOUR, ShiftTimes
from rental.dispatch.technicians import add_base, set_shifts, set_skills, set_up_technician
from rental.identity.accounts import normalised
from rental.identity.queries import account_with_email

_WORKDAYS = range(5)
_SKILLED = 2
_OVERTIME_MINUTES = 60
_BREAK = (60, 11 * 60 + 30, 13 * 60 + 30)  # minutes, and from when until when it begins


def set_up_crew(uow: UnitOfWork, design: Design, technicians: int, skill_ids: Mapping[str, UUID]) -> None:
    """Three bases, and so many of the technicians as the design describes them."""
    bases = {
        base.code: add_base(
            uow, code=base.code, name=base.name, latitude=base.latitude, longitude=base.longitude
        ).id
        for base in design.bases
    }
    for each in design.technicians[:technicians]:
        account = account_with_email(uow.session, normalised(technician_email(each.number)))
        if account is None:
            continue
        set_up_technician(
            uow,
            account.id,
            base_id=bases[each.base],
            hourly_cost=Money(TECHNICIAN_YEN_PER_HOUR),
            max_overtime=_OVERTIME_MINUTES,
        )
        set_skills(uow, account.id, {skill_ids[code]: _SKILLED for code in sorted(each.skills)})
        shift = ShiftTimes(each.shift_start, each.shift_end, *_BREAK)
        set_shifts(uow, account.id, dict.fromkeys(_WORKDAYS, shift))
