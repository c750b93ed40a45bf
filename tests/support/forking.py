"""Work in child processes that may be killed at any statement."""

import os
import signal
import sys
import traceback
from collections.abc import Callable

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

from rental.core.db import db

KILLED = -signal.SIGKILL


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


def dying_at(point: int, work: Callable[[], object]) -> Callable[[], object]:
    """The work, killed by SIGKILL at its point-th moment: before and after each statement and commit."""

    def run() -> None:
        left = point

        def moment(*_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, name, moment)
        work()

    return run
