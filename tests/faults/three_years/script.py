"""Who rents what, and what happens on which day of three years: written down before anything happens.

Everything follows from a seed, so that the same story can be told twice, with and without accidents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from rental.catalog.rules import StartPolicy, StopPolicy, TaxClass, Timing
from rental.core.money import Rounding
from tests.rules.billing.naive_rater import NEVER, Agreed

FIRST = date(2026, 4, 1)
DAYS = 1096  # until the end of March 2029
CLOSING_DAYS = (31, 20, 10, 15, 25, 5)
MODES = ("actual", "actual", "fixed30", "full", "free")
# A line so dear that what is given back of the others never makes an invoice negative.
DEAR = 900_000
OPTION_FEES = (500, 1980, 7777)


class Happening(NamedTuple):
    """What somebody does about a contract on a day; the seed decides what exactly."""

    on: date
    name: str
    contract: int
    seed: str


@dataclass(frozen=True)
class Tenancy:
    """One contract of the story and what its first line says, in the words of the slow rater.

    Two contracts share an account. The first of them also has a dear line, and nobody ever leaves it.
    `discount_periods` grants the discount for so many periods instead of on the days of `agreed`.
    """

    number: int
    closing_day: int
    rounding: Rounding
    agreed: Agreed
    machines: int
    tax_class: TaxClass
    start: StartPolicy
    stop: StopPolicy
    timing: Timing
    lead_days: int
    signed_on: date
    is_plain: bool
    is_cut_anew: bool
    discount_periods: int | None = None
    overrun_fee: int | None = None
    is_metered: bool = False
    has_costs: bool = False

    @property
    def is_steady(self) -> bool:
        return self.number % 2 == 0

    @property
    def trial_days(self) -> int:
        return 14 if self.start is StartPolicy.AFTER_TRIAL else 0

    @property
    def account(self) -> int:
        return self.number // 2


def tenancies(count: int, seed: str, *, closing_days: int) -> list[Tenancy]:
    """So many contracts of every kind, signed in the course of some months."""
    days = CLOSING_DAYS[:closing_days]
    return [_tenancy(number, seed, days[number // 2 % closing_days]) for number in range(count)]


def _tenancy(number: int, seed: str, closing_day: int) -> Tenancy:
    chance, account = Random(f"{seed} tenancy {number}"), Random(f"{seed} account {number // 2}")
    rounding = account.choice(list(Rounding))
    is_plain, is_metered = number % 4 == 0, number % 4 == 1
    agreed = _agreed(chance, closing_day, rounding, is_plain=is_plain)
    return Tenancy(
        number=number,
        closing_day=closing_day,
        rounding=rounding,
        agreed=agreed,
        machines=chance.randint(1, 3),
        tax_class=chance.choice((TaxClass.STANDARD, TaxClass.STANDARD, TaxClass.REDUCED, TaxClass.EXEMPT)),
        start=chance.choice((StartPolicy.INSTALLATION, StartPolicy.AFTER_TRIAL, StartPolicy.NEXT_MONTH)),
        stop=tuple(StopPolicy)[number // 2 % len(StopPolicy)],
        timing=Timing.ARREARS if is_plain else tuple(Timing)[number // 2 % 2],
        lead_days=0 if is_plain else chance.choice((0, 0, 10)),
        signed_on=FIRST + timedelta(days=chance.randint(0, 20 if number % 2 == 0 else 150)),
        is_plain=is_plain,
        is_cut_anew=number % 4 == 3,
        discount_periods=chance.choice((None, 3)) if agreed.percent_off and number % 4 != 3 else None,
        overrun_fee=None if is_plain else chance.choice((None, 0, 15_000)),
        is_metered=is_metered,
        has_costs=number % 3 != 0,
    )


def _agreed(chance: Random, closing_day: int, rounding: Rounding, *, is_plain: bool) -> Agreed:
    """A plain rent is cut on the day after the closing day."""
    fee = chance.choice((0, 980, 3333, 12_000))
    if is_plain:
        return Agreed(date(2026, 1, closing_day % 31 + 1), fee=fee, rounding=rounding.value)
    percent_off = chance.choice((0, 7, 100))
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


# How often each is tried, of a hundred; most can be refused for what happened before.
_WEIGHTS = {
    "price": 24,
    "slot_price": 8,
    "quantity": 14,
    "pause": 12,
    "correct": 12,
    "withdraw": 10,
    "anchor": 6,
    "restart": 6,
    "revise": 5,
    "option": 4,
    "remove": 3,
    "fetch": 4,
}
# What may move the first day of a contract before a closing that is over, which then gets its own document.
_UNMETERED = ("correct",)


def happenings(tenants: Sequence[Tenancy], seed: str, *, every: int) -> dict[date, list[Happening]]:
    """Everything that happens, by day; to each contract something about every so many days."""
    by_day: dict[date, list[Happening]] = {}
    for tenancy in tenants:
        for number, (on, name) in enumerate(_life(tenancy, Random(f"{seed} life {tenancy.number}"), every)):
            happening = Happening(on, name, tenancy.number, f"{seed} {tenancy.number} {number}")
            by_day.setdefault(on, []).append(happening)
    return by_day


def _life(tenancy: Tenancy, chance: Random, every: int) -> Iterator[tuple[date, str]]:
    """From the signature to the day on which the last machine is fetched, if somebody ever leaves."""
    day, last = tenancy.signed_on, FIRST + timedelta(days=DAYS - 1)
    yield day, "sign"
    installed = day + timedelta(days=chance.randint(0, 12))
    if tenancy.machines > 1 and chance.random() < 0.5:
        yield installed, "install_some"
        installed += timedelta(days=chance.randint(1, 20))
    yield installed, chance.choice(("install", "install", "tell_of_installation"))
    leaves = None if tenancy.is_steady else installed + timedelta(days=chance.randint(200, 800))
    while (day := day + timedelta(days=chance.randint(1, 2 * every))) <= last:
        if leaves is None or day < leaves:
            name = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
            yield day, "price" if tenancy.is_metered and name in _UNMETERED else name
            if name == "option":
                yield day + timedelta(days=chance.randint(1, 15)), "install"
    if tenancy.is_metered:
        read_until = last if leaves is None else leaves + timedelta(days=80)
        for first in range((installed - FIRST).days, (read_until - FIRST).days - 30, 30):
            yield FIRST + timedelta(days=first + chance.randint(0, 29)), "read_meter"
    if leaves is not None:
        yield leaves, "leave"
        yield leaves + timedelta(days=chance.randint(10, 70)), "fetch_all"
