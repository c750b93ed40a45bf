"""The beginning of a story that many tests share: it is told once, and every test goes on from a copy."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from flask import Flask

from rental.core.db import db
from tests.support.databases import Database
from tests.support.story import Story

T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """Where the database lies that a beginning left, when it ended, and what it returned."""

    template: str
    ended_at: datetime
    result: Any


class Beginnings:
    """The beginnings that were told so far on one database."""

    def __init__(self, app: Flask, database: Database) -> None:
        self._app, self._database = app, database
        self._kept: dict[object, Kept] = {}

    def tell(self, story: Story, beginning: Callable[[Story], T]) -> T:
        """What `beginning` returns; the database and the clock are as it leaves them.

        Nothing may have happened in the story before, since it would be lost, and all tests share what is
        returned.
        """
        assert not story.has_begun, "a beginning cannot be told later"
        kept = self._kept.get(beginning)
        if kept is None:
            kept = self._kept[beginning] = self._told(story, beginning)
        else:
            self._disconnect()
            self._database.renew(kept.template)
            story.clock.set(kept.ended_at)
            story.has_begun = True
        result: T = kept.result
        return result

    def _told(self, story: Story, beginning: Callable[[Story], T]) -> Kept:
        self._disconnect()
        self._database.renew()
        result = beginning(story)
        template = f"beginning_{len(self._kept) + 1}"
        self._disconnect()
        self._database.keep_as_template(template)
        return Kept(template, story.clock.now(), result)

    def _disconnect(self) -> None:
        with self._app.app_context():
            db.engine.dispose()


@dataclass(frozen=True)
class Once:
    """Tells a beginning in this test's story: `once(open_the_shop)`."""

    beginnings: Beginnings
    story: Story

    def __call__(self, beginning: Callable[[Story], T]) -> T:
        return self.beginnings.tell(self.story, beginning)
