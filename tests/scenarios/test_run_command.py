"""`./scripts/run`: everything comes up, is signed in to, and goes away again, however it is ended."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.processes import ROOT, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

SECONDS_TO_STOP = 10
PARTS = (
    "rental tick",
    "rental worker --queue interactive --queue events --queue billing",
    "rental worker --queue planning",
    "gunicorn",
    "valkey-server",
)


class Run:
    """One run of the command on a state folder of its own."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.output = home.parent / f"{home.name}.log"
        environment = {**os.environ, "RENTAL_HOME": str(home)}
        for name in ("DATABASE_URL", "REDIS_URL", "RENTAL_SECRET_KEY"):
            environment.pop(name, None)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "scripts" / "run"), "--port", "0", *options],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: self.said("Ctrl-C stops it") is not None, self.output.read_text(), seconds=120)

    def kill(self) -> None:
        """What a failed test leaves behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self, pattern: str) -> str | None:
        match = re.search(pattern, self.output.read_text())
        return match.group(0) if match else None

    def children(self) -> dict[int, str]:
        """Everything that the starter started, or that they started: pid and command line."""
        parents: dict[int, int] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return {pid: command for pid in family - {self.process.pid} if (command := command_of(pid))}

    def status(self, path: str) -> int:
        port = int((self.said(r"Ready: \S+") or "").rsplit(":", 1)[1])
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status


def command_of(pid: int) -> str:
    """The command line of a living process; nothing for one that ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def still_alive(children: dict[int, str]) -> list[str]:
    return [command for pid, command in children.items() if command_of(pid) == command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Starts runs on one state folder, which does not exist before the first."""
    runs: list[Run] = []

    def start_one(*options: str) -> Run:
        runs.append(Run(tmp_path / "home", *options))
        return runs[-1]

    yield start_one
    for run in runs:
        run.kill()


def test_all_parts_come_up_and_ctrl_c_ends_them_in_order(start: Callable[..., Run]) -> None:
    run = start("--profile", "S")
    children = run.children()
    commands = "\n".join(children.values())
    for part in PARTS:
        assert part in commands, commands
    assert (run.status("/healthz"), run.status("/readyz"), run.status("/sign-in")) == (200, 200, 200)
    for role in ["administrator", "sales", "warehouse", "dispatcher", "technician", "billing", "customer"]:
        assert run.said(rf"  {role} +\S+@example\.jp +\S+"), role
    for secret in ("secret_key", "demo_passwords.json", "genba.sqlite3"):
        assert (run.home / secret).stat().st_mode & 0o777 == 0o600, secret

    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(SECONDS_TO_STOP) == 0
    assert still_alive(children) == []
    assert "Traceback" not in run.output.read_text()

    again = start("--profile", "S")
    assert again.said(r"  administrator +\S+ +\S+") == run.said(r"  administrator +\S+ +\S+")
    children = again.children()
    again.process.send_signal(signal.SIGKILL)
    again.process.wait()
    wait_until(lambda: still_alive(children) == [], "something outlived its starter", seconds=10)


def test_an_empty_company_begins_with_one_link_and_one_run_at_a_time(start: Callable[..., Run]) -> None:
    run = start("--empty")
    link = run.said(r"/set-up/\S+")
    assert link
    assert run.status(link) == 200
    assert run.said("@example.jp") is None

    second = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "run"), "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "RENTAL_HOME": str(run.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2
    assert "Traceback" not in second.stderr + second.stdout

    children = run.children()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(SECONDS_TO_STOP) == 0
    assert still_alive(children) == []
