"""Searches side by side in processes of their own; whoever dies is not waited for, the best of all is kept.

Each process goes its own way with its own seed and its own order of characters, and tells of every better
plan. At the end the routes of all are combined. Their number of attempts is fixed beforehand where attempts
are limited, so the plan is the same for the same seed then.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait

from rental.routing.draft import Draft
from rental.routing.engines.chain import KeptRoute
from rental.routing.engines.search import CompiledSearch, Watch
from rental.routing.problem import Problem

BEGIN = "from rental.routing.engines.processes import main; main()"
ASKED_EVERY = 0.05  # seconds
THEIR_SHARE = 0.94  # of the time; the rest is for combining
MOST_TOLD = 2500  # routes of each process


@dataclass(frozen=True, slots=True)
class Task:
    """What one process is to do."""

    problem: Problem
    start: Mapping[str, Sequence[str]]
    is_given: bool
    seed: int
    number: int
    seconds: float | None
    attempts: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """A better plan; at the end also the routes of the good ones."""

    sequences: Mapping[str, Sequence[str]]
    routes: tuple[KeptRoute, ...] = ()
    attempts: int = 0
    is_last: bool = False


class Alone:
    """The watch of a process: its own share of the budget, and a line to whoever started it."""

    def __init__(self, task: Task, line: Connection) -> None:
        self.task, self.line = task, line
        self.began = time.monotonic()
        self.attempts = 0

    def share(self) -> float:
        used = 0.0
        if self.task.seconds is not None:
            used = (time.monotonic() - self.began) / max(1e-9, self.task.seconds)
        if self.task.attempts is not None:
            used = max(used, self.attempts / max(1, self.task.attempts))
        return min(1.0, used)

    def is_over(self) -> bool:
        return self.share() >= 1.0

    def count(self, attempts: int) -> None:
        self.attempts += attempts

    def left(self) -> int | None:
        return None if self.task.attempts is None else max(0, self.task.attempts - self.attempts)

    def seconds_left(self) -> float | None:
        if self.task.seconds is None:
            return None
        return max(0.0, self.task.seconds - (time.monotonic() - self.began))

    def is_better(self, draft: Draft) -> None:
        self.line.send(Told(draft.sequences))


class Helper:
    """One process that searches."""

    def __init__(self, task: Task) -> None:
        self.line, theirs = Pipe()
        command = [sys.executable, "-c", BEGIN, str(theirs.fileno())]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603
        theirs.close()
        # A large task is taken only when the process has loaded everything; nobody waits for that.
        self.giving = threading.Thread(target=self.give, args=(task,), daemon=True)
        self.giving.start()

    def give(self, task: Task) -> None:
        with suppress(OSError):  # it was ended before
            self.line.send(task)

    def hear(self) -> Told | None:
        """None when it is dead."""
        try:
            told: Told = self.line.recv()
        except (EOFError, OSError):
            return None
        return told

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.giving.join()
        self.line.close()


def search_side_by_side(
    search: CompiledSearch, start: Draft, watch: Watch, jobs: int, *, is_given: bool
) -> Draft:
    """The best plan of all processes; where none of them tells anything, of a search of our own."""
    attempts, seconds = watch.left(), watch.seconds_left()
    helpers = [
        Helper(
            Task(
                search.problem,
                start.sequences,
                is_given and number == 0,
                search.seed + number,
                number,
                None if seconds is None else seconds * THEIR_SHARE,
                None if attempts is None else max(1, attempts // jobs),
            )
        )
        for number in range(jobs)
    ]
    search.best = start
    try:
        told = listen(search, helpers, watch)
    finally:
        for helper in helpers:
            helper.end()
    if not told:
        return search.run(start, is_given=is_given)
    if not watch.is_over():
        search.combine()
    watch.count(watch.left() or 0)
    return search.best


def listen(search: CompiledSearch, helpers: Sequence[Helper], watch: Watch) -> bool:
    """Until all are done, or dead, or it is over; whether anybody told anything."""
    alive = {helper.line: helper for helper in helpers}
    anything = False
    while alive and not watch.is_over():
        for line in wait(list(alive), timeout=ASKED_EVERY):
            number = helpers.index(alive[line])  # type: ignore[index]
            told = helpers[number].hear()
            if told is None or told.is_last:
                del alive[line]  # type: ignore[arg-type]
            if told is not None:
                anything = True
                search.pool.add(told.routes, number)
                hear_of(search, told, watch)
    return anything


def hear_of(search: CompiledSearch, told: Told, watch: Watch) -> None:
    draft = Draft.of(search.problem, told.sequences)
    if search.best is None or draft.standing < search.best.standing:
        search.best = draft
        watch.is_better(draft)


def main() -> None:
    """What a process does: one task from its line."""
    line = Connection(int(sys.argv[1]))
    task: Task = line.recv()
    watch = Alone(task, line)
    search = CompiledSearch(task.problem, task.seed, watch, begins_steady=bool(task.number % 2))
    try:
        best = search.run(Draft.of(task.problem, task.start), is_given=task.is_given)
        routes = tuple(search.pool.best()[:MOST_TOLD])
        line.send(Told(best.sequences, routes, watch.attempts, is_last=True))
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(1)  # nobody is waiting for it any more
