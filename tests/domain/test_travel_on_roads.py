"""Plans on roads: the service is asked once for each way, and what it cannot say is marked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import func, select

from rental.config import SettingError, read_config
from rental.core.runtime import runtime
from rental.dispatch.models import RoutePlan, TravelPair
from rental.dispatch.queries import plan_with_all
from rental.dispatch.reassigning import places_for_stop
from rental.dispatch.travel import KeptPairs, known_travel, road_service
from rental.identity.permissions import Role
from rental.routing.journeys import NO_WAY, InMemory, Journey, PairCache
from rental.routing.road_services import Osrm, Valhalla
from rental.routing.roads import Roads
from rental.routing.travel import Point
from tests.factories.dispatching import ask_for_plan, make_orders, make_technician
from tests.rules.routing.test_roads import Service, somewhere
from tests.support.story import Story

THURSDAY = date(2026, 4, 2)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = Service()
    yield running
    running.close()


@pytest.fixture(params=["osrm", "valhalla"])
def roads(request: pytest.FixtureRequest, story: Story, service: Service) -> Iterator[str]:
    """The company has a road service; its kind."""
    with story.app.app_context():
        current = runtime()
        current.roads_url, current.roads_version = f"{request.param}+{service.url}", "2026-03"
        yield request.param
        current.roads_url, current.roads_version = None, "1"


def planned(story: Story, *, technicians: int = 1) -> RoutePlan:
    """The plan of three jobs, asked for and worked out."""
    if technicians:
        account_id: UUID = story.person(Role.TECHNICIAN, name="Mori", email="mori@example.jp").id
        with story.begin() as uow:
            make_technician(uow, account_id)
            make_orders(uow, 3)
    with story.begin("Mao Noguchi") as uow:
        plan_id = ask_for_plan(uow, THURSDAY)
    story.everything_happens()
    with story.reading() as session:
        plan = plan_with_all(session, plan_id)
        assert plan is not None
        return plan


def kept_count(story: Story) -> int:
    with story.reading() as session:
        return session.scalar(select(func.count()).select_from(TravelPair)) or 0


def test_a_plan_says_who_measured_its_ways_and_nobody_is_asked_twice(
    story: Story, roads: str, service: Service
) -> None:
    plan = planned(story)
    assert plan.travel_source == f"{roads} 2026-03"
    assert len(plan.stops) == 3
    assert not any(stop.travel_is_estimated for stop in plan.stops)
    assert kept_count(story) == 4 * 3, "each of four places to each other one"
    asked = len(service.asked)
    again = planned(story, technicians=0)
    assert again.travel_source == plan.travel_source
    assert len(service.asked) == asked
    assert again.cost == plan.cost


def test_another_version_of_the_roads_is_measured_anew(story: Story, roads: str, service: Service) -> None:
    planned(story)
    asked = len(service.asked)
    runtime().roads_version = "2026-04"
    plan = planned(story, technicians=0)
    assert plan.travel_source == f"{roads} 2026-04"
    assert len(service.asked) > asked
    assert kept_count(story) == 2 * 4 * 3


def test_ways_that_the_service_cannot_measure_are_marked_and_asked_for_again(
    story: Story, roads: str, service: Service
) -> None:
    service.garbage = b"[]"
    plan = planned(story)
    assert all(stop.travel_is_estimated for stop in plan.stops)
    assert [route.home_is_estimated for route in plan.routes] == [True]
    assert kept_count(story) == 0
    service.garbage = None
    better = planned(story, technicians=0)
    assert not any(stop.travel_is_estimated for stop in better.stops)
    assert kept_count(story) == 4 * 3


def test_a_stop_is_moved_with_what_is_known_and_without_asking(
    story: Story, roads: str, service: Service
) -> None:
    plan = planned(story)
    asked = len(service.asked)
    with story.reading() as session:
        draft = session.get_one(RoutePlan, plan.id)
        places = places_for_stop(session, draft, draft.stops[0])
    assert places
    assert len(service.asked) == asked


def test_without_a_service_ways_are_straight_lines_and_none_is_marked(story: Story) -> None:
    plan = planned(story)
    assert plan.travel_source == "straight-line 1"
    assert not any(stop.travel_is_estimated for stop in plan.stops)
    assert kept_count(story) == 0


def test_whoever_may_not_ask_takes_a_straight_line_for_what_is_not_known(
    story: Story, roads: str, service: Service
) -> None:
    places = [somewhere(0), somewhere(1), somewhere(2)]
    found = road_service()
    assert found is not None
    with story.reading() as session:
        KeptPairs(session).keep(
            f"{found.name} {found.version} car", {(places[0], places[1]): Journey(77, 88)}
        )
    with story.reading() as session:
        matrix = known_travel(session).matrix(places, "car", 0)
    assert service.asked == []
    assert matrix.seconds[0, 1] == 77
    assert matrix.estimated is not None
    assert int(matrix.estimated.sum()) == 5


@pytest.fixture(params=["in memory", "in the database"])
def pairs(request: pytest.FixtureRequest, story: Story) -> Iterator[PairCache]:
    if request.param == "in memory":
        yield InMemory()
        return
    with story.app.app_context(), story.reading() as session:
        yield KeptPairs(session)


def test_what_is_kept_is_known_for_its_source_only(pairs: PairCache) -> None:
    """One contract for every cache."""
    here, there, far = Point(35.1, 139.7), Point(35.2, 139.8), Point(-35.123456, -139.654321)
    pairs.keep("osrm 1 car", {(here, there): Journey(60, 900), (here, far): NO_WAY})
    pairs.keep("osrm 1 car", {})
    every = {(a, b) for a in (here, there, far) for b in (here, there, far) if a != b}
    assert pairs.known("osrm 1 car", every) == {(here, there): Journey(60, 900), (here, far): NO_WAY}
    assert pairs.known("osrm 2 car", every) == {}
    assert pairs.known("osrm 1 car", set()) == {}


def test_two_who_measure_one_way_at_once_both_have_it(story: Story) -> None:
    way = (Point(35.1, 139.7), Point(35.2, 139.8))
    with story.app.app_context(), story.reading() as session:
        for seconds in (60, 61):
            KeptPairs(session).keep("osrm 1 car", {way: Journey(seconds, 900)})
        assert KeptPairs(session).known("osrm 1 car", {way}) == {way: Journey(60, 900)}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"RENTAL_ROADS_URL": "https://roads.example.jp"}, "must begin with osrm"),
        ({"RENTAL_ROADS_URL": "google+https://roads.example.jp"}, "must begin with osrm"),
        ({"RENTAL_ROADS_URL": "osrm+ftp://roads.example.jp"}, "must begin with osrm"),
        ({"RENTAL_ROADS_URL": "osrm+https://"}, "must look like"),
        ({"RENTAL_ROADS_URL": "osrm+https://roads.example.jp/?key=1"}, "must look like"),
        ({"RENTAL_ROADS_URL": "valhalla+http://roads.example.jp"}, "must be https"),
        ({"RENTAL_ROADS_VERSION": "March 2026"}, "RENTAL_ROADS_VERSION must be"),
    ],
)
def test_a_setting_that_cannot_be_right_is_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        read_config({"RENTAL_SECRET_KEY": "s" * 32, **settings})


def test_the_setting_names_the_service(story: Story) -> None:
    settings = {"RENTAL_SECRET_KEY": "s" * 32, "RENTAL_ROADS_URL": "valhalla+https://roads.example.jp/v3"}
    config = read_config(settings)
    with story.app.app_context():
        current = runtime()
        current.roads_url, current.roads_version = config.roads_url, config.roads_version
        assert road_service() == Valhalla("https://roads.example.jp/v3", version="1")
        current.roads_url = "osrm+http://localhost:5000"
        assert road_service() == Osrm("http://localhost:5000", version="1")
        current.roads_url = None
        assert road_service() is None


def test_a_day_on_roads_is_never_asked_for_beyond_what_the_service_takes(service: Service) -> None:
    """What may not be asked for at all is estimated, never refused by the service."""
    silent = Roads(replace(Osrm(service.url), farthest=-1.0))
    matrix = silent.matrix([somewhere(0), somewhere(1)], "car", 0)
    assert service.asked == []
    assert matrix.estimated is not None
