"""The audit log: every change with its author, sealed in one chain, and no edit goes unnoticed."""

from uuid import UUID

import pytest
from sqlalchemy import delete, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from rental.core import sealing
from rental.core.audit import MASK, AuditEntry
from rental.core.db import reading, writing_engine
from rental.core.uow import Actor, ActorKind, begin
from rental.identity.accounts import change_account, disable_account
from rental.identity.models import Account
from rental.identity.permissions import Role
from tests.support.story import Story


def entries(story: Story) -> list[AuditEntry]:
    with story.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def verified(story: Story) -> sealing.Verification:
    with story.reading() as session:
        return sealing.verify(session)


def behind_the_back(story: Story, *statements: str) -> None:
    """What somebody with the database's own password could do."""
    with story.app.app_context(), writing_engine().begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        for trigger in ("audit_entry_keeps_facts", "audit_entry_stays"):
            connection.execute(text(f"DROP TRIGGER {trigger}{'' if is_sqlite else ' ON audit_entry'}"))
        for statement in statements:
            connection.execute(text(statement))


def test_a_change_is_kept_with_who_when_where_and_why(story: Story) -> None:
    person = story.person(Role.SALES, name="Before")
    boss = Actor(ActorKind.PERSON, "Boss", UUID(int=9), "192.0.2.7")
    with story.app.app_context(), begin(boss) as uow:
        uow.because("married")
        change_account(
            uow, person.id, version=person.version, name="After", roles=person.roles, language="en"
        )
    entry = entries(story)[-1]
    assert (entry.action, entry.entity, entry.entity_id) == ("changed", "account", person.id)
    assert (entry.before, entry.after) == ({"name": "Before"}, {"name": "After"})
    assert (entry.actor_name, entry.actor_id, entry.address) == ("Boss", UUID(int=9), "192.0.2.7")
    assert (entry.reason, entry.at) == ("married", story.clock.now())


def test_what_was_undone_left_no_trace(story: Story) -> None:
    person = story.person(Role.SALES)
    before = len(entries(story))
    with pytest.raises(RuntimeError), story.begin() as uow:
        disable_account(uow, person.id)
        raise RuntimeError
    assert len(entries(story)) == before


def test_secrets_are_masked(story: Story) -> None:
    story.person(Role.SALES)
    shown = [entry.after or {} for entry in entries(story)]
    assert [row["token_hash"] for row in shown if "token_hash" in row] == [MASK]
    assert [row["password_hash"] for row in shown if row.get("password_hash")] == [MASK]


def test_the_tick_seals_what_is_committed_in_one_chain(story: Story) -> None:
    story.person(Role.SALES)
    count = len(entries(story))
    assert verified(story).unsealed_count == count
    story.tick()
    seen = verified(story)
    assert (seen.sealed_count, seen.unsealed_count, seen.broken) == (count, 0, [])
    assert [entry.sequence for entry in entries(story)] == list(range(1, count + 1))

    story.person(Role.BILLING)
    story.later(seconds=5)
    story.tick()
    assert verified(story).broken == []


def test_the_database_refuses_to_change_or_delete_an_entry(story: Story) -> None:
    story.person(Role.SALES)
    for is_sealed in (False, True):
        if is_sealed:
            story.tick()
        for statement in (
            update(AuditEntry).values(actor_name="nobody"),
            update(AuditEntry).values(after={"name": "other"}),
            delete(AuditEntry),
        ):
            with pytest.raises(DBAPIError, match="audit entries are never"), story.begin() as uow:
                uow.session.execute(statement)
    with pytest.raises(DBAPIError, match="never changed"), story.begin() as uow:
        uow.session.execute(update(AuditEntry).values(seal="f" * 64))


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("UPDATE audit_entry SET actor_name = 'nobody' WHERE sequence = 2", [(2, "edited")]),
        ("UPDATE audit_entry SET reason = 'because' WHERE sequence = 1", [(1, "edited")]),
        ("UPDATE audit_entry SET at = '2020-01-01 00:00:00+00' WHERE sequence = 3", [(3, "edited")]),
        ("DELETE FROM audit_entry WHERE sequence = 2", [(2, "missing")]),
        (
            "UPDATE audit_entry SET previous_seal = 'x' WHERE sequence = 3",
            [(3, "chain_broken"), (3, "edited")],
        ),
    ],
)
def test_one_row_edited_behind_the_back_is_named(
    story: Story, statement: str, problems: list[tuple[int, str]]
) -> None:
    story.person(Role.SALES)
    story.tick()
    behind_the_back(story, statement)
    assert [(broken.sequence, broken.problem) for broken in verified(story).broken] == problems


def test_a_write_outside_a_unit_of_work_is_refused_by_the_database(story: Story) -> None:
    person = story.person(Role.SALES)
    with story.app.app_context():
        session: Session = reading()
        session.get_one(Account, person.id).name = "Sneaked in"
        with pytest.raises(DBAPIError, match=r"readonly|read-only"):
            session.commit()
        session.rollback()
    with story.reading() as session:
        assert session.get_one(Account, person.id).name == person.name


def test_a_role_taken_away_is_kept_too(story: Story) -> None:
    person = story.person(Role.SALES, Role.WAREHOUSE)
    with story.begin("Boss") as uow:
        change_account(
            uow, person.id, version=person.version, name="S", roles=frozenset({Role.SALES}), language="en"
        )
    taken = [entry for entry in entries(story) if entry.action == "deleted"]
    assert [(entry.entity, entry.before, entry.actor_name) for entry in taken] == [
        ("account_role", {"account_id": str(person.id), "role": "warehouse"}, "Boss")
    ]


def test_a_spent_link_is_kept_too(story: Story) -> None:
    story.person(Role.SALES)
    spent = [entry for entry in entries(story) if entry.entity == "set_up_link" and entry.action == "changed"]
    assert [list(entry.after or {}) for entry in spent] == [["used_at"]]


def test_a_log_whose_end_was_cut_off_is_found(story: Story) -> None:
    story.person(Role.SALES)
    story.tick()
    count = verified(story).sealed_count
    behind_the_back(
        story, "DELETE FROM audit_entry WHERE sequence > (SELECT max(sequence) - 2 FROM audit_entry)"
    )
    assert [(b.sequence, b.problem) for b in verified(story).broken] == [(count - 1, "end_missing")]


@pytest.mark.parametrize("sequence", [-3, 0, 999])
def test_nobody_slips_in_an_entry_that_looks_sealed(story: Story, sequence: int) -> None:
    with pytest.raises(DBAPIError), story.begin() as uow:
        uow.session.execute(
            insert(AuditEntry).values(
                id=UUID(int=5),
                at=uow.now,
                transaction_id=uow.id,
                actor_kind="person",
                actor_name="nobody",
                action="created",
                entity="account",
                sequence=sequence,
                previous_seal="0" * 64,
                seal="0" * 64,
            )
        )


def test_an_entry_cannot_be_replaced_by_inserting_it_again(story: Story) -> None:
    story.person(Role.SALES)
    first = entries(story)[0]
    with pytest.raises(DBAPIError), story.begin() as uow:
        again = select(
            AuditEntry.id,
            AuditEntry.at,
            AuditEntry.transaction_id,
            AuditEntry.actor_kind,
            literal("nobody"),
            AuditEntry.action,
            AuditEntry.entity,
        )
        names = ["id", "at", "transaction_id", "actor_kind", "actor_name", "action", "entity"]
        statement = insert(AuditEntry).from_select(names, again, include_defaults=False)
        uow.session.execute(statement.prefix_with("OR REPLACE", dialect="sqlite"))
    assert entries(story)[0].actor_name == first.actor_name
