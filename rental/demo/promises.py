"""What is promised: machines in the sets people want together, contracts spread over two years of growth."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from random import Random

from rental.contracts.rules import RenewalPolicy, months_after
from rental.demo.design import Design
from rental.demo.plan import (
    MONTHS,
    ContractPlan,
    CustomerPlan,
    Moment,
    SitePlan,
    month_day,
    month_of,
    workday,
)
from rental.demo.sizes import Size

# Who wants which set, best first; a set nobody of these wants goes to anybody.
_WANTED_BY = {
    "KIT-CAFE-L": ("cafe",),
    "KIT-POS-R": ("restaurant",),
    "KIT-POS-1": ("retail", "cafe"),
    "KIT-SEC-4": ("retail", "office"),
    "KIT-OFFICE": ("office", "clinic"),
    "KIT-CAFE-S": ("cafe", "restaurant", "clinic"),
}
# Single machines each trade rents, with how often.
_SINGLES = {
    "cafe": {"CM-200": 5, "WS-10": 3, "IM-25": 2, "AP-40": 1, "DS-43": 1, "CM-500": 1},
    "restaurant": {"IM-25": 4, "WS-30": 3, "PT-2": 2, "SC-4K": 2, "AP-40": 1},
    "retail": {"DS-43": 4, "SC-4K": 3, "WS-10": 2, "PT-2": 2, "AP-40": 1},
    "office": {"WS-10": 5, "CM-200": 3, "AP-40": 3, "DS-43": 1, "CM-500": 1},
    "clinic": {"AP-40": 4, "WS-10": 4, "DS-43": 2, "CM-200": 1},
}
_PLANS = {"STD": 45, "LITE": 27, "PRM": 23, "TRIAL": 5}
_AUGUST, _DIP = 8, 0.4
_GROWTH_PER_MONTH = 0.05
# Nothing is promised in the last days but what is still to be installed.
_FIRST_DAY, _LAST_DAY, _LAST_DAY_OF_LAST_MONTH = 8, 24, 11
# What is still to be installed, for whom; the first ones are wanted by today, the others by the next workday.
# Nobody of the company may connect the DS-75 to its 200 V, and nobody can be at a mall before it opens.
_THIS_WEEK: Sequence[tuple[str, Mapping[str, int]]] = (
    ("office", {"WS-10": 1}),
    ("office", {"WS-10": 1}),
    ("cafe", {"CM-200": 1, "GR-10": 1}),
    ("restaurant", {"IM-25": 1}),
    ("retail", {"DS-43": 1}),
    ("clinic", {"AP-40": 1}),
    ("retail", {"SC-4K": 2}),
    ("restaurant", {"WS-30": 1}),
    ("office", {"CM-200": 1}),
    ("retail", {"DS-75": 1}),
    ("cafe", {"WS-10": 1}),
    ("mall", {"PT-2": 1, "PR-80": 1, "CR-1": 1}),
    ("office", {"AP-40": 1, "WS-10": 1}),
    ("restaurant", {"PT-2": 1}),
    ("cafe", {"CM-200": 1, "WS-30": 1}),
    ("clinic", {"WS-10": 1}),
    ("cafe", {"CM-500": 1}),
    ("retail", {"SC-4K": 4, "NV-8": 1}),
    ("restaurant", {"IM-25": 1}),
    ("office", {"DS-43": 1}),
    ("retail", {"AP-40": 1}),
)
_WANTED_BY_TODAY = 15
_TEN = 10 * 60
_WAITING_SINCE = (12, 13, 16, 17, 18, 18, 19)
_LAST_MONTH_FOR_CHAINS = 16
_SHORT_TERM_SINCE = 22
_TERMS = (12, 24, 36, 48)
_RENEWALS = (RenewalPolicy.AUTO, RenewalPolicy.AUTO, RenewalPolicy.AUTO, RenewalPolicy.CONFIRM)


def plan_contracts(
    design: Design, size: Size, customers: Sequence[CustomerPlan], chance: Random
) -> list[ContractPlan]:
    """Every active contract, and after them the drafts; in all as many slots as the size says."""
    contracts = _first_contracts(customers, chance)
    contracts += _later_contracts(design, size, contracts, chance)
    _place_kits(design, size, contracts, chance)
    _place_singles(size, contracts, chance)
    for contract in contracts:
        _agree_terms(design, contract, chance)
    contracts.sort(key=lambda contract: contract.activated)
    return [*contracts, *_drafts(design, size, contracts, chance)]


def _first_contracts(customers: Sequence[CustomerPlan], chance: Random) -> list[ContractPlan]:
    contracts = []
    for number, customer in enumerate(customers):
        is_chain = len(customer.sites) > 5
        month = 0 if number == 0 else _month(chance, _LAST_MONTH_FOR_CHAINS if is_chain else MONTHS)
        contracts.append(_contract(customer, customer.sites, _day_in(month, chance), chance))
    return contracts


def _later_contracts(
    design: Design, size: Size, first: Sequence[ContractPlan], chance: Random
) -> list[ContractPlan]:
    """Customers who come again: for another of their sites, or for one more machine at the same."""
    again = chance.sample(first[1:], size.contracts - len(first))
    contracts = list(_waiting_contracts(design, size, again, chance))
    for before in again:
        sites = before.customer.sites
        moved = sites[1 + len(sites) // 2 :] or sites[1:]
        for site in moved:
            del before.machines[site]
        later = _month(chance, MONTHS, since=month_of(before.activated.day))
        day = max(_day_in(later, chance), before.activated.day)
        contracts.append(_contract(before.customer, moved or sites, day, chance))
    return contracts


def _waiting_contracts(
    design: Design, size: Size, again: list[ContractPlan], chance: Random
) -> Iterator[ContractPlan]:
    """What was promised in the last days, to customers taken from `again` who want such machines."""
    for number, (kind, machines) in enumerate(_THIS_WEEK[: size.waiting]):
        before = next(each for each in again if _kind_of(each.customer) == kind)
        again.remove(before)
        day = month_day(MONTHS - 1, _WAITING_SINCE[number % len(_WAITING_SINCE)])
        site = before.customer.sites[0]
        contract = _contract(before.customer, [site], day, chance)
        for code, count in machines.items():
            contract.add(site, code, count)
        contract.waiting = number
        steps = -(number % 3) if number < _WANTED_BY_TODAY else 1
        contract.wanted_on = workday(design.today, steps=steps)
        yield contract


def _kind_of(customer: CustomerPlan) -> str:
    """The trade, but a mall for a shop that lets people in before ten only."""
    hours = customer.sites[0].hours.values()
    is_early = all(window.closes <= _TEN for windows in hours for window in windows)
    return "mall" if customer.trade == "retail" and is_early else customer.trade


def _contract(customer: CustomerPlan, sites: Sequence[SitePlan], day: date, chance: Random) -> ContractPlan:
    drafted = workday(day, steps=-chance.randint(2, 5))
    return ContractPlan(
        customer=customer,
        machines={site: {} for site in sites},
        drafted=Moment(drafted, chance.randint(600, 1050)),
        activated=Moment(day, chance.randint(570, 1050)),
    )


def _place_kits(design: Design, size: Size, contracts: Sequence[ContractPlan], chance: Random) -> None:
    """Each set of machines at a site of its own, where the trade wants it."""
    free = [(c, site) for c in contracts if c.waiting is None for site in c.machines]
    chance.shuffle(free)
    for kit in sorted(design.kits, key=lambda kit: list(_WANTED_BY).index(kit.code)):
        wanted_by = _WANTED_BY[kit.code]
        for number in range(size.kits.get(kit.code, 0)):
            wishes = [*wanted_by[number % len(wanted_by) :], *wanted_by, *_SINGLES]
            place = next(p for trade in wishes for p in free if p[0].customer.trade == trade)
            free.remove(place)
            contract, site = place
            for code, count in kit.machines:
                contract.add(site, code, count)


def _place_singles(size: Size, contracts: Sequence[ContractPlan], chance: Random) -> None:
    """One machine wherever there is none yet, the rest at random."""
    for contract in contracts:
        for site in [site for site, machines in contract.machines.items() if not machines]:
            contract.add(site, _single(contract, chance))
    growing = [contract for contract in contracts if contract.waiting is None]
    missing = size.slots - sum(contract.slot_count for contract in contracts)
    if missing < 0:
        raise ValueError(f"the kits leave {-missing} slots too few for one machine at every site")
    for _ in range(missing):
        contract = chance.choice(growing)
        contract.add(chance.choice(list(contract.machines)), _single(contract, chance))


def _agree_terms(design: Design, contract: ContractPlan, chance: Random) -> None:
    """A plan, and a term that has not run out by now."""
    plan = _weighted(_PLANS, chance)
    if month_of(contract.activated.day) >= _SHORT_TERM_SINCE and chance.random() < 0.15:
        plan = "SPOT"
    least = next(each for each in design.plans if each.code == plan).minimum_months
    begins = contract.activated.day
    open_terms = [m for m in _TERMS if m >= least and months_after(begins, m) > design.today]
    contract.plan = plan
    contract.months = 2 if plan == "SPOT" else chance.choice(open_terms[:2])
    contract.renewal = RenewalPolicy.EXPIRE if plan == "SPOT" else chance.choice(_RENEWALS)


def _drafts(
    design: Design, size: Size, contracts: Sequence[ContractPlan], chance: Random
) -> Iterator[ContractPlan]:
    """Contracts that somebody is still writing."""
    for number, before in enumerate(chance.sample(contracts[: len(contracts) // 2], size.drafts)):
        day = workday(design.today, steps=-(number % 4))
        site = before.customer.sites[0]
        draft = _contract(before.customer, [site], day, chance)
        draft.drafted = Moment(day, 600 + 20 * number)
        draft.add(site, _single(draft, chance), 1 + number % 2)
        yield draft


def _single(contract: ContractPlan, chance: Random) -> str:
    return _weighted(_SINGLES[contract.customer.trade], chance)


def _month(chance: Random, until: int, *, since: int = 0) -> int:
    """A month of the story: each a little stronger than the one before, August weak."""
    months = range(since, until)
    weights = [
        (1 + _GROWTH_PER_MONTH * month) * (_DIP if month_day(month, 1).month == _AUGUST else 1)
        for month in months
    ]
    return chance.choices(months, weights)[0]


def _day_in(month: int, chance: Random) -> date:
    last = _LAST_DAY_OF_LAST_MONTH if month == MONTHS - 1 else _LAST_DAY
    return workday(month_day(month, chance.randint(_FIRST_DAY, last)))


def _weighted(weights: Mapping[str, int], chance: Random) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
