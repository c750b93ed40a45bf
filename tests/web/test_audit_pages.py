"""What the audit log says of rented things: its filter knows every table, its values are in words."""

from enum import StrEnum

from flask import Flask
from sqlalchemy import inspect

from rental.contracts.models import Contract
from rental.core.db import Base
from rental.core.money import Money
from rental.identity.permissions import Role
from rental.web.console.audit_log import ENTITIES
from rental.web.sentences import audit_entity_label, audited_value
from tests.factories.rented import make_draft
from tests.support.story import Story
from tests.web.company import Seat

AUDITED = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
OFFERED = [name for _heading, names in ENTITIES for name in names]


def test_the_filter_offers_every_audited_table_once_and_by_a_name(app: Flask) -> None:
    audited = {name for name, kind in AUDITED.items() if kind.__audited__}
    assert len(OFFERED) == len(set(OFFERED))
    # A run of a job is no audited row, but an act that is recorded.
    assert set(OFFERED) == audited | {"delivery"}
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert [name for name in OFFERED if audit_entity_label(name) == name] == []


def test_every_state_kind_and_amount_is_read_as_people_say_it(app: Flask) -> None:
    columns = [
        (name, attribute.key, attribute.columns[0].type.python_type)
        for name in OFFERED
        for attribute in inspect(AUDITED[name]).column_attrs
        if AUDITED[name].__audited__
    ]
    with app.test_request_context(headers={"Accept-Language": "en"}):
        for name, key, kind in columns:
            if kind is Money:
                assert audited_value(key, 9800, name) == "¥9,800"
            elif issubclass(kind, StrEnum):
                said = {member: audited_value(key, member.value, name) for member in kind}
                assert [member for member, words in said.items() if words == member.value] == [], name


def test_the_same_text_is_another_thing_in_another_table(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert audited_value("state", "active", "contract") == "Active"
        assert audited_value("state", "active", "label_code") == "In use"
        assert audited_value("monthly_fee", 9800) == "¥9,800"
        assert audited_value("state", "never heard of") == "never heard of"
        assert audited_value("kind", ["a list"], "site") == "['a list']"


def test_a_contract_line_is_found_by_its_table_and_read_in_words(story: Story) -> None:
    with story.begin() as uow:
        make_draft(uow)
    assert story.count(Contract) == 1
    seat = Seat(story.a(Role.ADMINISTRATOR).client)
    groups = [group.attributes["label"] for group in seat.page("/audit").all("optgroup")]
    assert groups == [
        "Customers",
        "Catalogue",
        "Stock",
        "Contracts",
        "Field service",
        "Route plan",
        "Billing",
        "Administration",
    ]
    (entry,) = seat.page("/audit?entity=contract_line").all("tbody")[0].all("tr")
    assert "¥9,800" in entry.text
    (link,) = [a for a in entry.all("a") if a.attributes["href"].startswith("/audit/")]
    page = seat.get(link.attributes["href"]).text
    for word in ("¥9,800", "Standard rate"):
        assert word in page, word
