"""What is bought: enough for every promise before it is made, and some more."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from rental.demo.design import Design
from rental.demo.plan import (
    MONTHS,
    ContractPlan,
    Delivery,
    Moment,
    Retirement,
    month_day,
    month_of,
    workday,
)
from rental.demo.sizes import Size

_SHARE_OF_BASES = {"B1": 70, "B2": 18, "B3": 12}
_STILL_PACKED = "WS-10"
_RETIRED_MODELS = ("CM-200", "WS-10", "PT-2")
_RETIRED_SINCE = 15


def plan_supply(
    design: Design, size: Size, contracts: Sequence[ContractPlan], chance: Random
) -> list[Delivery | Retirement]:
    """Deliveries of every month and the ends of some units' lives; as many units as the size says."""
    retirements = _retirements(size)
    wanted = {product.code: [0] * MONTHS for product in design.products}
    for contract in contracts:
        for machines in contract.machines.values():
            for code, count in machines.items():
                wanted[code][month_of(contract.activated.day)] += count
    promised = {code: sum(by_month) for code, by_month in wanted.items()}
    for retirement in retirements:
        wanted[retirement.model][month_of(retirement.when.day)] += retirement.count
    bought = sum(sum(by_month) for by_month in wanted.values())
    spare = _shared(size.units - size.in_receiving - bought, promised)

    serials: Counter[str] = Counter()
    deliveries = [
        _delivery(code, count, workday(month_day(month, 1)), serials, chance)
        for code in wanted
        for month, count in _by_month(code, wanted[code], spare[code], size)
    ]
    if size.in_receiving:
        yesterday = workday(design.today - timedelta(days=1))
        last = _delivery(_STILL_PACKED, size.in_receiving, yesterday, serials, chance)
        last.shelved = None
        deliveries.append(last)
    return [*deliveries, *retirements]


def _retirements(size: Size) -> list[Retirement]:
    """One here and there, from the second year on."""
    months = range(_RETIRED_SINCE, MONTHS - 1)
    counts = Counter(
        (months[number % len(months)], _RETIRED_MODELS[number % len(_RETIRED_MODELS)])
        for number in range(size.retired)
    )
    return [
        Retirement(Moment(workday(month_day(month, 26)), 960), model, count)
        for (month, model), count in counts.items()
    ]


def _shared(total: int, by: dict[str, int]) -> dict[str, int]:
    """The total shared out in proportion, in whole pieces, the largest rests first."""
    weights = {code: count + 0.5 for code, count in by.items()}
    exact = {code: total * weight / sum(weights.values()) for code, weight in weights.items()}
    shares = {code: int(share) for code, share in exact.items()}
    rests = sorted(exact, key=lambda code: shares[code] - exact[code])
    for code in rests[: total - sum(shares.values())]:
        shares[code] += 1
    return shares


def _by_month(code: str, wanted: Sequence[int], spare: int, size: Size) -> Iterator[tuple[int, int]]:
    """How many come in which month: always enough for what is promised in it, the spare ones bit by bit."""
    targets = [sum(wanted[: month + 1]) + spare * (month + 1) // MONTHS for month in range(MONTHS)]
    fixed = [size.batches.get((code, f"{month_day(month, 1):%Y-%m}")) for month in range(MONTHS)]
    for month in reversed(range(MONTHS - 1)):  # what a fixed batch cannot cover comes before it
        coming = fixed[month + 1]
        if coming is not None:
            targets[month] = max(targets[month], targets[month + 1] - coming)
    received = 0
    for month, batch in enumerate(fixed):
        count = max(0, targets[month] - received) if batch is None else batch
        received += count
        if count:
            yield month, count
    if received != targets[-1]:
        raise ValueError(f"{received} units of {code} come instead of {targets[-1]}")


def _delivery(code: str, count: int, day: date, serials: Counter[str], chance: Random) -> Delivery:
    series = f"{code.replace('-', '')}-{day:%y%m}"
    first = serials[series] + 1
    serials[series] += count
    (base,) = chance.choices(list(_SHARE_OF_BASES), list(_SHARE_OF_BASES.values()))
    return Delivery(
        when=Moment(day, chance.randint(540, 900)),
        model=code,
        count=count,
        base=base,
        shelved=Moment(workday(day, steps=1), chance.randint(540, 960)),
        serials=[f"{series}{number:04}" for number in range(first, first + count)],
    )
