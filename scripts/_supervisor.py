"""Keeps child processes running: passes on what they say, starts again what dies, stops them in order."""

import ctypes
import functools
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from _setup import ROOT, CannotContinue

CRASHES_BEFORE_GIVING_UP = 3  # only while starting; later a person is using the rest
LONGEST_PAUSE = 30.0
CALM_AFTER = 60.0

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StopRequested(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


@dataclass(eq=False)
class Process:
    """One child process: how it is started, how long it may take to stop."""

    name: str
    command: Sequence[str]
    stops_within: float = 1.0
    dies_by: signal.Signals = signal.SIGKILL
    lent: int | None = None
    report: IO[bytes] | None = None
    popen: subprocess.Popen[bytes] | None = field(default=None, init=False)
    exit_code: int = field(default=0, init=False)
    started_at: float = field(default=0.0, init=False)
    start_again_at: float | None = field(default=None, init=False)
    crash_count: int = field(default=0, init=False)

    @property
    def ends_by_itself(self) -> bool:
        return self.report is not None

    def start(self, environment: Mapping[str, str]) -> int:
        """Start it in its own session, so that Ctrl-C reaches us alone; returns where to read its words."""
        said, saying = os.pipe()
        self.popen = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.report or saying,
            stderr=saying,
            pass_fds=() if self.lent is None else (self.lent,),
            start_new_session=True,
            preexec_fn=functools.partial(die_with, os.getpid(), self.dies_by),  # noqa: PLW1509  (no threads)
        )
        os.close(saying)
        self.started_at = time.monotonic()
        self.start_again_at = None
        return said

    def is_running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def ask_to_stop(self) -> None:
        if self.popen is not None:
            self.popen.terminate()

    def end(self) -> None:
        """Kill what is left of it and of its group, and keep its exit code."""
        if self.popen is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.exit_code = self.popen.wait()
            self.popen = None

    def ending(self) -> str:
        if self.exit_code < 0:
            return f"killed by {signal.Signals(-self.exit_code).name}"
        return f"exit code {self.exit_code}"


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """Runs in the child: the system sends it this signal when its parent dies, however that happens."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != parent:
        os._exit(1)


class Supervisor:
    """All processes of one run, from the first start to the last stop."""

    def __init__(self, environment: dict[str, str], stop_order: Sequence[Sequence[str]]) -> None:
        self.environment = environment
        self.stop_order = stop_order
        self.processes: dict[str, Process] = {}
        self.selector = selectors.DefaultSelector()
        self.stop_signal_count = 0
        self.last_steps: list[Callable[[], None]] = []

    @property
    def in_a_hurry(self) -> bool:
        return self.stop_signal_count > 1

    def __enter__(self) -> "Supervisor":
        woken, waking = os.pipe()
        for end in (woken, waking):
            os.set_blocking(end, False)
        self.selector.register(woken, selectors.EVENT_READ, functools.partial(os.read, woken, 4096))
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for asked in (signal.SIGINT, signal.SIGTERM):
            signal.signal(asked, self.note_stop_signal)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self.note_stop_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.stop_all()
        return kind is StopRequested

    def note_stop_signal(self, *_: object) -> None:
        self.stop_signal_count += 1

    def clean_up_at_the_end(self, step: Callable[[], None]) -> None:
        self.last_steps.append(step)

    def start(self, process: Process) -> None:
        self.processes[process.name] = process
        said = process.start(self.environment)
        self.selector.register(said, selectors.EVENT_READ, Voice(process.name, said, self.selector))

    def finish(self, process: Process) -> int:
        """Run a process that ends by itself; its exit code."""
        self.start(process)
        while process.is_running():
            self.watch(60)
        process.end()
        return process.exit_code

    def wait_until(self, condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self.watch(0.05)
            worst = max(self.processes.values(), key=lambda process: process.crash_count)
            if worst.crash_count >= CRASHES_BEFORE_GIVING_UP:
                raise CannotContinue(f"{otherwise}: {worst.name} keeps ending, its own messages are above.")
            if time.monotonic() > deadline:
                raise CannotContinue(f"{otherwise} within {seconds:g} seconds: see the messages above.")

    def stay(self) -> None:
        while True:
            self.watch(60)

    def watch(self, seconds: float) -> None:
        """Pass on what is said, for at most so long, and start again what has died."""
        pauses = [p.start_again_at - time.monotonic() for p in self.processes.values() if p.start_again_at]
        self.listen(max(0, min([seconds, *pauses])))
        if self.stop_signal_count:
            raise StopRequested
        for process in self.processes.values():
            if process.start_again_at is not None:
                if time.monotonic() >= process.start_again_at:
                    self.start(process)
            elif not process.is_running() and not process.ends_by_itself:
                self.note_crash(process)

    def note_crash(self, process: Process) -> None:
        process.end()
        calm = time.monotonic() - process.started_at > CALM_AFTER
        process.crash_count = 1 if calm else process.crash_count + 1
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** (process.crash_count - 1))
        process.start_again_at = time.monotonic() + pause
        say(f"{process.name} ended ({process.ending()}), starting it again in {pause:g} s")

    def listen(self, seconds: float) -> bool:
        heard = self.selector.select(seconds)
        for key, _ in heard:
            key.data()
        return bool(heard)

    def stop_all(self) -> None:
        if self.stop_signal_count:
            say("Stopping …")
        for names in self.stop_order:
            self.stop([self.processes[name] for name in names if name in self.processes])
        while self.listen(0):
            pass
        for step in self.last_steps:
            step()

    def stop(self, together: Sequence[Process]) -> None:
        """Ask all of them at once; each has its own time to end by itself."""
        asked = time.monotonic()
        for process in together:
            process.ask_to_stop()
        for process in together:
            deadline = asked + process.stops_within
            while process.is_running() and time.monotonic() < deadline and not self.in_a_hurry:
                self.listen(deadline - time.monotonic())
            process.end()


class Voice:
    """What one process says, passed on line by line with its name in front."""

    def __init__(self, name: str, descriptor: int, selector: selectors.BaseSelector) -> None:
        self.name = name
        self.descriptor = descriptor
        self.selector = selector
        self.unfinished = b""

    def __call__(self) -> None:
        heard = os.read(self.descriptor, 65536)
        *lines, self.unfinished = (self.unfinished + heard).split(b"\n")
        if not heard:
            self.selector.unregister(self.descriptor)
            os.close(self.descriptor)
            lines += [self.unfinished] if self.unfinished else []
        for line in lines:
            say(f"{self.name:<7} | {line.decode(errors='replace')}")


def say(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:  # the terminal is gone; what still runs must be stopped all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
