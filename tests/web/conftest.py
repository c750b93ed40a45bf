"""A company with everything in it, and the product as it stands behind https."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from rental.app import create_app
from rental.core.db import db
from tests.conftest import config_for
from tests.support.databases import Database
from tests.support.story import Story
from tests.web.company import Company

PUBLIC_URL = "https://rental.example.jp"


@pytest.fixture
def company(story: Story) -> Company:
    """One person of each role, one row of every kind."""
    return Company(story)


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
