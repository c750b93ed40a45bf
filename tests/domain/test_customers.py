"""Taking a customer into the books, and everything that hangs below them."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError

from rental.core.audit import MASK, AuditEntry
from rental.core.errors import ChangedMeanwhile, Invalid, NotFound
from rental.core.ids import new_id
from rental.core.money import Rounding
from rental.core.states import IllegalStep
from rental.customers import accounts, queries, rules, sites
from rental.customers.models import BillingAccount, Contact, Customer, Site, SiteHours
from rental.customers.rules import Consolidation, CustomerKind, HolidayRule, PositionSource, SiteState, Window
from tests.support.story import Story


def a_customer(story: Story, name: str = "株式会社　例", **facts: str) -> Customer:
    with story.begin() as uow:
        return accounts.register_customer(uow, name=name, kind=CustomerKind.CORPORATION, **facts)


def a_site(story: Story, customer: Customer | None = None, **facts: str) -> Site:
    owner = customer or a_customer(story)
    address = {"prefecture": "東京都", "city": "新宿区", "street": "西新宿二丁目８番１号", "name": "本店"}
    with story.begin() as uow:
        return sites.add_site(uow, owner.id, **{**address, **facts})


def names(story: Story, statement: Select[Customer] | Select[Site]) -> Sequence[str]:
    with story.reading() as session:
        return sorted(row.name for row in session.scalars(statement))


def test_customers_are_numbered_without_a_gap(story: Story) -> None:
    first = a_customer(story)
    with pytest.raises(rules.WrongCheckDigit):
        a_customer(story, registration_number="T8123456789012")
    assert (first.number, a_customer(story).number) == ("C00001", "C00002")
    assert a_site(story, first).number == "S00001"


def test_a_customer_is_found_by_any_word_of_theirs_in_any_writing(story: Story) -> None:
    customer = a_customer(story, "ＡＢＣ商会", name_kana="エービーシーショウカイ")
    a_customer(story, "みどり電器")
    with story.begin() as uow:
        accounts.add_contact(uow, customer.id, name="山田", phone="03-0000-1234", email="Y@example.jp")
    for words in ("abc", "しょうかい エービー", "c00001", "0000-1234", "y@EXAMPLE", "商会　ＡＢＣ"):
        assert names(story, queries.customers_matching(words=words)) == ["ＡＢＣ商会"], words
    for words in ("abc みどり", "%", "_"):
        assert names(story, queries.customers_matching(words=words)) == [], words
    assert names(story, queries.customers_matching(words="", kind=CustomerKind.SOLE_PROPRIETOR)) == []


def test_a_doubtful_number_of_a_sole_proprietor_is_kept_and_marked(story: Story) -> None:
    with story.begin() as uow:
        customer = accounts.register_customer(
            uow,
            name="花",
            kind=CustomerKind.SOLE_PROPRIETOR,
            registration_number="Ｔ８１２３４５６７８９０１２",
        )
    assert customer.registration_number == "T8123456789012"
    assert customer.has_doubtful_registration_number
    assert not a_customer(story, registration_number="T7123456789012").has_doubtful_registration_number
    assert not a_customer(story).has_doubtful_registration_number


def test_a_stale_form_cannot_undo_a_change_of_a_customer(story: Story) -> None:
    customer = a_customer(story)
    change = {"version": customer.version, "kind": CustomerKind.CORPORATION}
    with story.begin() as uow:
        accounts.change_customer(uow, customer.id, name="First", **change)  # type: ignore[arg-type]
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        accounts.change_customer(uow, customer.id, name="Second", **change)  # type: ignore[arg-type]
    assert names(story, queries.customers_matching(words="first")) == ["First"]
    assert names(story, queries.customers_matching(words="例")) == []


@pytest.mark.parametrize(
    ("facts", "field"),
    [({"name": "　"}, "name"), ({"name": "x" * 101}, "name"), ({"note": "x" * 2001}, "note")],
)
def test_what_does_not_fit_names_its_field_and_leaves_nothing(
    story: Story, facts: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        a_customer(story, **facts)
    assert refusal.value.field == field
    assert story.count(Customer) == 0
    assert a_customer(story).number == "C00001"


def test_one_contact_is_asked_first(story: Story) -> None:
    customer = a_customer(story)
    with story.begin() as uow:
        first = accounts.add_contact(uow, customer.id, name="山田", is_primary=True)
        second = accounts.add_contact(
            uow, customer.id, name="田中", is_primary=True, phone="０３−００００−１２３４"
        )
    with story.reading() as session:
        assert [(c.name, c.is_primary) for c in queries.contacts_of(session, customer.id)] == [
            ("田中", True),
            ("山田", False),
        ]
    with story.begin() as uow:
        accounts.change_contact(uow, first.id, version=2, name="山田", is_primary=True)
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        accounts.change_contact(uow, first.id, version=2, name="x")
    with story.begin() as uow:
        accounts.remove_contact(uow, first.id)
    with story.reading() as session:
        (left,) = queries.contacts_of(session, customer.id)
        assert (left.id, left.is_primary, left.phone) == (second.id, False, "03-0000-1234")


def test_the_database_knows_only_one_primary_contact(story: Story) -> None:
    customer = a_customer(story)
    with story.begin() as uow:
        accounts.add_contact(uow, customer.id, name="山田", is_primary=True)
    with pytest.raises(IntegrityError), story.begin() as uow:
        contact = accounts.add_contact(uow, customer.id, name="田中")
        uow.session.execute(update(Contact).where(Contact.id == contact.id).values(is_primary=True))


def test_a_billing_account_closes_at_month_end_unless_agreed_otherwise(story: Story) -> None:
    customer = a_customer(story)
    with story.begin() as uow:
        account = accounts.open_billing_account(
            uow, customer.id, name="経理部", address="東京都", postal_code="１６００023"
        )
    assert (account.number, account.closing_day, account.term_months, account.pay_day) == (
        "B00001",
        31,
        1,
        31,
    )
    assert (account.postal_code, account.email) == ("160-0023", None)
    agreed = {
        "name": "本部",
        "address": "大阪府",
        "postal_code": "",
        "closing_day": 20,
        "term_months": 2,
        "pay_day": 10,
        "holiday_rule": HolidayRule.PREVIOUS,
        "tax_rounding": Rounding.HALF_UP,
        "charge_rounding": Rounding.UP,
        "consolidation": Consolidation.PER_SITE,
    }
    with pytest.raises(rules.NotAPaymentTerm), story.begin() as uow:
        accounts.change_billing_account(uow, account.id, version=1, **{**agreed, "pay_day": 32})  # type: ignore[arg-type]
    with story.begin() as uow:
        accounts.change_billing_account(uow, account.id, version=1, **agreed)  # type: ignore[arg-type]
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        accounts.change_billing_account(uow, account.id, version=1, **agreed)  # type: ignore[arg-type]
    with story.reading() as session:
        (kept,) = queries.billing_accounts_of(session, customer.id)
        assert {name: getattr(kept, name) for name in agreed} == {**agreed, "postal_code": None}


@pytest.mark.parametrize("values", [{"closing_day": 0}, {"term_months": 7}, {"pay_day": 32}])
def test_the_database_refuses_days_that_no_month_has(story: Story, values: dict[str, int]) -> None:
    customer = a_customer(story)
    with story.begin() as uow:
        accounts.open_billing_account(uow, customer.id, name="経理部", address="東京都")
    with pytest.raises(IntegrityError), story.begin() as uow:
        uow.session.execute(update(BillingAccount).values(values))


def test_what_hangs_below_nobody_is_refused(story: Story) -> None:
    for make in (
        lambda uow: accounts.add_contact(uow, new_id(), name="x"),
        lambda uow: accounts.open_billing_account(uow, new_id(), name="x", address="x"),
        lambda uow: sites.add_site(uow, new_id(), name="x", prefecture="x", city="x", street="x"),
    ):
        with pytest.raises(NotFound), story.begin() as uow:
            make(uow)


def test_a_site_is_found_by_its_customer_and_by_any_spelling_of_its_address(story: Story) -> None:
    a_site(story, a_customer(story, "あおば"), phone="03-0000-2222")
    a_site(story, a_customer(story, "みどり"), name="支店", street="歌舞伎町1-4-1")
    for words in ("アオバ", "西新宿2-8-1", "二丁目8番", "s00001", "0000-2222", "新宿区 あおば"):
        assert names(story, queries.sites_matching(words=words)) == ["本店"], words
    assert names(story, queries.sites_matching(words="", has_position=True)) == []
    assert names(story, queries.sites_matching(words="", has_position=False)) == ["支店", "本店"]


def test_another_address_forgets_the_position_and_the_same_in_other_words_keeps_it(story: Story) -> None:
    site = a_site(story)
    with story.begin() as uow:
        sites.place_site(
            uow, site.id, latitude=35.69, longitude=139.7, source=PositionSource.ENTERED, version=site.version
        )
    address = {"name": "本店", "prefecture": "東京都", "city": "新宿区"}
    with story.begin() as uow:
        same = sites.change_site(uow, site.id, version=2, street="西新宿2-8-1", **address)
        assert same.position == (35.69, 139.7)
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        sites.place_site(uow, site.id, latitude=35, longitude=139, source=PositionSource.ENTERED, version=2)
    with story.begin() as uow:
        moved = sites.change_site(uow, site.id, version=3, street="西新宿2-8-2", **address)
        assert (moved.position, moved.position_source) == (None, None)


def test_a_point_abroad_is_refused(story: Story) -> None:
    site = a_site(story)
    with pytest.raises(rules.NotInJapan), story.begin() as uow:
        sites.place_site(uow, site.id, latitude=139.7, longitude=35.7, source=PositionSource.ENTERED)


@pytest.mark.parametrize(
    "values",
    [
        {"latitude": 35.0},
        {"longitude": 139.0},
        {"latitude": 35.0, "longitude": 139.0},
        {"position_source": PositionSource.ENTERED},
        {"position_precision_m": 5},
        {"latitude": 91.0, "longitude": 139.0, "position_source": PositionSource.ENTERED},
    ],
)
def test_the_database_knows_whole_positions_only(story: Story, values: dict[str, object]) -> None:
    a_site(story)
    with pytest.raises(IntegrityError), story.begin() as uow:
        uow.session.execute(update(Site).values(values))


def test_hours_are_replaced_as_a_whole(story: Story) -> None:
    site = a_site(story)
    with story.begin() as uow:
        sites.set_hours(
            uow, site.id, hours={0: rules.windows_of("7:30-10:30, 14:30-17:00"), 1: rules.windows_of("9-18")}
        )
    with story.begin() as uow:
        sites.set_hours(uow, site.id, hours={0: rules.windows_of("7:30-12:00"), 6: rules.windows_of("10-12")})
    with story.reading() as session:
        kept = session.get_one(Site, site.id)
        assert [kept.windows_on(day) for day in range(7)] == [
            (Window(450, 720),),
            *[()] * 5,
            (Window(600, 720),),
        ]
        assert kept.version == 3
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        sites.set_hours(uow, site.id, hours={}, version=2)
    with pytest.raises(rules.WindowsOverlap), story.begin() as uow:
        sites.set_hours(uow, site.id, hours={0: [Window(0, 60), Window(30, 90)]})
    with pytest.raises(rules.NotHours), story.begin() as uow:
        sites.set_hours(uow, site.id, hours={7: [Window(0, 60)]})
    with story.begin() as uow:
        sites.set_hours(uow, site.id, hours={})
    assert story.count(SiteHours) == 0


def test_a_site_closes_once_and_can_be_used_again(story: Story) -> None:
    customer = a_customer(story)
    site = a_site(story, customer)
    with story.begin() as uow:
        sites.close_site(uow, site.id)
    with pytest.raises(IllegalStep), story.begin() as uow:
        sites.close_site(uow, site.id)
    with story.reading() as session:
        assert queries.site_counts(session, [customer.id]) == {}
        assert queries.sites_of(session, customer.id)[0].state is SiteState.CLOSED
    with story.begin() as uow:
        sites.reopen_site(uow, site.id)
    with story.reading() as session:
        assert queries.site_counts(session, [customer.id]) == {customer.id: 1}


def test_the_audit_log_never_learns_an_entrance_code(story: Story) -> None:
    site = a_site(story, entrance_code="９９８７")
    with story.begin() as uow:
        sites.change_site(
            uow,
            site.id,
            version=1,
            name="本店",
            prefecture="東京都",
            city="新宿区",
            street="西新宿2-8-1",
            entrance_code="5566",
        )
    with story.reading() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.entity == "site").order_by(AuditEntry.id)
        ).all()
        assert [(entry.after or {}).get("entrance_code") for entry in entries] == [MASK, MASK]
        said = [str((entry.before, entry.after)) for entry in entries]
    assert not any(code in text for code in ("9987", "９９８７", "5566") for text in said)
