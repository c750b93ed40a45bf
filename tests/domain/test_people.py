"""Letting people in, changing what they may do, shutting them out."""

from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import update

from rental.core.errors import ChangedMeanwhile, NotFound
from rental.core.outbox import OutboxMessage
from rental.core.states import IllegalStep
from rental.identity import accounts
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.identity.queries import accounts_matching, active_administrators, open_sessions_of
from rental.identity.rules import AccountState, LastAdministrator, NoRole, RolesDoNotMix
from rental.identity.sign_in import Credentials, SignInRefused, check_credentials, sign_in
from rental.notifications.models import Notice
from tests.support.forking import in_child_processes
from tests.support.story import PASSWORD, Story


def test_an_invited_person_sets_a_password_and_is_told(story: Story) -> None:
    with story.begin() as uow:
        invitation = accounts.invite_account(
            uow, email="Ｎew＠example.jp", name="新人　太郎", roles=frozenset({Role.SALES}), language="ja"
        )
        assert (invitation.account.email, invitation.account.name) == ("New@example.jp", "新人 太郎")
        assert invitation.account.state is AccountState.INVITED
    with story.begin() as uow:
        account = accounts.set_up_account(uow, invitation.token, "hash")
    assert account.state is AccountState.ACTIVE
    story.everything_happens_twice()
    assert story.count(Notice) == 1


def test_a_set_up_link_opens_once_and_not_after_three_days(story: Story) -> None:
    with story.begin() as uow:
        token = accounts.invite_account(
            uow, email="a@example.jp", name="A", roles=frozenset({Role.SALES}), language="ja"
        ).token
    story.later(hours=72, seconds=1)
    with pytest.raises(NotFound), story.begin() as uow:
        accounts.set_up_account(uow, token, "hash")
    story.later(hours=-1)
    with story.begin() as uow:
        accounts.set_up_account(uow, token, "hash")
    with pytest.raises(NotFound), story.begin() as uow:
        accounts.set_up_account(uow, token, "other")


def test_a_new_link_takes_back_the_earlier_one(story: Story) -> None:
    person = story.person(Role.SALES)
    with story.begin() as uow:
        first = accounts.open_set_up_link(uow, person.id)
    with story.begin() as uow:
        accounts.open_set_up_link(uow, person.id)
    with pytest.raises(NotFound), story.begin() as uow:
        accounts.set_up_account(uow, first, "hash")


@pytest.mark.parametrize("email", ["sales@example.jp", "SALES@EXAMPLE.JP", "ｓａｌｅｓ@example.jp"])
def test_one_email_is_one_account(story: Story, email: str) -> None:
    story.person(Role.SALES)
    with pytest.raises(accounts.EmailTaken), story.begin() as uow:
        accounts.invite_account(uow, email=email, name="B", roles=frozenset({Role.BILLING}), language="ja")
    assert story.count(Account) == 1


def test_disabling_ends_every_session_at_once(story: Story) -> None:
    story.person(Role.ADMINISTRATOR)
    person = story.person(Role.SALES)
    browser = story.signed_in(person)
    assert browser.get("/").status_code == 200
    with story.begin() as uow:
        accounts.disable_account(uow, person.id)
    assert browser.get("/").status_code == 303
    with story.reading() as session:
        assert open_sessions_of(session, person.id, story.clock.now()) == []
    with pytest.raises(IllegalStep), story.begin() as uow:
        accounts.disable_account(uow, person.id)


def test_the_last_administrator_stays(story: Story) -> None:
    only = story.person(Role.ADMINISTRATOR)
    messages = story.count(OutboxMessage)
    with pytest.raises(LastAdministrator), story.begin() as uow:
        accounts.disable_account(uow, only.id)
    with pytest.raises(LastAdministrator), story.begin() as uow:
        accounts.change_account(
            uow, only.id, version=only.version, name="X", roles=frozenset({Role.SALES}), language="en"
        )
    with story.reading() as session:
        assert session.get_one(Account, only.id).state is AccountState.ACTIVE
    assert story.count(OutboxMessage) == messages


def test_two_administrators_cannot_save_over_each_other(story: Story) -> None:
    person = story.person(Role.SALES)
    for name, expected in (("First", None), ("Second", ChangedMeanwhile)):
        change = {"version": person.version, "name": name, "roles": frozenset({Role.SALES}), "language": "ja"}
        if expected:
            with pytest.raises(expected), story.begin() as uow:
                accounts.change_account(uow, person.id, **change)  # type: ignore[arg-type]
        else:
            with story.begin() as uow:
                accounts.change_account(uow, person.id, **change)  # type: ignore[arg-type]
    with story.reading() as session:
        assert session.get_one(Account, person.id).name == "First"


def test_changed_roles_end_sessions_and_are_told(story: Story) -> None:
    person = story.person(Role.SALES)
    browser = story.signed_in(person)
    with story.begin() as uow:
        accounts.change_account(
            uow, person.id, version=person.version, name="S", roles=frozenset({Role.BILLING}), language="en"
        )
    assert browser.get("/").status_code == 303
    story.everything_happens()
    assert "identity.roles_changed" in story.announced()


@pytest.mark.parametrize(
    ("roles", "refusal"),
    [(frozenset(), NoRole), (frozenset({Role.CUSTOMER, Role.SALES}), RolesDoNotMix)],
)
def test_roles_that_make_no_sense_are_refused(
    story: Story, roles: frozenset[Role], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal), story.begin() as uow:
        accounts.invite_account(uow, email="a@example.jp", name="A", roles=roles, language="ja")
    assert story.count(Account) == 0


def test_a_stale_form_cannot_undo_changed_roles(story: Story) -> None:
    person = story.person(Role.SALES)
    form = {"version": person.version, "name": person.name, "language": "en"}
    with story.begin() as uow:
        accounts.change_account(uow, person.id, roles=frozenset({Role.BILLING}), **form)  # type: ignore[arg-type]
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        accounts.change_account(uow, person.id, roles=frozenset({Role.SALES}), **form)  # type: ignore[arg-type]


def test_a_dark_theme_does_not_spoil_the_administrators_form(story: Story) -> None:
    person = story.person(Role.SALES)
    with story.begin() as uow:
        accounts.change_preferences(uow, person.id, language=None, theme="dark", density=None)
    with story.begin() as uow:
        accounts.change_account(
            uow, person.id, version=person.version, name="New", roles=person.roles, language="en"
        )


def test_a_replaced_password_opens_nothing_even_if_it_was_checked_before(story: Story) -> None:
    person = story.person(Role.SALES)
    given = Credentials(person.email, PASSWORD, "127.0.0.1", "Firefox")
    with story.reading() as session:
        known = check_credentials(session, given, story.clock.now())
    assert known
    with story.begin() as uow:
        token = accounts.open_set_up_link(uow, person.id)
    with story.begin() as uow:
        accounts.set_up_account(uow, token, "another hash")
    with pytest.raises(SignInRefused), story.begin() as uow:
        sign_in(uow, known, given)


def test_a_name_is_found_however_it_is_typed(story: Story) -> None:
    names = ["Élodie ＡＢＣ商会", "喫茶みどり", "Straße"]
    for number, name in enumerate(names):
        story.person(Role.SALES, name=name, email=f"n{number}@example.jp")
    with story.reading() as session:
        for words, name in (
            ("élodie", names[0]),
            ("abc商会", names[0]),
            ("ＡＢＣ", names[0]),
            ("みどり", names[1]),
            ("STRASSE", names[2]),
        ):
            matching = accounts_matching(words=words, role=None, state=None)
            assert [account.name for account in session.scalars(matching)] == [name]


@pytest.mark.slow
@pytest.mark.faults
def test_two_administrators_cannot_shut_each_other_out_at_the_same_time(story: Story) -> None:
    for turn in range(5):
        pair = [
            story.person(Role.ADMINISTRATOR, email=f"{side}{turn}@example.jp") for side in ("left", "right")
        ]

        def disable(account_id: UUID) -> None:
            with suppress(LastAdministrator, IllegalStep), story.begin() as uow:
                accounts.disable_account(uow, account_id)

        in_child_processes(story.app, *[lambda who=who: disable(who.id) for who in pair])
        with story.reading() as session:
            left = active_administrators(session)
        assert len(left) == 1
        with story.begin() as uow:
            uow.session.execute(
                update(Account).where(Account.id == left[0]).values(state=AccountState.DISABLED)
            )
