"""Who measures the ways between sites: the road service of the settings, and what it measured before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.core.runtime import runtime
from rental.core.uow import begin, system
from rental.core.upserts import insert_new
from rental.dispatch.models import TravelPair
from rental.routing.journeys import Journey, Pair
from rental.routing.road_services import Osrm, Valhalla
from rental.routing.roads import Roads
from rental.routing.travel import Point, StraightLine, TravelProvider

PLANNER = system("planner")
PLACES_AT_ONCE = 200
NOT_ASKED = -1.0  # metres: no way is that short


def measuring_travel(session: Session) -> TravelProvider:
    """The road service of the settings, asked for ways it has not measured yet; without one, straight lines.

    May take as long as the service does, and keeps what it says in a transaction of its own.
    """
    service = road_service()
    return StraightLine() if service is None else Roads(service, cache=KeptPairs(session))


def known_travel(session: Session) -> TravelProvider:
    """The same without asking anybody, for use inside a transaction: what is not known is estimated."""
    service = road_service()
    if service is None:
        return StraightLine()
    return Roads(replace(service, farthest=NOT_ASKED), cache=KeptPairs(session))


def road_service() -> Osrm | Valhalla | None:
    """None where no service is set."""
    current = runtime()
    if current.roads_url is None:
        return None
    kind, _plus, url = current.roads_url.partition("+")
    if kind == "osrm":
        return Osrm(url, version=current.roads_version)
    return Valhalla(url, version=current.roads_version)


@dataclass(frozen=True, slots=True)
class KeptPairs:
    """Pairs in the database, read where the plan is made and written for everybody."""

    session: Session

    def known(self, source: str, pairs: Iterable[Pair]) -> dict[Pair, Journey]:
        wanted = {(key_of(origin), key_of(target)): (origin, target) for origin, target in pairs}
        places = sorted({place for both in wanted for place in both})
        found: dict[Pair, Journey] = {}
        for since in range(0, len(places), PLACES_AT_ONCE):
            rows = self.session.scalars(
                select(TravelPair).where(
                    TravelPair.source == source,
                    TravelPair.from_place.in_(places[since : since + PLACES_AT_ONCE]),
                    TravelPair.to_place.in_(places),
                )
            )
            for row in rows:
                pair = wanted.get((row.from_place, row.to_place))
                if pair is not None:
                    found[pair] = Journey(row.seconds, row.metres, row.is_possible)
        return found

    def keep(self, source: str, journeys: Mapping[Pair, Journey]) -> None:
        """Two who measure the same way at once both have it."""
        if not journeys:
            return
        with begin(PLANNER) as uow:
            rows = [
                {
                    "source": source,
                    "from_place": key_of(origin),
                    "to_place": key_of(target),
                    "seconds": journey.seconds,
                    "metres": journey.metres,
                    "is_possible": journey.is_possible,
                    "measured_at": uow.now,
                }
                for (origin, target), journey in journeys.items()
            ]
            insert_new(
                uow.session, TravelPair, sorted(rows, key=lambda row: (row["from_place"], row["to_place"]))
            )


def key_of(point: Point) -> str:
    return f"{point.latitude:.6f},{point.longitude:.6f}"
