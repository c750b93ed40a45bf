"""How numbers, days and instants are written, in the reader's language."""

from datetime import date, datetime
from functools import lru_cache

from babel.dates import format_date
from flask import Flask, g
from flask_babel import format_timedelta, get_locale, gettext

from rental.core.money import Money
from rental.core.runtime import runtime


def reader_language() -> str:
    """The language of whoever reads this page; outside of the app that of the source.

    Asked for every word of a page that depends on a row, so it is found out once.
    """
    try:
        language: str | None = g.get("reader_language")
    except RuntimeError:  # nobody reads: there is no app
        return "en"
    if language is None:
        language = g.reader_language = str(get_locale().language)
    return language


def yen(amount: Money | int | None) -> str:
    """¥12,345; a credit as -¥12,345; nothing as an em dash."""
    if amount is None:
        return "—"
    units = amount.minor_units if isinstance(amount, Money) else amount
    return f"{'-' if units < 0 else ''}¥{abs(units):,}"


def day(value: date | None, *, weekday: bool = False) -> str:
    """2026/11/20（金） for Japanese readers, 20 Nov 2026 for English ones."""
    return "—" if value is None else _day_in(reader_language(), value, weekday)


@lru_cache(maxsize=4096)
def _day_in(language: str, value: date, weekday: bool) -> str:
    if language == "ja":
        return format_date(value, "yyyy/MM/dd（EEEEE）" if weekday else "yyyy/MM/dd", locale=language)
    return format_date(value, "EEE d MMM yyyy" if weekday else "d MMM yyyy", locale=language)


def instant(value: datetime | None) -> str:
    """Day and time in the company's zone, to the minute."""
    if value is None:
        return "—"
    here = value.astimezone(runtime().zone)
    return f"{day(here.date())} {here.hour:02}:{here.minute:02}"


def clock(minutes: int | None) -> str:
    """9:30 from minutes after midnight."""
    return "—" if minutes is None else f"{minutes // 60}:{minutes % 60:02}"


def ago(value: datetime | None) -> str:
    """How long ago, roughly; within a minute it is just now."""
    if value is None:
        return "—"
    passed = runtime().clock.now() - value
    if abs(passed.total_seconds()) < 60:
        return gettext("just now")
    return format_timedelta(-passed, add_direction=True)


def browser(user_agent: str) -> str:
    """Browser and system in two words, from what the browser says of itself; it may say anything."""
    names = ("Edg", "OPR", "SamsungBrowser", "Firefox", "Chrome", "Safari")
    shown = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet"}
    systems = ("iPhone", "iPad", "Android", "Windows", "Mac OS", "Linux")
    name = next((shown.get(name, name) for name in names if name in user_agent), None)
    system = next((system for system in systems if system in user_agent), None)
    return " · ".join(filter(None, (name, system))) or user_agent[:40] or gettext("unknown browser")


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(yen=yen, day=day, instant=instant, clock=clock, ago=ago, browser=browser)
