"""What was planned: who goes where and when, what is left out and why, and what it costs."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a visit is in no route: the first that is true, beginning with what no plan can change."""

    NO_SKILL = "no_skill"  # nobody has the skills it needs
    PINNED = "pinned"  # the one person it is pinned to is away, or has not the skills
    FORBIDDEN = "forbidden"  # those with the skills may not come
    NOT_ON_BOARD = "not_on_board"  # it needs more volume or parts than anybody of them has
    UNREACHABLE = "unreachable"  # no way leads there and back
    TOO_LONG = "too_long"  # journey and service are longer than a day
    WINDOW = "window"  # its windows lie where nobody can be there
    LINKED = "linked"  # what it is linked with, by a crew or an order, cannot be made
    NO_TIME = "no_time"  # everybody who could is full
    NOT_WORTH = "not_worth"  # it costs more than it is worth


class CureKind(StrEnum):
    """What would bring a visit that was left out into the plan."""

    OVERTIME = "overtime"  # let the person work longer
    OTHER_TIME = "other_time"  # agree on a time outside the windows
    OTHER_PERSON = "other_person"  # let somebody come who may not
    HIGHER_VALUE = "higher_value"  # it would pay if it were worth more


@dataclass(frozen=True, slots=True)
class Cure:
    """One way to bring a visit in: `yen` is what the plan then costs more, or by how much the value is short.

    `seconds` is the overtime beyond what is allowed today; `start` when the service would begin.
    """

    kind: CureKind
    yen: int
    person: str | None = None
    start: int | None = None
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A visit in no route."""

    visit: str
    reason: Reason
    cheapest_cure: Cure | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit on a route. Between arrival and start lie `waiting` and the breaks taken there only."""

    visit: str
    arrival: int
    waiting: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rest:
    """A break as it is taken; it may lie before the route starts or after it ends."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Route:
    """One person's day: leaves the start place at `start`, is back at the end place at `end`."""

    person: str
    start: int
    end: int
    stops: tuple[Stop, ...]
    breaks: tuple[Rest, ...] = ()

    @property
    def visits(self) -> tuple[str, ...]:
        return tuple(stop.visit for stop in self.stops)


@dataclass(frozen=True, slots=True)
class Plan:
    """A route for each person who has visits, in the order of the problem; the other visits with reasons.

    `cost` is the total of `price`, in yen.
    """

    routes: tuple[Route, ...]
    left_out: tuple[LeftOut, ...]
    cost: int

    @property
    def sequences(self) -> dict[str, tuple[str, ...]]:
        """Which visits each person makes, in order."""
        return {route.person: route.visits for route in self.routes}
