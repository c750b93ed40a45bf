"""What a technician's time costs, the life of a route plan, and why an order is in none."""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from rental.core.errors import Conflict, Invalid
from rental.core.states import States

TECHNICIAN_YEN_PER_HOUR = 2_600
OVERTIME_PERCENT = 125
YEN_PER_KM = 28
VAN_DAY_YEN = 1_900

# What it is worth to do an order today: enough for any journey of a day, and more the longer it waited.
ORDER_VALUE_YEN = 30_000
WAITING_DAY_YEN = 3_000
LONGEST_WAIT_DAYS = 60
# Somebody was promised this visit: it is left out only when nobody can make it.
PROMISED_VALUE_YEN = 1_000_000

SECONDS_OFFERED = (5, 15, 60)
MOST_SECONDS = 120
HIGHEST_LEVEL = 3
MINUTES_OF_A_DAY = 24 * 60
SHORTEST_STAY = 15
MOST_OVERTIME = 240
MOST_BREAK = 120
FIRST_MINUTES = 5  # a plan for today begins at a full five minutes
# A search that nobody began or went on with for so long holds up no other one for its day.
GIVEN_UP_AFTER = timedelta(minutes=10)


class PlanState(StrEnum):
    """How far a route plan is."""

    REQUESTED = "requested"
    RUNNING = "running"
    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    FAILED = "failed"


PLAN_STATES = States(
    {
        PlanState.REQUESTED: {PlanState.RUNNING, PlanState.DRAFT, PlanState.FAILED},
        PlanState.RUNNING: {PlanState.DRAFT, PlanState.FAILED},
        PlanState.DRAFT: {PlanState.PUBLISHED, PlanState.SUPERSEDED},
        PlanState.PUBLISHED: {PlanState.SUPERSEDED},
        PlanState.SUPERSEDED: set(),
        PlanState.FAILED: set(),
    }
)
WAITED_FOR = frozenset({PlanState.REQUESTED, PlanState.RUNNING})


class PlanFailure(StrEnum):
    """Why there is no plan."""

    NOBODY_AT_WORK = "nobody_at_work"
    BAD_FACTS = "bad_facts"
    CHECK_FAILED = "check_failed"


class Absence(StrEnum):
    """Why a technician has no route on this day."""

    NOT_SET_UP = "not_set_up"
    DAY_OFF = "day_off"
    NO_SHIFT = "no_shift"
    SHIFT_OVER = "shift_over"


class LeftOutReason(StrEnum):
    """Why an order is in no route."""

    NO_POSITION = "no_position"
    CLOSED = "closed"
    NO_SKILL = "no_skill"
    PINNED = "pinned"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"
    TOO_LONG = "too_long"
    WINDOW = "window"
    NO_TIME = "no_time"
    NOT_WORTH = "not_worth"


class CureKind(StrEnum):
    """What would bring an order that was left out into the plan."""

    OVERTIME = "overtime"
    OTHER_TIME = "other_time"
    OTHER_PERSON = "other_person"
    HIGHER_VALUE = "higher_value"


class Hours(NamedTuple):
    """From when until when, in minutes after midnight of the same day."""

    starts: int
    ends: int


class ShiftTimes(NamedTuple):
    """One day's work in minutes after midnight, and a break that starts inside its own window."""

    starts: int
    ends: int
    break_minutes: int = 0
    break_from: int = 0
    break_until: int = 0


class PublicHoliday(Invalid):
    """A national holiday is everybody's day off, unless whoever plans the day says otherwise."""

    code = "dispatch.public_holiday"
    field = "on_holiday"

    def __init__(self, *, planned_on: date) -> None:
        super().__init__(planned_on=planned_on.isoformat())


class BadShift(Invalid):
    """A shift that cannot be worked."""

    code = "dispatch.bad_shift"


class BadBreak(Invalid):
    """A break has to begin and end inside the shift, however late it is taken."""

    code = "dispatch.bad_break"
    field = "break_from"


class BadLevel(Invalid):
    """Levels go from 1 to 3."""

    code = "dispatch.bad_level"


class BadCost(Invalid):
    """An hour of somebody's work costs something, and nobody may work without end."""

    code = "dispatch.bad_cost"


class OrdersChanged(Conflict):
    """Orders of the plan are not what they were when it was made."""

    code = "dispatch.orders_changed"

    def __init__(self, *, numbers: Sequence[str]) -> None:
        super().__init__(numbers=", ".join(numbers))


class DayChanged(Conflict):
    """Orders, people or shifts of the day are not what they were when the plan was made."""

    code = "dispatch.day_changed"


class CannotGo(Conflict):
    """A technician of the plan cannot be sent out any more."""

    code = "dispatch.cannot_go"

    def __init__(self, *, names: Sequence[str]) -> None:
        super().__init__(names=", ".join(names))


class DoesNotFit(Conflict):
    """The stop cannot be made by this technician at this place of the route."""

    code = "dispatch.does_not_fit"
    field = "technician_id"


def require_shift(shift: ShiftTimes) -> None:
    """Raises BadShift, or BadBreak."""
    if not 0 <= shift.starts < shift.ends <= MINUTES_OF_A_DAY:
        raise BadShift
    if not shift.break_minutes:
        return
    begins_inside = shift.starts <= shift.break_from <= shift.break_until
    if (
        not 0 < shift.break_minutes <= MOST_BREAK
        or not begins_inside
        or shift.break_until + shift.break_minutes > shift.ends
    ):
        raise BadBreak


def require_level(level: int) -> None:
    """Raises BadLevel."""
    if not 1 <= level <= HIGHEST_LEVEL:
        raise BadLevel


def value_when_left_out(waiting_days: int) -> int:
    """Yen that are lost when an order waits another day. Old ones weigh more, so that none waits for ever."""
    return ORDER_VALUE_YEN + WAITING_DAY_YEN * max(0, min(waiting_days, LONGEST_WAIT_DAYS))


def overtime_premium(hourly_yen: int) -> int:
    """Yen for an hour of overtime on top of the wage, which driving and work already count.

    >>> overtime_premium(2600)
    650
    """
    return hourly_yen * (OVERTIME_PERCENT - 100) // 100


def service_windows(hours: Sequence[Hours], minutes: int) -> tuple[Hours, ...]:
    """When work of so many minutes may start, inside the hours of a site.

    It ends before the site closes. Where it takes longer than the site is open, somebody has to be there
    fifteen minutes before closing.

    >>> service_windows([Hours(540, 720)], 60)
    (Hours(starts=540, ends=660),)
    """
    minutes = max(1, minutes)
    return tuple(
        Hours(opens, closes - minutes if minutes <= closes - opens else max(opens, closes - SHORTEST_STAY))
        for opens, closes in hours
    )
