"""Saved together or not at all; the same request once; pages of any depth; turns that nobody takes twice."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from rental.core.deliveries import forget_done
from rental.core.errors import NotFound
from rental.core.idempotency import IdempotencyKey, KeyUsedForAnotherRequest, forget_old_keys, once
from rental.core.outbox import Delivery, OutboxMessage
from rental.core.paging import Order, UnreadableCursor, page_of, read_cursor
from rental.core.stored_files import StoredFile, keep_file
from rental.core.turns import Daily, Every, give_clock_back, take_clock, take_turn
from rental.demo.clock import pin_business_date
from rental.identity.accounts import change_preferences
from rental.identity.events import PasswordSet
from rental.identity.models import Account, AccountSession
from rental.identity.permissions import Role
from rental.identity.sessions import forget_old_sessions
from rental.notifications.models import Notice
from tests.support.story import Story

TOKYO = ZoneInfo("Asia/Tokyo")


def test_a_change_and_its_message_are_saved_together_or_not_at_all(story: Story) -> None:
    person = story.person(Role.SALES)
    before = story.count(OutboxMessage)
    with pytest.raises(RuntimeError), story.begin() as uow:
        change_preferences(uow, person.id, language="ja", theme=None, density=None)
        uow.announce(PasswordSet(person.id))
        raise RuntimeError
    assert story.count(OutboxMessage) == before
    with story.reading() as session:
        assert session.get_one(Account, person.id).language == "en"


def test_a_connection_that_has_written_refuses_to_write_for_a_reader(story: Story) -> None:
    """Connections go back and forth between both, and each time the database has to know."""
    person = story.person(Role.SALES)
    for language in ("ja", "en", "ja"):
        with story.begin() as uow:
            change_preferences(uow, person.id, language=language, theme=None, density=None)
        with story.reading() as session, pytest.raises(DBAPIError):
            session.execute(update(Account).values(language="en"))
        with story.reading() as session:
            assert session.get_one(Account, person.id).language == language


def test_one_transaction_has_one_instant_and_the_companys_day(story: Story) -> None:
    story.clock.set(datetime(2026, 3, 31, 15, 30, tzinfo=UTC))
    with story.begin() as uow:
        assert uow.today == date(2026, 4, 1)
        first = uow.now
        story.later(hours=5)
        assert uow.now == first


def test_a_pinned_business_date_is_today_for_the_business_only(story: Story) -> None:
    for day in (date(2026, 11, 20), date(2026, 11, 21)):
        with story.begin() as uow:
            pin_business_date(uow, day)
        with story.begin() as uow:
            assert uow.today == day
            assert uow.now == story.clock.now()


def _note(done: list[int]) -> int:
    done.append(1)
    return len(done)


def test_the_same_request_twice_is_done_once(story: Story) -> None:
    done: list[int] = []

    def ask(key: str, content: object) -> dict[str, object]:
        with story.begin() as uow:
            return once(uow, "account:1", key, content, lambda: {"turn": _note(done)})

    assert ask("a", [1]) == ask("a", [1]) == {"turn": 1}
    assert ask("b", [1]) == {"turn": 2}
    with pytest.raises(KeyUsedForAnotherRequest):
        ask("a", [2])
    assert len(done) == 2


def test_a_failed_request_gives_its_key_back(story: Story) -> None:
    def fails() -> dict[str, object]:
        raise RuntimeError

    with pytest.raises(RuntimeError), story.begin() as uow:
        once(uow, "account:1", "a", [1], fails)
    with story.begin() as uow:
        assert once(uow, "account:1", "a", [1], lambda: {"is": "done"}) == {"is": "done"}


@pytest.mark.parametrize("descending", [False, True])
def test_pages_show_every_row_once_in_order(story: Story, descending: bool) -> None:
    with story.begin() as uow:
        uow.session.add_all(
            IdempotencyKey(
                owner=f"owner {number // 5}",
                key=f"{number:02}",
                content_hash="",
                result={},
                used_at=uow.now + timedelta(hours=number % 3),
            )
            for number in range(23)
        )
    order = Order((IdempotencyKey.used_at, IdempotencyKey.owner, IdempotencyKey.key), descending=descending)
    seen: list[IdempotencyKey] = []
    cursor = None
    with story.reading() as session:
        while True:
            page = page_of(session, select(IdempotencyKey), order, after=cursor, limit=7)
            seen += page.rows
            cursor = page.next_cursor
            if cursor is None:
                break
    keys = [(row.used_at, row.owner, row.key) for row in seen]
    assert keys == sorted(keys, reverse=descending)
    assert len(set(keys)) == 23


@given(st.text())
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(UnreadableCursor):
        read_cursor(text, Order((Account.created_at, Account.id)))


def test_a_file_is_kept_whole_and_once(story: Story) -> None:
    for _ in range(2):
        with story.begin() as uow:
            keep_file(uow, b"the same bytes", media_type="text/plain", download_name="a.txt")
    with story.reading() as session:
        (one, other) = session.scalars(select(StoredFile)).all()
    assert one.sha256 == other.sha256
    assert story.runtime.files.get(one.sha256) == b"the same bytes"
    with pytest.raises(NotFound):
        story.runtime.files.get("0" * 64)
    with pytest.raises(ValueError, match="SHA-256"):
        story.runtime.files.get("../../etc/passwd")


def test_one_clock_keeper_at_a_time(story: Story) -> None:
    one, other = UUID(int=1), UUID(int=2)

    def takes(holder: UUID) -> bool:
        with story.begin() as uow:
            return take_clock(uow, holder)

    assert [takes(one), takes(other), takes(one)] == [True, False, True]
    story.later(seconds=16)
    assert [takes(other), takes(one)] == [True, False]
    with story.begin() as uow:
        give_clock_back(uow, other)
    assert takes(one)


def test_a_nightly_job_has_one_turn_a_night_and_none_on_the_first_day(story: Story) -> None:
    def turn() -> bool:
        with story.begin() as uow:
            return take_turn(uow, "night", Daily(3), TOKYO)

    story.on("2026-04-01")
    assert not turn()
    story.on("2026-04-02")
    assert [turn(), turn()] == [True, False]
    story.on("2026-04-05")
    assert [turn(), turn()] == [True, False]


def test_a_short_round_begins_at_once(story: Story) -> None:
    with story.begin() as uow:
        assert take_turn(uow, "round", Every(timedelta(seconds=5)), TOKYO)
    with story.begin() as uow:
        assert not take_turn(uow, "round", Every(timedelta(seconds=5)), TOKYO)
    story.later(seconds=5)
    with story.begin() as uow:
        assert take_turn(uow, "round", Every(timedelta(seconds=5)), TOKYO)


def test_the_tick_checks_the_database_every_night(story: Story) -> None:
    story.person(Role.ADMINISTRATOR)
    story.tick()
    assert "assurance.check_started" not in story.announced()
    story.on("2026-04-02")
    assert story.tick()
    story.later(seconds=6)
    assert story.tick()
    assert story.announced().count("assurance.check_started") == 1


def test_what_is_old_is_forgotten(story: Story) -> None:
    person = story.person(Role.SALES)
    story.signed_in(person)
    story.everything_happens()
    with story.begin() as uow:
        once(uow, "account:1", "a", [1], dict)
    story.later(days=36)
    with story.begin() as uow:
        forget_done(uow)
        forget_old_keys(uow)
        forget_old_sessions(uow)
    assert (story.count(Delivery), story.count(OutboxMessage), story.count(IdempotencyKey)) == (0, 0, 0)
    assert story.count(AccountSession) == 1
    story.later(days=90)
    with story.begin() as uow:
        forget_old_sessions(uow)
    assert story.count(AccountSession) == 0
    assert story.count(Notice) == 1
