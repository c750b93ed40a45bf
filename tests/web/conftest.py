"""A company with everything in it, and the product as it stands behind https."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from rental.app import create_app
from rental.core.db import db
from tests.conftest import config_for
from tests.support.beginnings import Once
from tests.support.databases import Database
from tests.support.story import Story
from tests.web.company import Company
from tests.web.hostile import FOR_EVERY_FIELD, HOSTILE, share_of
from tests.web.witness import Witness, witness_of

PUBLIC_URL = "https://rental.example.jp"


@pytest.fixture
def company(story: Story, once: Once) -> Company:
    """One person of each role, one row of every kind."""
    return once(Company).in_another(story)


@pytest.fixture
def witness(company: Company) -> Iterator[Witness]:
    """Knows what the database held before the test did anything, or when it was last asked to look."""
    with witness_of(company.app) as witness:
        yield witness


@pytest.fixture
def hostile(is_nightly: bool) -> Callable[[str], dict[str, str]]:
    """What is typed into a field of this name: all of it at night, else a share that differs by the field."""
    if is_nightly:
        return lambda _field: HOSTILE
    return lambda field: share_of(HOSTILE, field, always=FOR_EVERY_FIELD, one_in=4)


@pytest.fixture
def new_app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    """Another app on the same database that has answered nothing yet, so that a test may add a route."""
    app = create_app(config_for(database.url, tmp_path))
    app.testing = False
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def https_app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    """The product as people reach it: over https, not in development."""
    config = replace(
        config_for(database.url, tmp_path),
        public_url=PUBLIC_URL,
        trusted_hosts=("rental.example.jp",),
        is_development=False,
    )
    app = create_app(config)
    app.testing = False
    yield app
    with app.app_context():
        db.engine.dispose()
