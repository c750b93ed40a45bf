"""Who rents: customers of every trade, with sites jittered around public points."""

import math
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from rental.customers.geocoding import MUNICIPALITY_M
from rental.customers.rules import CustomerKind, PositionSource, Window
from rental.demo.design import Area, Design
from rental.demo.names import BUILDINGS, DEMO, Firm, Name, firms_of, person_name
from rental.demo.plan import CustomerPlan, SitePlan
from rental.demo.sizes import Size

# Shares of the trades, in hundredths; cafés and restaurants make 46 together.
TRADES = {"cafe": 26, "restaurant": 20, "retail": 24, "office": 18, "clinic": 12}
_MIDORI = Name("喫茶みどり", "キッサミドリ")
MIDORI = Firm(_MIDORI._replace(written=f"{_MIDORI.written}{DEMO}"), _MIDORI, CustomerKind.CORPORATION)
_CHAIN_TRADES = ("cafe", "retail", "restaurant")
_JITTER_M = 900
# Around these points 900 m would often lead into the water.
_NEAR_WATER_M = 300
_NEAR_WATER = frozenset({"豊洲", "品川", "横浜", "新橋", "千葉"})
_METRES_PER_DEGREE = 111_320
_MOST_SITES = 5
_CLOSED_ON_MONDAY = 0.08
_ROUGHLY_PLACED = 0.04

_MORNING, _AFTERNOON = Window(450, 630), Window(870, 1020)
_WEEKDAYS, _WITH_SATURDAY = range(5), range(6)


def plan_customers(design: Design, size: Size, chance: Random) -> list[CustomerPlan]:
    """Everybody who rents, the best known first, with their sites."""
    trades = _trades(size, chance)
    site_counts = _site_counts(size, chance)
    firms = {trade: firms_of(trade, chance) for trade in TRADES}
    seats = _Seats(design.areas, size.sites, chance)
    phones = (f"03-0000-{number:04}" for number in range(1, 10_000))
    customers = []
    for number, (trade, count) in enumerate(zip(trades, site_counts, strict=True), 1):
        firm = MIDORI if number == 1 else next(firms[trade])
        areas = [seats.take(trade) for _ in range(count)]
        customers.append(
            CustomerPlan(
                firm=firm,
                trade=trade,
                contact=person_name(chance),
                phone=next(phones),
                email="midori@example.jp" if firm is MIDORI else f"c{number:04}@example.jp",
                closing_day=chance.choice((20, 31, 31)),
                sites=[
                    _site(name, area, trade, next(phones), chance)
                    for name, area in _site_names(firm, areas, trade)
                ],
            )
        )
    return customers


def _trades(size: Size, chance: Random) -> list[str]:
    """A trade for each customer: the café everybody knows, the chains, then the mix."""
    first = ["cafe", *_CHAIN_TRADES[: len(size.chains)]]
    exact = {trade: size.customers * share / 100 for trade, share in TRADES.items()}
    others = [trade for trade in TRADES for _ in range(round(exact[trade]))]
    for trade in first:
        others.remove(trade)
    chance.shuffle(others)
    spare = ["retail"] * size.customers  # rounding may leave one too few
    return [*first, *others, *spare][: size.customers]


def _site_counts(size: Size, chance: Random) -> list[int]:
    """How many sites each customer has; in all as many as the size says."""
    several = [2] * size.several_sites
    single = size.customers - len(several) - len(size.chains)
    for _ in range(size.sites - sum(size.chains) - sum(several) - single):
        place = chance.choice([i for i, count in enumerate(several) if i and count < _MOST_SITES])
        several[place] += 1
    rest = several[1:] + [1] * single
    chance.shuffle(rest)
    return [several[0], *size.chains, *rest]


class _Seats:
    """The places for sites that each area has, handed out at random, to fitting trades first."""

    def __init__(self, areas: Sequence[Area], count: int, chance: Random) -> None:
        every = [area for area in areas for _ in range(area.site_count)]
        chance.shuffle(every)
        self._free = every[:count]

    def take(self, trade: str) -> Area:
        fitting = next((i for i, area in enumerate(self._free) if trade in area.trades), 0)
        return self._free.pop(fitting)


def _site_names(firm: Firm, areas: Sequence[Area], trade: str) -> Iterator[tuple[Name, Area]]:
    """Shops are called after where they are; a second one in the same area has a number."""
    seen: dict[str, int] = {}
    for area in areas:
        seen[area.name] = number = seen.get(area.name, 0) + 1
        ending = {"office": "オフィス", "clinic": "院"}.get(trade, "店")
        which = f"{area.name}{ending}" if number == 1 else f"{area.name}第{number}{ending}"
        yield Name(f"{firm.brand.written} {which}", firm.brand.read), area


def _site(name: Name, area: Area, trade: str, phone: str, chance: Random) -> SitePlan:
    street = f"{area.name}{chance.randint(1, 5)}-{chance.randint(1, 24)}-{chance.randint(1, 15)}"
    building = chance.choice(BUILDINGS)
    latitude, longitude = _near(area, chance)
    is_rough = chance.random() < _ROUGHLY_PLACED
    return SitePlan(
        name=name,
        area=area,
        street=street,
        building=building,
        phone=phone,
        latitude=area.latitude if is_rough else latitude,
        longitude=area.longitude if is_rough else longitude,
        source=PositionSource.MUNICIPALITY if is_rough else PositionSource.ENTERED,
        precision_m=MUNICIPALITY_M if is_rough else None,
        hours=_hours(trade, chance),
    )


def _near(area: Area, chance: Random) -> tuple[float, float]:
    """A point around the area's own, evenly spread over the circle."""
    radius = _NEAR_WATER_M if area.name in _NEAR_WATER else _JITTER_M
    distance, bearing = radius * math.sqrt(chance.random()), chance.uniform(0, 2 * math.pi)
    north = distance * math.cos(bearing) / _METRES_PER_DEGREE
    east = distance * math.sin(bearing) / (_METRES_PER_DEGREE * math.cos(math.radians(area.latitude)))
    return round(area.latitude + north, 6), round(area.longitude + east, 6)


def _hours(trade: str, chance: Random) -> Mapping[int, Sequence[Window]]:
    """When a technician may come: between meals, in office hours, in the break of a practice."""
    days = _WITH_SATURDAY
    windows: Sequence[Window] = (_MORNING, _AFTERNOON)
    if trade == "office":
        days, windows = _WEEKDAYS, (Window(540, 1080),)
    elif trade == "clinic":
        days, windows = _WEEKDAYS, (Window(780, 900),)
    elif trade == "retail":
        windows = (Window(480, 600),) if chance.random() < 0.5 else (Window(600, 1020),)
    closed = {0} if chance.random() < _CLOSED_ON_MONDAY else set()
    return {day: windows for day in days if day not in closed}
