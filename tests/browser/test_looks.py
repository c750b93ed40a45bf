"""Every page on a phone and at a desk, in both languages, by day and by night.

By day every page is seen once: on the phone in Japanese, or, every other page of the office, at the desk in
English by night. The nightly run sees everything in all eight ways. Pictures are kept in RENTAL_SCREENSHOTS:

    RENTAL_SCREENSHOTS=/tmp/looks RENTAL_TEST_PROFILE=nightly .venv/bin/pytest tests/browser/test_looks.py
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from rental.web.guards import public
from tests.browser.looking import serious_findings, sideways, small_targets
from tests.browser.scenes import CUSTOMER, TECHNICIAN, VISITOR, WAREHOUSE, Scene
from tests.browser.showroom import SCENES, Showroom
from tests.browser.site import NEEDS_BROWSER, Watch, served, sign_in
from tests.conftest import migrated
from tests.support.story import Story

pytestmark = [*NEEDS_BROWSER, pytest.mark.slow]

SCREENSHOTS = os.environ.get("RENTAL_SCREENSHOTS")
PHONE_WIDTH, SMALLEST_PHONE_WIDTH = 390, 320


@dataclass(frozen=True)
class Look:
    """How somebody sees a page."""

    width: int
    language: str
    theme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.width}-{self.language}-{self.theme}"

    @property
    def is_phone(self) -> bool:
        return self.width == PHONE_WIDTH

    @property
    def options(self) -> dict[str, Any]:
        height = 844 if self.is_phone else 900
        return {
            "viewport": {"width": self.width, "height": height},
            "locale": self.language,
            "color_scheme": self.theme,
            "has_touch": self.is_phone,
            "reduced_motion": "reduce",
        }


ALL_LOOKS = [
    Look(width, language, theme)
    for width in (PHONE_WIDTH, 1440)
    for language in ("ja", "en")
    for theme in ("light", "dark")
]
DAY_ON_THE_PHONE, NIGHT_AT_THE_DESK = Look(PHONE_WIDTH, "ja", "light"), Look(1440, "en", "dark")
# Those who work with a phone in hand.
_ON_FOOT = {TECHNICIAN, WAREHOUSE, CUSTOMER, VISITOR}


def views(profile: str | None) -> list[tuple[str, Look]]:
    """Every page in every way at night; by day each page in one way, of the office alternately in two."""
    if profile == "nightly":
        return [(name, look) for look in ALL_LOOKS for name in SCENES]
    office = [name for name, scene in SCENES.items() if scene.who not in _ON_FOOT]
    at_the_desk = set(office[::2])
    return [(name, NIGHT_AT_THE_DESK if name in at_the_desk else DAY_ON_THE_PHONE) for name in SCENES]


VIEWS = views(os.environ.get("RENTAL_TEST_PROFILE"))


class Exhibition:
    """The showroom behind a server, and a browser for each look and person."""

    def __init__(self, app: Flask, url: str, browser: Browser) -> None:
        self.room = Showroom(Story(app))
        self.url = url
        self.browser = browser
        self.watch = Watch()
        self._pages: dict[tuple[Look, str], Page] = {}

    def page(self, look: Look, who: str) -> Page:
        if (look, who) not in self._pages:
            context = self.browser.new_context(base_url=self.url, **look.options)
            self.watch.over(context)
            if who != VISITOR:
                sign_in(context, self.room.story, self.room.people[look.language, who], self.url)
            self._pages[look, who] = context.new_page()
        self.watch.complaints.clear()
        page = self._pages[look, who]
        page.set_viewport_size(look.options["viewport"])
        return page

    def close(self) -> None:
        for page in self._pages.values():
            page.context.close()


@pytest.fixture(scope="module")
def exhibition(browser: Browser) -> Iterator[Exhibition]:
    with migrated("sqlite") as (app, _):
        app.add_url_rule("/fails", view_func=public(fail))
        with served(app) as url:
            exhibition = Exhibition(app, url, browser)
            yield exhibition
            exhibition.close()


def fail() -> str:
    raise ZeroDivisionError("on purpose")


@pytest.mark.parametrize(("name", "look"), VIEWS, ids=str)
def test_page_can_be_seen_and_used(exhibition: Exhibition, name: str, look: Look) -> None:
    scene = SCENES[name]
    page = exhibition.page(look, scene.who)
    exhibition.room.language = look.language
    show(page, scene, exhibition.room)
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{look}.png", full_page=True)

    assert page.locator("html").get_attribute("lang") == look.language
    assert page.locator("h1").count() == 1
    assert sideways(page) == []
    assert serious_findings(page) == []
    if look.is_phone:
        assert small_targets(page) == []
        page.set_viewport_size({"width": SMALLEST_PHONE_WIDTH, "height": 568})
        assert sideways(page) == []
    assert exhibition.watch.complaints == []


def show(page: Page, scene: Scene, room: Showroom) -> None:
    path = scene.path if isinstance(scene.path, str) else scene.path(room)
    answer = page.goto(path)
    assert answer
    assert answer.status == scene.status
    if scene.act:
        scene.act(page)
