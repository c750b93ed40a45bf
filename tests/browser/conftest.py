"""One browser for all tests; a company behind a server for each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from rental.core.clock import SystemClock
from rental.core.db import db
from tests.browser.site import CHROMIUM, Site, served
from tests.conftest import migrated
from tests.support.databases import Database
from tests.support.story import Story

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browsers that know nothing of each other; all are closed with the test."""
    opened: list[BrowserContext] = []

    def open_one(**options: Any) -> BrowserContext:
        opened.append(browser.new_context(**options))
        return opened[-1]

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def sqlite_server() -> Iterator[tuple[Flask, Database, str]]:
    """What looks and behaves alike on every database is looked at on one."""
    with migrated("sqlite") as (app, database), served(app) as url:
        yield app, database, url


@pytest.fixture(scope="session")
def server_url(installation: tuple[Flask, Database]) -> Iterator[str]:
    with served(installation[0]) as url:
        yield url


@pytest.fixture
def site(
    sqlite_server: tuple[Flask, Database, str], new_context: Callable[..., BrowserContext]
) -> Iterator[Site]:
    """A fresh company on SQLite. At the end nothing may have been complained about."""
    app, database, url = sqlite_server
    database.renew()
    site = Site(Story(app), url, new_context)
    yield site
    app.extensions["rental"].clock = SystemClock()
    with app.app_context():
        db.engine.dispose()
    assert site.watch.complaints == []


@pytest.fixture
def site_on_each_database(
    story: Story, server_url: str, new_context: Callable[..., BrowserContext]
) -> Iterator[Site]:
    """A fresh company, once on SQLite and once on PostgreSQL."""
    site = Site(story, server_url, new_context)
    yield site
    assert site.watch.complaints == []
