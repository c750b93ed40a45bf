"""What the office does on the pages of customers and sites, and what the pages answer."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from rental.core.db import db
from rental.core.ids import new_id
from rental.customers import accounts, sites
from rental.customers.models import BillingAccount, Contact, Customer, Site
from rental.customers.rules import CustomerKind, PositionSource
from rental.fieldwork.installing import complete_installation, scan_for_order
from rental.fieldwork.visits import arrive
from rental.identity.permissions import Role
from rental.inventory.queries import units_held_for
from tests.factories.rented import make_order, send_out
from tests.support.map_service import MapServiceStandIn, map_service
from tests.support.story import Story
from tests.web.company import Company, Seat, Statements
from tests.web.forms import FORMS, OpenForm
from tests.web.html import read_page

KEY = "1" * 32


@pytest.fixture
def service(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[MapServiceStandIn]:
    """A map service that the app is told to ask."""
    with map_service() as running:
        config = replace(app.config["RENTAL"], geocoder_url=running.url)
        monkeypatch.setitem(app.config, "RENTAL", config)
        yield running


@pytest.fixture
def sales(story: Story) -> Seat:
    return Seat(story.a(Role.SALES).client)


def a_site(
    story: Story, *, city: str = "新宿区", street: str = "西新宿2-8-1", prefecture: str = "東京都"
) -> Site:
    with story.begin() as uow:
        customer = accounts.register_customer(uow, name="例", kind=CustomerKind.CORPORATION)
        return sites.add_site(uow, customer.id, name="本店", prefecture=prefecture, city=city, street=street)


def as_saved(story: Story, site: Site) -> Site:
    with story.reading() as session:
        return session.get_one(Site, site.id)


def test_a_customer_is_registered_once_and_gets_everything_they_need(story: Story, sales: Seat) -> None:
    form = {
        "name": "株式会社あおば",
        "kind": "corporation",
        "registration_number": "Ｔ７１２３４５６７８９０１２",
        "note": "一行目\r\n二行目",
        "request_key": KEY,
    }
    first, second = (sales.post("/customers/new", form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert story.count(Customer) == 1
    here = first.headers["Location"]

    contact = {"name": "山田", "phone": "０３−００００−１２３４", "is_primary": "y", "request_key": "2" * 32}
    assert sales.post(f"{here}/contacts/new", contact).status_code == 303
    account = {
        "name": "経理部",
        "address": "東京都新宿区西新宿2-8-1",
        "closing_day": "20",
        "term_months": "2",
        "pay_day": "10",
        "holiday_rule": "next",
        "tax_rounding": "down",
        "charge_rounding": "down",
        "consolidation": "per_site",
        "price_mode": "inclusive",
        "request_key": "3" * 32,
    }
    opened = sales.post(f"{here}/billing-accounts/new", account)
    assert opened.status_code == 303
    assert "With tax" in sales.page(opened.headers["Location"]).text
    site = {
        "name": "渋谷店",
        "prefecture": "東京都",
        "city": "渋谷区",
        "street": "道玄坂1-2-3",
        "request_key": "4" * 32,
    }
    assert sales.post(f"{here}/sites/new", site).status_code == 303
    assert sales.post(f"{here}/sites/new", site).status_code == 303
    assert (story.count(Contact), story.count(BillingAccount), story.count(Site)) == (1, 1, 1)

    said = sales.page(here).text
    for words in (
        "C00001",
        "T7123456789012",
        "03-0000-1234",
        "Asked first",
        "Closing: day 20; payment: month after next, day 10",
        "東京都渋谷区道玄坂1-2-3",
    ):
        assert words in said, words


def test_a_mistyped_number_is_an_error_for_a_corporation_and_a_warning_for_a_person(
    story: Story, sales: Seat
) -> None:
    form = {"name": "花", "kind": "corporation", "registration_number": "T8123456789012", "request_key": KEY}
    answer = sales.post("/customers/new", form)
    assert answer.status_code == 422
    assert "Registration number: One of the digits is mistyped" in answer.text
    assert story.count(Customer) == 0
    accepted = sales.post("/customers/new", {**form, "kind": "sole_proprietor", "request_key": "2" * 32})
    assert "The check digit of T8123456789012 does not fit" in sales.page(accepted.headers["Location"]).text


def test_somebody_elses_contact_is_not_at_this_customers_address(company: Company) -> None:
    seat = company.seat(Role.SALES)
    with company.story.begin() as uow:
        other = accounts.register_customer(uow, name="別", kind=CustomerKind.CORPORATION)
    path = f"/customers/{other.id}/contacts/{company.customer_rows['contact_id']}"
    assert seat.get(path).status_code == 404
    assert seat.post(path, {"name": "x", "version": "1"}).status_code == 404
    assert seat.post(f"{path}/remove").status_code == 404


@pytest.mark.parametrize(
    "endpoint", ["customers.change", "customers.change_contact", "billing_accounts.change", "sites.change"]
)
def test_a_form_open_since_before_a_change_is_refused(company: Company, endpoint: str) -> None:
    first, second = (OpenForm(company, FORMS[endpoint], endpoint) for _ in range(2))
    assert first.send("name", "First").status_code == 303
    answer = second.send("name", "Second")
    assert answer.status_code == 409
    assert "Somebody else saved this in the meantime." in answer.text


def test_a_list_of_customers_asks_as_much_for_fifty_as_for_one(story: Story, sales: Seat) -> None:
    a_site(story)
    sales.page("/customers")
    counts = []
    for _ in range(2):
        with Statements() as statements:
            for path in ("/customers", "/sites"):
                sales.page(path)
        counts.append(len(statements.texts))
        for _site in range(20):
            a_site(story)
    assert counts[0] == counts[1]


def test_a_customers_contracts_and_machines_are_seen_where_people_look_for_them(
    story: Story, sales: Seat
) -> None:
    technician = story.person(Role.TECHNICIAN)
    counts = []
    for machines in (1, 4):
        with story.begin() as uow:
            order = make_order(uow, machines=machines)
            contract, site = order.contract, order.site
            paths = (f"/customers/{contract.customer_id}", f"/sites/{site.id}")
            visit = send_out(uow, order, technician.id)
            arrive(uow, visit.id, at=uow.now)
            units = units_held_for(uow.session, [item.slot_id for item in order.items]).values()
            for unit in units:
                scan_for_order(uow, order.id, unit.tag, at=uow.now)
            complete_installation(uow, order.id, technician.id, at=uow.now, op_id=new_id())
        with Statements() as statements:
            customer_page, site_page = (sales.page(path).all("main")[0] for path in paths)
        counts.append(len(statements.texts))

        cells = {cell.attributes.get("data-label"): cell.text for cell in customer_page.all("td")}
        assert (cells["Machines"], cells["Slots"]) == (str(machines), str(machines))
        assert cells["Monthly fee"] == f"¥{9800 * machines:,}"
        links = {link.attributes["href"] for page in (customer_page, site_page) for link in page.all("a")}
        wanted = {f"/contracts/{contract.id}", *(f"/units/{unit.id}" for unit in units)}
        assert links >= wanted | {f"/contracts/new?customer_id={contract.customer_id}"}
    assert counts[0] == counts[1]


def test_only_who_writes_contracts_is_led_to_a_new_one(story: Story) -> None:
    site = a_site(story)
    for role, is_led in ((Role.SALES, True), (Role.BILLING, False)):
        page = Seat(story.a(role).client).get(f"/customers/{site.customer_id}").text
        assert (f"/contracts/new?customer_id={site.customer_id}" in page) is is_led


def test_hours_are_typed_as_people_write_them_and_named_if_impossible(story: Story, sales: Seat) -> None:
    site = a_site(story)
    path = f"/sites/{site.id}"
    hours = {"hours-monday": "７：３０〜１０：３０、14:30～17:00", "hours-version": "1"}
    assert sales.post(f"{path}/hours", hours).status_code == 303
    fields = {item.attributes.get("name"): item for item in sales.page(path).all("input")}
    assert fields["hours-monday"].attributes["value"] == "7:30-10:30, 14:30-17:00"
    assert fields["hours-sunday"].attributes["value"] == ""
    answer = sales.post(f"{path}/hours", {"hours-friday": "9-12, 11-15", "hours-version": "2"})
    assert answer.status_code == 422
    assert "Friday: Two of these times overlap." in answer.text
    assert 'value="9-12, 11-15"' in answer.text
    stale = sales.post(f"{path}/hours", hours)
    assert stale.status_code == 409


def test_a_position_is_entered_or_looked_up_and_the_page_says_who_answered(story: Story, sales: Seat) -> None:
    site = a_site(story)
    path = f"/sites/{site.id}"
    assert "Nobody has found this site on the map yet." in sales.page(path).text
    assert sales.post(f"{path}/look-up").status_code == 303
    page = sales.page(path).text
    assert "Only the municipality is known: 東京都新宿区. The door is within about 5 km" in page
    assert as_saved(story, site).position_source is PositionSource.MUNICIPALITY

    entered = {"position-position": "35.6896, 139.7006", "position-version": "2"}
    assert sales.post(f"{path}/position", entered).status_code == 303
    assert "Entered by hand" in sales.page(path).text
    other = a_site(story, street="西新宿２丁目８番１号")
    assert sales.post(f"/sites/{other.id}/look-up").status_code == 303
    assert "Found: the site 本店 is at the same address." in sales.page(f"/sites/{other.id}").text
    assert as_saved(story, other).position == (35.6896, 139.7006)


def test_an_unknown_place_says_the_cure_and_leaves_the_site_as_it_was(story: Story, sales: Seat) -> None:
    site = a_site(story, prefecture="福岡県", city="那珂川市")
    answer = sales.post(f"/sites/{site.id}/look-up")
    assert answer.status_code == 422
    (summary,) = read_page(answer.text).with_class("error-summary")
    assert "Latitude and longitude: Nobody knows where this address is. Enter the coordinates" in summary.text
    assert as_saved(story, site).position is None


def test_the_map_service_is_asked_while_no_transaction_is_open(
    story: Story, sales: Seat, service: MapServiceStandIn
) -> None:
    site = a_site(story)
    with story.app.app_context():
        pool = db.engine.pool
    busy: list[int] = []
    service.look_around = lambda: busy.append(pool.checkedout())  # type: ignore[attr-defined]
    assert sales.post(f"/sites/{site.id}/look-up").status_code == 303
    assert busy == [0]
    saved = as_saved(story, site)
    assert (saved.position_source, saved.position) == (PositionSource.SERVICE, (35.6891, 139.6921))
    assert "Found by the map service: 東京都庁, 新宿区." in sales.page(f"/sites/{site.id}").text


def test_an_answer_for_an_address_that_changed_meanwhile_is_dropped(
    story: Story, sales: Seat, service: MapServiceStandIn
) -> None:
    site = a_site(story)

    def move() -> None:
        address = {"prefecture": "東京都", "city": "港区", "street": "芝公園4-2-8"}
        with story.begin() as uow:
            sites.change_site(uow, site.id, version=1, name="本店", **address)

    service.look_around = move
    assert sales.post(f"/sites/{site.id}/look-up").status_code == 409
    assert as_saved(story, site).position is None


def test_who_may_only_read_is_shown_no_button(company: Company) -> None:
    seat = company.seat(Role.WAREHOUSE)
    for path in (
        "/customers",
        f"/customers/{company.customer_rows['customer_id']}",
        f"/sites/{company.customer_rows['site_id']}",
        f"/billing-accounts/{company.customer_rows['billing_account_id']}",
    ):
        page = seat.page(path)
        (main,) = page.all("main")
        assert [
            b.text for b in main.all("button") if b.attributes.get("type") == "submit" and b.text != "Search"
        ] == []
        assert [a for a in main.all("a") if a.attributes["href"].endswith(("/new", "/change"))] == []
