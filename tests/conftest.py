"""Every test that touches a database runs on SQLite and on PostgreSQL, each time on a fresh copy."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
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
PAGES = Path(__file__).parent / "web"
SWEEP = PAGES / "test_sweep.py"
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nightly all runs on both; by day all but the sweep of forms on PostgreSQL, on SQLite that and what
    is quick and no page."""
    if PROFILE == "nightly" or config.getoption("database"):
        return
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        (left if is_left_to_the_night(item) else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def is_left_to_the_night(item: pytest.Item) -> bool:
    given = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if "database_kind" not in given or "story_language" in given:
        return False
    if item.path == SWEEP:
        return given["database_kind"] == "postgresql"
    is_page_or_slow = item.path.is_relative_to(PAGES) or item.get_closest_marker("slow") is not None
    return given["database_kind"] == "sqlite" and is_page_or_slow


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
