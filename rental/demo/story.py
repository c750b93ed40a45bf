"""The story of the demo company: 24 months from the first delivery to today, made from one seed."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from rental.demo.design import read_design
from rental.demo.market import plan_customers
from rental.demo.plan import (
    MONTHS,
    Activation,
    Closing,
    CompanyPlan,
    Delivery,
    Drafting,
    Happening,
    Installing,
    Moment,
    PriceRise,
    Registration,
    Shelving,
    month_day,
    workday,
)
from rental.demo.promises import plan_contracts
from rental.demo.rounds import plan_rounds
from rental.demo.sizes import SIZES, Profile
from rental.demo.supply import plan_supply

_EARLY_CLOSING_DAY = 20  # the others close at the end of the month
_BILLED_AT = 9 * 60 + 30
_PRICE_RISE = PriceRise(Moment(date(2026, 3, 16), 600), date(2026, 4, 1), frozenset({"CM", "IM"}), 3)


def plan_company(profile: Profile) -> CompanyPlan:
    """Everything that happens, in order. The same profile gives the same story on every machine."""
    design, size = read_design(), SIZES[profile]
    chance = Random(design.seed)  # noqa: S311 - a story that repeats itself, no secret
    customers = plan_customers(design, size, chance)
    contracts = plan_contracts(design, size, customers, chance)
    active = contracts[: size.contracts]
    happenings: list[Happening] = [_PRICE_RISE]
    known = set()
    for contract in sorted(contracts, key=lambda contract: contract.drafted):
        if contract.customer not in known:
            known.add(contract.customer)
            happenings.append(Registration(contract.drafted, contract.customer))
        happenings.append(Drafting(contract.drafted, contract))
    happenings += [Activation(contract.activated, contract) for contract in active]
    happenings += plan_rounds(design, size, active, chance)
    for step in plan_supply(design, size, active, chance):
        happenings.append(step)
        if isinstance(step, Delivery) and step.shelved:
            happenings.append(Shelving(step.shelved, step))
    happenings += _closings(design.today, happenings)
    happenings.sort(key=lambda happening: happening.when)  # equal moments stay in the order of their writing
    return CompanyPlan(design, size.technicians, customers, contracts, happenings)


def _closings(today: date, happenings: Sequence[Happening]) -> Iterator[Closing]:
    """Every closing day since the first installation, on the morning of the workday after it.

    Those of the last month are opened once more, for what was installed late and owes rent from before. The
    days of this month are left to whoever tries the product.
    """
    first_day = min(each.when.day for each in happenings if isinstance(each, Installing))
    for month in range(MONTHS - 1):
        end_of_month = month_day(month + 1, 1) - timedelta(days=1)
        for closed_on in (month_day(month, _EARLY_CLOSING_DAY), end_of_month):
            if closed_on >= first_day:
                yield Closing(Moment(workday(closed_on + timedelta(days=1)), _BILLED_AT), closed_on)
                if month == MONTHS - 2:
                    yield Closing(Moment(workday(today, steps=-1), _BILLED_AT), closed_on)
