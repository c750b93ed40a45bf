"""Work in child processes that may be killed at any statement."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from rental.core.db import db

KILLED = -signal.SIGKILL

READS_AT_ONCE = 5
WRITES = ("INSERT", "UPDATE", "DELETE")


def fork(app: Flask, work: Callable[[], object]) -> int:
    """Starts the work in a child process with connections of its own; returns its pid."""
    with app.app_context():
        db.engine.dispose()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:  # noqa: BLE001  (the child has nobody else to tell)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def outcome(pid: int) -> int:
    """The child's exit code, negative when a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def in_child_processes(app: Flask, *works: Callable[[], object]) -> None:
    """Runs all of them at the same time; fails when one of them failed."""
    pids = [fork(app, work) for work in works]
    assert [outcome(pid) for pid in pids] == [0] * len(pids)


def dying_at(point: int, work: Callable[[], object], *, at_every_moment: bool = True) -> Callable[[], object]:
    """The work, killed by SIGKILL at its point-th moment: before and after each statement and commit.

    Rows copied past SQLAlchemy count as a statement.

    What a process leaves behind depends on what it has written. Where not every moment is asked for, the one
    after a statement that only reads is left out, and four in five of a transaction that only reads.
    """

    def run() -> None:
        left = point
        reads = 0

        def moment() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def before(connection: Connection, *_: object) -> None:
            nonlocal reads
            may_write = connection.get_execution_options().get("writing", False)
            reads += not may_write
            if at_every_moment or may_write or reads % READS_AT_ONCE == 0:
                moment()

        def after(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
            if at_every_moment or statement.startswith(WRITES):
                moment()

        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Engine, "after_cursor_execute", after)
        event.listen(Engine, "commit", lambda _: moment())
        copy = psycopg.Cursor.copy

        @contextmanager
        def watched_copy(cursor: psycopg.Cursor, statement: bytes) -> Iterator[psycopg.Copy]:
            moment()
            with copy(cursor, statement) as copying:
                yield copying
            moment()

        psycopg.Cursor.copy = watched_copy  # type: ignore[assignment, method-assign]  # ends with us
        work()

    return run
