"""Gap-free numbers under 32 threads and 4 processes that often change their mind."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select

from rental.assurance.models import CheckRun
from rental.core.db import reading_snapshot
from rental.core.numbering import Counter, next_block, next_number
from rental.core.uow import begin, system
from tests.support.forking import in_child_processes
from tests.support.story import Story

ASKED = 1000
THREADS = 32
PROCESSES = 4


class ChangedMind(Exception):
    """Somebody decides against it after the number was taken."""


def take_one(app: Flask, chance: random.Random) -> None:
    with app.app_context(), begin(system("numbering")) as uow:
        run = CheckRun(number=next_number(uow, "check_run"), started_at=uow.now)
        uow.session.add(run)
        uow.session.flush()
        if chance.random() < 0.1:
            raise ChangedMind


def take_many(app: Flask, count: int, seed: int) -> None:
    """`count` numberings from 8 threads of this process."""

    def one(turn: int) -> int:
        try:
            take_one(app, random.Random(f"{seed}-{turn}"))
        except ChangedMind:
            return 0
        return 1

    with ThreadPoolExecutor(THREADS // PROCESSES) as pool:
        taken = sum(pool.map(one, range(count)))
    assert 0.8 * count < taken < count


@pytest.mark.slow
@pytest.mark.faults
def test_a_thousand_concurrent_numberings_leave_no_gap_and_no_duplicate(app: Flask) -> None:
    in_child_processes(
        app, *(lambda seed=seed: take_many(app, ASKED // PROCESSES, seed) for seed in range(PROCESSES))
    )
    with app.app_context(), reading_snapshot() as session:
        numbers = list(session.scalars(select(CheckRun.number).order_by(CheckRun.number)))
        counter = session.get_one(Counter, "check_run")
        assert 850 < len(numbers) < 950
        assert numbers == list(range(1, len(numbers) + 1))
        assert counter.next_number == len(numbers) + 1


def test_a_block_is_given_out_whole(story: Story) -> None:
    with story.begin() as uow:
        assert next_block(uow, "labels", 50) == range(1, 51)
        assert next_number(uow, "labels") == 51
        assert next_number(uow, "other") == 1


def test_an_undone_transaction_gives_its_number_back(story: Story) -> None:
    with pytest.raises(ChangedMind), story.begin() as uow:
        assert next_number(uow, "labels") == 1
        raise ChangedMind
    with story.begin() as uow:
        assert next_number(uow, "labels") == 1


@pytest.mark.parametrize("count", [0, -1])
def test_an_empty_block_is_refused(story: Story, count: int) -> None:
    with pytest.raises(ValueError, match="at least one"), story.begin() as uow:
        next_block(uow, "labels", count)
