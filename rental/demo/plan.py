"""What happens in the demo company, as plain values before anything is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from rental.contracts.rules import RenewalPolicy
from rental.core.national_holidays import is_national_holiday
from rental.customers.rules import PositionSource, Window
from rental.demo.design import Area, Design
from rental.demo.names import Firm, Name

FIRST_MONTH = date(2024, 12, 1)
MONTHS = 24
_SATURDAY = 5


class Moment(NamedTuple):
    """A day of the story, and minutes after its midnight."""

    day: date
    minute: int


@dataclass(eq=False, slots=True)
class SitePlan:
    """Where machines are to stand."""

    name: Name
    area: Area
    street: str
    building: str
    phone: str
    latitude: float
    longitude: float
    source: PositionSource
    precision_m: int | None
    hours: Mapping[int, Sequence[Window]]


@dataclass(eq=False, slots=True)
class CustomerPlan:
    """Who rents, and whom we talk to there."""

    firm: Firm
    trade: str
    contact: Name
    phone: str
    email: str
    closing_day: int
    sites: list[SitePlan]


@dataclass(eq=False, slots=True)
class ContractPlan:
    """What is promised to a customer, site by site: (model, how many).

    `waiting` counts the contracts of which nothing is installed yet; those say by when it is wanted.
    """

    customer: CustomerPlan
    machines: dict[SitePlan, dict[str, int]]
    drafted: Moment
    activated: Moment
    plan: str = "STD"
    months: int = 24
    renewal: RenewalPolicy = RenewalPolicy.AUTO
    waiting: int | None = None
    wanted_on: date | None = None

    def add(self, site: SitePlan, model: str, count: int = 1) -> None:
        """More machines of the model at one of the sites."""
        at_site = self.machines.setdefault(site, {})
        at_site[model] = at_site.get(model, 0) + count

    @property
    def slot_count(self) -> int:
        return sum(sum(at_site.values()) for at_site in self.machines.values())


@dataclass(eq=False, slots=True)
class Registration:
    """A customer is taken into the books, with all sites."""

    when: Moment
    customer: CustomerPlan


@dataclass(eq=False, slots=True)
class Drafting:
    """A contract is written; it stays a draft unless an activation follows."""

    when: Moment
    contract: ContractPlan


@dataclass(eq=False, slots=True)
class Activation:
    """A contract becomes active, and its jobs are opened."""

    when: Moment
    contract: ContractPlan


@dataclass(eq=False, slots=True)
class Delivery:
    """So many units of a model arrive at a house, and are shelved there on another day, or not yet."""

    when: Moment
    model: str
    count: int
    base: str
    shelved: Moment | None
    serials: Sequence[str]


@dataclass(eq=False, slots=True)
class Shelving:
    """Everything of a delivery is looked at and comes to a shelf."""

    when: Moment
    delivery: Delivery


@dataclass(eq=False, slots=True)
class Retirement:
    """So many of the oldest free units of a model come to the end of their life."""

    when: Moment
    model: str
    count: int


@dataclass(eq=False, slots=True)
class Sending:
    """A job of a contract is planned for a technician; it is published unless it is for later."""

    when: Moment
    contract: ContractPlan
    site: SitePlan
    technician: int
    starts: Moment
    is_published: bool = True


@dataclass(eq=False, slots=True)
class Installing:
    """The technician comes, scans every machine and completes the job."""

    when: Moment
    sending: Sending
    minutes: int


@dataclass(eq=False, slots=True)
class PriceRise:
    """Some plans get a second version, told some weeks before the day on which it begins."""

    when: Moment
    valid_from: date
    categories: frozenset[str]
    percent: int


@dataclass(eq=False, slots=True)
class Closing:
    """A day is closed, or opened again: whoever closes then gets an invoice for what is due."""

    when: Moment
    closed_on: date


Happening = (
    Registration
    | Drafting
    | Activation
    | Delivery
    | Shelving
    | Retirement
    | Sending
    | Installing
    | PriceRise
    | Closing
)


@dataclass(eq=False, slots=True)
class CompanyPlan:
    """The whole story, in the order in which it happens."""

    design: Design
    technicians: int
    customers: Sequence[CustomerPlan]
    contracts: Sequence[ContractPlan]
    happenings: Sequence[Happening] = field(default_factory=list)


def month_day(month: int, day: int) -> date:
    """A day of the month of the story with this number, 0 being the first."""
    years, index = divmod(FIRST_MONTH.month - 1 + month, 12)
    return date(FIRST_MONTH.year + years, index + 1, day)


def month_of(day: date) -> int:
    """The number of the month of the story in which this day is."""
    return (day.year - FIRST_MONTH.year) * 12 + day.month - FIRST_MONTH.month


def is_workday(day: date) -> bool:
    """The company works from Monday to Friday, but not on holidays, nor from 29 December to 3 January."""
    is_year_end = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    return day.weekday() < _SATURDAY and not is_year_end and not is_national_holiday(day)


def workday(day: date, *, steps: int = 0) -> date:
    """This day, or the next on which the company works; then so many workdays on, or back when negative."""
    one = timedelta(days=-1 if steps < 0 else 1)
    while not is_workday(day):
        day += one
    for _ in range(abs(steps)):
        day += one
        while not is_workday(day):
            day += one
    return day
