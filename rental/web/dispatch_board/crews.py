"""Who is at work in a plan: a letter and a tone for each, the same in every picture and list."""

from dataclasses import dataclass
from uuid import UUID

from flask_babel import gettext as _

from rental.dispatch.models import PlanRoute, PlanStop, RoutePlan
from rental.dispatch.rules import PlanState
from rental.fieldwork.rules import VisitState
from rental.web.sentences import state_chip, state_label

TONES = 8
_CAN_BE_CALLED_OFF = (VisitState.PLANNED, VisitState.PUBLISHED)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the visit of a stop is: the mark it wears, and the word beside it."""

    chip: str
    label: str


@dataclass(frozen=True, slots=True)
class Crew:
    """A technician of the plan with what is theirs; faint while somebody else is looked at."""

    route: PlanRoute
    letter: str
    tone: int
    stops: tuple[PlanStop, ...]
    is_draft: bool
    is_faint: bool

    @property
    def busy_percent(self) -> int:
        """How much of the shift, without its break, is driven or worked."""
        route = self.route
        length = (route.shift_ends or 0) - (route.shift_starts or 0)
        if route.break_starts is not None and route.break_ends is not None:
            length -= route.break_ends - route.break_starts
        busy = sum(stop.travel_minutes + stop.ends - stop.starts for stop in self.stops) + route.home_minutes
        return 100 * busy // max(1, length)

    @property
    def overtime(self) -> int:
        """Minutes after the end of the shift."""
        return max(0, (self.route.returns or 0) - (self.route.shift_ends or 0))

    def mark_of(self, stop: PlanStop) -> Mark:
        """In a draft only visits that were there before have come anywhere yet."""
        visit = stop.visit
        if visit is None:
            return Mark("plan", _("New visit") if self.is_draft else _("No visit"))
        if self.is_draft and visit.state in _CAN_BE_CALLED_OFF:
            return Mark("hold", _("Given before"))
        return Mark(state_chip(visit.state), state_label(visit.state))

    def can_be_called_off(self, stop: PlanStop) -> bool:
        """Whether the stop has a visit that has not begun."""
        return stop.visit is not None and stop.visit.state in _CAN_BE_CALLED_OFF


def crews_of(plan: RoutePlan, looked_at: str = "") -> list[Crew]:
    """Who is at work, in the order of the plan. `looked_at` is the letter of one of them, or nobody's.

    Tones repeat after the last, letters never.
    """
    at_work = [route for route in plan.routes if route.absence is None and route.shift_starts is not None]
    letters = [letter_of(number) for number in range(len(at_work))]
    return [
        Crew(
            route,
            letter,
            number % TONES + 1,
            _stops_of(plan, route.technician_id),
            plan.state is PlanState.DRAFT,
            looked_at in letters and letter != looked_at,
        )
        for number, (route, letter) in enumerate(zip(at_work, letters, strict=True))
    ]


def letter_of(number: int) -> str:
    """A, B, … Z, A2, B2 and so on."""
    again, letter = divmod(number, 26)
    return chr(ord("A") + letter) + (str(again + 1) if again else "")


def _stops_of(plan: RoutePlan, technician_id: UUID) -> tuple[PlanStop, ...]:
    return tuple(stop for stop in plan.stops if stop.technician_id == technician_id)


def km(metres: int) -> str:
    """Kilometres with one decimal.

    >>> km(12340)
    '12.3'
    """
    return f"{metres / 1000:,.1f}"
