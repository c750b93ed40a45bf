"""Every test that touches a database runs on SQLite and on PostgreSQL, each time on a fresh copy."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_migrate import upgrade
from hypothesis import HealthCheck, settings

from rental.app import create_app
from rental.config import Config
from rental.core.clock import SystemClock
from rental.core.db import db
from tests.support.beginnings import Beginnings, Once
from tests.support.databases import KINDS, Database, fast_folder, make_database
from tests.support.story import Story

PROFILE = os.environ.get("RENTAL_TEST_PROFILE", "full")
LANGUAGES = ("en", "ja")
SWEEP = Path(__file__).parent / "web" / "test_sweep.py"
SECRET_KEY = "for tests only, and long enough to be accepted"

# How long an example takes says how busy the machine is, and nothing about the product.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=KINDS, help="run on this database only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" not in metafunc.fixturenames:
        return
    only = metafunc.config.getoption("database")
    kinds = [only] if only else KINDS
    if "story_language" in metafunc.fixturenames:
        # Such a story is long: by day each language and each database is gone through once.
        is_by_day = len(kinds) == len(LANGUAGES) and PROFILE != "nightly"
        pairs = zip(kinds, LANGUAGES, strict=True) if is_by_day else product(kinds, LANGUAGES)
        metafunc.parametrize(("database_kind", "story_language"), list(pairs), scope="session")
    else:
        metafunc.parametrize("database_kind", kinds, scope="session")


@pytest.hookimpl(trylast=True)  # Hypothesis has said by then which tests are its own
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nightly all runs on both databases; by day and in the quick run what `is_left_out` leaves."""
    if PROFILE == "nightly" or (config.getoption("database") and PROFILE != "quick"):
        return
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    beginners: dict[Path, pytest.Item] = {}
    for item in items:
        if database_kind(item) == "sqlite" and item.get_closest_marker("slow") is None:
            beginners.setdefault(item.path, item)
        (left if is_left_out(item, beginners.get(item.path) is item) else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def is_left_out(item: pytest.Item, is_first_of_file: bool) -> bool:
    """By day: all on PostgreSQL but the sweep of forms, which runs on SQLite; there each file begins as well.
    Quick: what needs no database and tries nothing at random, and on SQLite the beginning of each file.
    """
    kind = database_kind(item)
    if PROFILE == "quick":
        return item.get_closest_marker("hypothesis") is not None if kind is None else not is_first_of_file
    if kind is None or "story_language" in given_to(item):
        return False
    if item.path == SWEEP:
        return kind == "postgresql"
    return kind == "sqlite" and not is_first_of_file


def database_kind(item: pytest.Item) -> str | None:
    kind: str | None = given_to(item).get("database_kind")
    return kind


def given_to(item: pytest.Item) -> Mapping[str, Any]:
    """The parameters of a test, by name."""
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def config_for(url: str, home: Path, *, redis_url: str | None = None) -> Config:
    """A development installation on this database."""
    return Config(
        home=home,
        database_url=url.replace("postgresql://", "postgresql+psycopg://"),
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        secret_key_fallbacks=(),
        public_url="http://localhost",
        trusted_hosts=("localhost", "127.0.0.1"),
        proxy_count=0,
        time_zone=ZoneInfo("Asia/Tokyo"),
        is_development=True,
    )


@contextmanager
def migrated(kind: str) -> Iterator[tuple[Flask, Database]]:
    """An app on a migrated database of this kind, which `renew` makes new again."""
    database = make_database(kind, beside=fast_folder())
    home = Path(tempfile.mkdtemp(prefix="genba-home-", dir=fast_folder()))
    app = create_app(config_for(database.url, home))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    database.keep_as_template()
    yield app, database
    with app.app_context():
        db.engine.dispose()
    database.close()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def installation(database_kind: str) -> Iterator[tuple[Flask, Database]]:
    """One app per kind of database, migrated once; its database is renewed for every test."""
    with migrated(database_kind) as made:
        yield made


@pytest.fixture
def database(installation: tuple[Flask, Database]) -> Iterator[Database]:
    """A fresh database."""
    app, fresh = installation
    fresh.renew()
    yield fresh
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(installation: tuple[Flask, Database], database: Database) -> Iterator[Flask]:
    """The app on a fresh database, with the machine's clock."""
    app, _ = installation
    app.extensions["rental"].clock = SystemClock()
    yield app
    app.extensions["rental"].clock = SystemClock()


@pytest.fixture
def story(app: Flask) -> Story:
    """A story on a fresh database; it begins on 1 April 2026, ten in the morning."""
    return Story(app)


@pytest.fixture(scope="session")
def beginnings(installation: tuple[Flask, Database]) -> Beginnings:
    """What was told once on this kind of database."""
    return Beginnings(*installation)


@pytest.fixture
def once(beginnings: Beginnings, story: Story) -> Once:
    """Begins the story as others begin theirs, which takes next to no time: the database is copied."""
    return Once(beginnings, story)


@pytest.fixture(scope="session")
def is_nightly() -> bool:
    """Whether the exhaustive versions run."""
    return PROFILE == "nightly"
