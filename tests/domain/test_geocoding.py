"""Finding an address on the map: who is asked, in which order, and what nobody may guess."""

import csv
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

import rental.customers
from rental.config import SettingError, read_config
from rental.customers import accounts, geocoding, sites
from rental.customers.geocoding import (
    AmbiguousPlace,
    KnownSites,
    Located,
    MapService,
    Municipalities,
    ServiceSilent,
    UnknownPlace,
    distance_km,
    geocoders_for,
    locate,
)
from rental.customers.models import Site
from rental.customers.rules import CustomerKind, Position, PositionSource
from tests.support.map_service import SHINJUKU, MapServiceStandIn, map_service
from tests.support.story import Story

ADDRESS = "東京都新宿区西新宿2-8-1"
TABLE = Path(rental.customers.__file__).with_name("municipalities.tsv")
OURS = {"東京都", "神奈川県", "埼玉県", "千葉県"}


@pytest.fixture
def service() -> Iterator[MapServiceStandIn]:
    with map_service() as running:
        yield running


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t"))


def a_site(story: Story, *, source: PositionSource | None = None, name: str = "本店") -> Site:
    with story.begin() as uow:
        customer = accounts.register_customer(uow, name="例", kind=CustomerKind.CORPORATION)
        site = sites.add_site(
            uow, customer.id, name=name, prefecture="東京都", city="新宿区", street="西新宿二丁目８番１号"
        )
        if source:
            sites.place_site(uow, site.id, latitude=35.6895, longitude=139.6917, source=source)
    return site


def test_the_table_holds_every_municipality_of_the_four_prefectures_with_its_position() -> None:
    counted = dict.fromkeys(OURS, 0)
    for row in rows():
        if row["prefecture"] in OURS:
            counted[row["prefecture"]] += 1
            assert row["latitude"], row
    # 62, 33 + 28 wards, 63 + 10 wards, 54 + 6 wards
    assert counted == {"東京都": 62, "神奈川県": 61, "埼玉県": 73, "千葉県": 60}
    assert len({row["prefecture"] for row in rows()}) == 47
    assert len({(row["prefecture"], row["municipality"]) for row in rows()}) == len(rows())


def test_every_position_of_the_table_is_in_japan_and_near_others_of_its_prefecture() -> None:
    for row in rows():
        if row["latitude"]:
            assert 24 < float(row["latitude"]) < 46
            assert 122 < float(row["longitude"]) < 146


# Stations that everybody knows, and the municipality they stand in: latitude, longitude.
STATIONS = {
    "東京都新宿区": (35.6896, 139.7006),
    "東京都豊島区": (35.7295, 139.7109),
    "東京都墨田区": (35.6967, 139.8140),
    "東京都足立区": (35.7497, 139.8049),
    "東京都八王子市": (35.6556, 139.3389),
    "東京都町田市": (35.5420, 139.4455),
    "神奈川県横浜市西区": (35.4658, 139.6223),
    "神奈川県川崎市中原区": (35.5766, 139.6595),
    "神奈川県藤沢市": (35.3382, 139.4873),
    "埼玉県さいたま市大宮区": (35.9064, 139.6239),
    "埼玉県所沢市": (35.7869, 139.4733),
    "千葉県千葉市中央区": (35.6131, 140.1133),
    "千葉県柏市": (35.8622, 139.9710),
}


@pytest.mark.parametrize(("name", "station"), STATIONS.items())
def test_a_municipality_is_within_its_stated_precision(name: str, station: tuple[float, float]) -> None:
    found = Municipalities().locate(f"{name}1-2-3")
    assert found
    assert (found.label, found.source) == (name, PositionSource.MUNICIPALITY)
    assert distance_km(Position(found.latitude, found.longitude), Position(*station)) * 1000 < found.radius


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("横浜市西区みなとみらい2-2", "神奈川県横浜市西区"),
        ("神奈川県横浜市", "神奈川県横浜市"),
        ("東京都府中市宮西町2-24", "東京都府中市"),
        ("東京都　港区　芝公園４−２−８", "東京都港区"),
        ("瑞穂町箱根ケ崎2335", "東京都西多摩郡瑞穂町"),
        ("東京都西多摩郡瑞穂町", "東京都西多摩郡瑞穂町"),
        ("三宅村神着", "東京都三宅島三宅村"),
        ("鎌ヶ谷市新鎌ヶ谷", "千葉県鎌ケ谷市"),
        ("神奈川県西区", "神奈川県横浜市西区"),
        ("札幌市中央区北3条西6丁目", "北海道札幌市"),  # no position of the ward: the city's
    ],
)
def test_a_municipality_is_known_by_the_ways_addresses_write_it(address: str, label: str) -> None:
    found = Municipalities().locate(address)
    assert found
    assert found.label == label


@pytest.mark.parametrize(
    ("address", "candidates"),
    [
        ("府中市宮西町", {"東京都府中市", "広島県府中市"}),
        ("北区赤羽1-1", {"東京都北区", "埼玉県さいたま市北区"}),
    ],
)
def test_a_name_of_several_places_is_not_guessed(address: str, candidates: set[str]) -> None:
    with pytest.raises(AmbiguousPlace) as refusal:
        Municipalities().locate(address)
    assert candidates <= set(str(refusal.value.params["candidates"]).split("、"))
    assert refusal.value.field == "address"


@pytest.mark.parametrize(
    "address", ["", "どこか", "Paris", "東京都", "福岡県那珂川市1-1", "神奈川県鎌ケ谷市"]
)
def test_an_unknown_place_is_said_to_be_unknown(story: Story, address: str) -> None:
    with story.app.app_context(), pytest.raises(UnknownPlace) as refusal:
        locate(address, geocoders_for())
    assert refusal.value.field == "address"


def test_another_site_at_the_same_address_answers_first(story: Story) -> None:
    known = a_site(story, source=PositionSource.ENTERED)
    with story.app.app_context():
        found = locate(ADDRESS, geocoders_for(service_url="http://127.0.0.1:1"))  # nobody is there to ask
    assert found == Located(35.6895, 139.6917, PositionSource.KNOWN_SITE, known.name, None)


@pytest.mark.parametrize("source", [None, PositionSource.MUNICIPALITY, PositionSource.KNOWN_SITE])
def test_a_site_that_is_known_roughly_or_at_second_hand_is_no_witness(
    story: Story, source: PositionSource | None
) -> None:
    a_site(story, source=source)
    with story.app.app_context():
        assert KnownSites().locate(ADDRESS) is None


def test_a_site_is_no_witness_of_itself(story: Story) -> None:
    site = a_site(story, source=PositionSource.ENTERED)
    with story.app.app_context():
        assert KnownSites(other_than=site.id).locate(ADDRESS) is None
        assert KnownSites().locate(ADDRESS)


def test_the_service_finds_the_street_that_the_table_does_not_know(
    story: Story, service: MapServiceStandIn
) -> None:
    with story.app.app_context():
        found = locate(ADDRESS, geocoders_for(service_url=service.url))
    assert (found.source, found.label) == (PositionSource.SERVICE, SHINJUKU["display_name"])
    assert found.precision_m is not None
    assert 130 < found.precision_m < 160  # from the middle to the corner of 200 m by 180 m
    (question,) = service.questions
    assert (question["q"], question["countrycodes"]) == ([ADDRESS], ["jp"])


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, []),
        (200, "no JSON"),
        (200, [{"lat": "35.6", "lon": "139.7", "display_name": "x"}]),
        (200, [{**SHINJUKU, "boundingbox": ["1", "2"]}]),
        (200, [{**SHINJUKU, "lat": "north"}]),
    ],
)
def test_a_service_that_answers_nonsense_leaves_what_is_known_otherwise(
    story: Story, service: MapServiceStandIn, caplog: pytest.LogCaptureFixture, status: int, answer: object
) -> None:
    service.status, service.answer = status, answer
    with caplog.at_level(logging.WARNING, "rental.customers"):
        with pytest.raises(ServiceSilent):
            MapService(service.url).locate(ADDRESS)
        with story.app.app_context():
            found = locate(ADDRESS, geocoders_for(service_url=service.url))
    assert found.source is PositionSource.MUNICIPALITY
    assert "the map service gave no answer" in caplog.text


@pytest.mark.parametrize("answer", [[], [{**SHINJUKU, "lat": "51.5", "lon": "-0.12"}]])
def test_a_service_that_knows_nothing_in_japan_is_no_error(
    service: MapServiceStandIn, answer: list[object]
) -> None:
    service.answer = answer
    assert MapService(service.url).locate(ADDRESS) is None


def test_a_silent_service_is_told_apart_from_an_unknown_place(
    story: Story, service: MapServiceStandIn
) -> None:
    service.status = 503
    with story.app.app_context():
        with pytest.raises(ServiceSilent):
            locate("どこか", geocoders_for(service_url=service.url))
        service.status, service.answer = 200, []
        with pytest.raises(UnknownPlace):
            locate("どこか", geocoders_for(service_url=service.url))


class Slow:
    """Somebody who must not be asked any more."""

    def locate(self, address: str) -> Located | None:
        raise AssertionError(address)


def test_nobody_is_asked_after_a_good_answer(app: Flask) -> None:
    class Sure:
        def locate(self, address: str) -> Located | None:
            return Located(35.0, 139.0, PositionSource.SERVICE, address, geocoding.GOOD_ENOUGH_M)

    assert locate("x", [Sure(), Slow()]).label == "x"


def test_tokyo_and_osaka_are_400_km_apart() -> None:
    assert round(distance_km(Position(35.6812, 139.7671), Position(34.7025, 135.4959))) == 404


points = st.builds(Position, st.floats(25, 45), st.floats(123, 145))


@given(points, points)
def test_the_way_back_is_as_long(one: Position, other: Position) -> None:
    assert distance_km(one, one) == 0
    assert distance_km(one, other) == pytest.approx(distance_km(other, one))


@pytest.mark.parametrize(
    "url", ["maps.example.jp", "ftp://maps.example.jp", "http://maps.example.jp", "https://"]
)
def test_a_map_service_is_asked_over_https_only(url: str) -> None:
    with pytest.raises(SettingError, match="RENTAL_GEOCODER_URL"):
        read_config({"RENTAL_SECRET_KEY": "s" * 32, "RENTAL_GEOCODER_URL": url})


def test_a_map_service_may_be_on_this_machine() -> None:
    environment = {"RENTAL_SECRET_KEY": "s" * 32, "RENTAL_GEOCODER_URL": "http://localhost:7070"}
    assert read_config(environment).geocoder_url == "http://localhost:7070"
    assert read_config({"RENTAL_SECRET_KEY": "s" * 32}).geocoder_url is None
