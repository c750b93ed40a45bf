"""How numbers, days and instants are written, in the reader's language."""

from datetime import date, datetime

from flask import Flask
from flask_babel import format_date, format_datetime, format_timedelta, get_locale, gettext

from rental.core.money import Money
from rental.core.runtime import runtime


def yen(amount: Money | int | None) -> str:
    """¥12,345; a credit as -¥12,345; nothing as an em dash."""
    if amount is None:
        return "—"
    units = amount.minor_units if isinstance(amount, Money) else amount
    return f"{'-' if units < 0 else ''}¥{abs(units):,}"


def day(value: date | None, *, weekday: bool = False) -> str:
    """2026/11/20（金） for Japanese readers, 20 Nov 2026 for English ones."""
    if value is None:
        return "—"
    if str(get_locale()).startswith("ja"):
        return format_date(value, "yyyy/MM/dd（EEEEE）" if weekday else "yyyy/MM/dd")
    return format_date(value, "EEE d MMM yyyy" if weekday else "d MMM yyyy")


def instant(value: datetime | None) -> str:
    """Day and time in the company's zone, to the minute."""
    if value is None:
        return "—"
    pattern = "yyyy/MM/dd HH:mm" if str(get_locale()).startswith("ja") else "d MMM yyyy HH:mm"
    return format_datetime(value, pattern)


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
    app.jinja_env.filters.update(yen=yen, day=day, instant=instant, ago=ago, browser=browser)
