"""Settings, read once from the environment. docs/operations.md lists every variable."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


class SettingError(Exception):
    """A variable is missing or cannot be right; the message names it and the cure."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment, as docs/operations.md shows it."""

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("RENTAL_HOME", "instance/ of the checkout", "Folder of the database file, uploads and secrets"),
    Variable("DATABASE_URL", "SQLite in RENTAL_HOME", "Database: sqlite:///… or postgresql://…"),
    Variable("REDIS_URL", "none", "Valkey or Redis that wakes workers: redis://, rediss:// or unix://"),
    Variable("RENTAL_SECRET_KEY", "none", "Signs cookies and forms; 32 characters or more; or the file"),
    Variable("RENTAL_SECRET_KEY_FILE", "secret_key in RENTAL_HOME", "A file that holds RENTAL_SECRET_KEY"),
    Variable("RENTAL_SECRET_KEY_FALLBACKS", "none", "Earlier keys still accepted, separated by spaces"),
    Variable("RENTAL_PUBLIC_URL", "http://127.0.0.1:8000", "Address people open; https except on loopback"),
    Variable("RENTAL_TRUSTED_HOSTS", "host of RENTAL_PUBLIC_URL", "Host names answered, separated by spaces"),
    Variable("RENTAL_PROXY_COUNT", "0", "Reverse proxies in front whose X-Forwarded headers count"),
    Variable("RENTAL_TIME_ZONE", "Asia/Tokyo", "Zone that decides what day it is"),
    Variable("RENTAL_GEOCODER_URL", "none", "Map service that finds addresses, as Nominatim does"),
    Variable("RENTAL_ROADS_URL", "none", "Measures travel on roads: osrm+https://… or valhalla+https://…"),
    Variable("RENTAL_ROADS_VERSION", "1", "Of the road data; with another one every way is measured anew"),
    Variable("RENTAL_SMTP_URL", "none", "Mail server: smtp://user:password@host:587 (STARTTLS) or smtps://…"),
    Variable("RENTAL_BILLING_CHUNK", "1000", "Billing accounts that a closing bills in one transaction"),
    Variable(
        "RENTAL_DATABASE_POOLER",
        "0",
        "1 where a pooler may change PostgreSQL connections between transactions",
    ),
    Variable("RENTAL_DEVELOPMENT", "0", "1 adds /styleguide"),
    Variable(
        "RENTAL_ALLOW_PLAIN_BACKENDS", "0", "1 permits a remote database or Redis without TLS and password"
    ),
)

CHECKOUT = Path(__file__).parents[1]
# More would outlast a worker's lease on a slow machine.
_LARGEST_CHUNK = 2000
_LOOPBACK = {"localhost", "127.0.0.1", "::1", ""}


@dataclass(frozen=True, slots=True)
class Config:
    """Everything this process was told from outside."""

    home: Path
    database_url: str
    redis_url: str | None
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    public_url: str
    trusted_hosts: tuple[str, ...]
    proxy_count: int
    time_zone: ZoneInfo
    is_development: bool
    geocoder_url: str | None = None
    roads_url: str | None = None
    roads_version: str = "1"
    smtp_url: str | None = None
    billing_chunk: int = 1000
    database_is_pooled: bool = False

    def set_up_url(self, token: str) -> str:
        """Where the owner of a set-up link chooses a password."""
        return f"{self.public_url}/set-up/{token}"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")


def read_config(environment: Mapping[str, str] = os.environ) -> Config:
    """Raises SettingError, whose message names the variable and what to do."""
    home = Path(environment.get("RENTAL_HOME") or CHECKOUT / "instance").resolve()
    public_url = _public_url(environment)
    config = Config(
        home=home,
        database_url=_database_url(environment, home),
        redis_url=_redis_url(environment),
        secret_key=_secret_key(environment, home),
        secret_key_fallbacks=tuple(environment.get("RENTAL_SECRET_KEY_FALLBACKS", "").split()),
        public_url=public_url,
        trusted_hosts=_trusted_hosts(environment, public_url),
        proxy_count=_count(environment, "RENTAL_PROXY_COUNT"),
        time_zone=_time_zone(environment),
        is_development=_yes(environment, "RENTAL_DEVELOPMENT"),
        geocoder_url=_geocoder_url(environment),
        roads_url=_roads_url(environment),
        roads_version=_roads_version(environment),
        smtp_url=_smtp_url(environment),
        billing_chunk=_billing_chunk(environment),
        database_is_pooled=_yes(environment, "RENTAL_DATABASE_POOLER"),
    )
    if not _yes(environment, "RENTAL_ALLOW_PLAIN_BACKENDS"):
        _refuse_plain_backends(config)
    return config


def _database_url(environment: Mapping[str, str], home: Path) -> str:
    given = environment.get("DATABASE_URL") or f"sqlite:///{home / 'genba.sqlite3'}"
    given = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", given)
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise SettingError(
            "DATABASE_URL cannot be read; it starts with sqlite:/// or postgresql://"
        ) from error
    if url.drivername == "sqlite":
        if not url.database or not Path(url.database).is_absolute():
            raise SettingError(
                "DATABASE_URL of SQLite names a file by its whole path: sqlite:////srv/genba.db"
            )
    elif url.drivername != "postgresql+psycopg":
        raise SettingError("DATABASE_URL must start with sqlite:/// or postgresql://")
    return given


def _redis_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("REDIS_URL") or None
    if url and urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        raise SettingError("REDIS_URL must start with redis://, rediss:// or unix://")
    return url


def _public_url(environment: Mapping[str, str]) -> str:
    url = (environment.get("RENTAL_PUBLIC_URL") or "http://127.0.0.1:8000").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
        raise SettingError("RENTAL_PUBLIC_URL must look like https://rental.example.jp, without a path")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingError(
            "RENTAL_PUBLIC_URL must be https: over plain http anybody on the way can take over a session"
        )
    return url


def _geocoder_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("RENTAL_GEOCODER_URL") or None
    parts = urlsplit(url or "https://none.example")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise SettingError("RENTAL_GEOCODER_URL must look like https://maps.example.jp/nominatim")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingError("RENTAL_GEOCODER_URL must be https: it is sent the addresses of your customers")
    return url


def _roads_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("RENTAL_ROADS_URL") or None
    kind, plus, address = (url or "osrm+https://none.example").partition("+")
    parts = urlsplit(address)
    if kind not in {"osrm", "valhalla"} or not plus or parts.scheme not in {"http", "https"}:
        raise SettingError("RENTAL_ROADS_URL must begin with osrm+https:// or valhalla+https://")
    if not parts.hostname or parts.query or parts.fragment:
        raise SettingError("RENTAL_ROADS_URL must look like osrm+https://roads.example.jp")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingError("RENTAL_ROADS_URL must be https: it is sent where your customers are")
    return url


def _roads_version(environment: Mapping[str, str]) -> str:
    version = environment.get("RENTAL_ROADS_VERSION") or "1"
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", version):
        raise SettingError(
            "RENTAL_ROADS_VERSION must be 1 to 40 letters, digits, dots, dashes or underscores"
        )
    return version


def _smtp_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("RENTAL_SMTP_URL") or None
    parts = urlsplit(url or "smtps://none.example")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/"):
        raise SettingError("RENTAL_SMTP_URL must look like smtps://user:password@mail.example.jp")
    return url


def _billing_chunk(environment: Mapping[str, str]) -> int:
    count = _count(environment, "RENTAL_BILLING_CHUNK", 1000)
    if not 1 <= count <= _LARGEST_CHUNK:
        raise SettingError(f"RENTAL_BILLING_CHUNK must be 1 to {_LARGEST_CHUNK:,}, got {count}")
    return count


def _trusted_hosts(environment: Mapping[str, str], public_url: str) -> tuple[str, ...]:
    named = environment.get("RENTAL_TRUSTED_HOSTS", "").split()
    host = urlsplit(public_url).hostname or ""
    return tuple(named) or ((host, "localhost", "127.0.0.1", "[::1]") if host in _LOOPBACK else (host,))


def _secret_key(environment: Mapping[str, str], home: Path) -> str:
    key = environment.get("RENTAL_SECRET_KEY", "")
    path = environment.get("RENTAL_SECRET_KEY_FILE")
    if path or (not key and (home / "secret_key").exists()):
        try:
            key = Path(path or home / "secret_key").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"RENTAL_SECRET_KEY_FILE cannot be read: {error}") from error
    if len(key) < 32:
        raise SettingError(
            "RENTAL_SECRET_KEY needs at least 32 characters; make one with "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return key


def _time_zone(environment: Mapping[str, str]) -> ZoneInfo:
    name = environment.get("RENTAL_TIME_ZONE") or "Asia/Tokyo"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingError(f"RENTAL_TIME_ZONE names no time zone: {name!r}") from error


def _count(environment: Mapping[str, str], name: str, default: int = 0) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal():
        raise SettingError(f"{name} must be a whole number, got {text!r}")
    return int(text)


def _yes(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name) or "0"
    if text not in {"0", "1"}:
        raise SettingError(f"{name} must be 0 or 1, got {text!r}")
    return text == "1"


def _refuse_plain_backends(config: Config) -> None:
    if config.redis_url:
        redis = urlsplit(config.redis_url)
        if redis.scheme == "redis" and (redis.hostname or "") not in _LOOPBACK and not redis.password:
            raise SettingError("REDIS_URL of another machine needs a password, and rediss:// is better")
    url = make_url(config.database_url)
    hosts = {url.host or "", *(_as_tuple(url.query.get("host")))}
    is_remote = any(host not in _LOOPBACK and not host.startswith("/") for host in hosts)
    is_encrypted = set(_as_tuple(url.query.get("sslmode"))) & {"require", "verify-ca", "verify-full"}
    if url.drivername != "sqlite" and is_remote and not is_encrypted:
        raise SettingError("DATABASE_URL of another machine needs ?sslmode=require or stricter")


def _as_tuple(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()
