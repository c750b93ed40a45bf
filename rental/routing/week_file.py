"""Weeks from JSON: what is wrong is named, as it is for days."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rental.routing.problem import InvalidProblem, TravelMatrix, Window
from rental.routing.readers import BadFile, json_object, part, person_of, set_up_of, visit_of
from rental.routing.week import Week, WeekVisit


@dataclass(frozen=True, slots=True)
class WeekInstance:
    """Several days from a file."""

    name: str
    week: Week


def read_week(path: Path) -> WeekInstance:
    """Our own for several days: `days` with names and people, `visits` with the days they may be on."""
    content = json_object(path)
    try:
        travel = TravelMatrix.of(**part(content, "travel", dict))
        days = part(content, "days", list)
        week = Week(
            tuple(str(day["name"]) for day in days),
            tuple(tuple(person_of(row) for row in day.get("people", ())) for day in days),
            tuple(week_visit_of(row) for row in part(content, "visits", list)),
            travel,
            set_up_of(content),
        )
    except InvalidProblem as wrong:
        raise BadFile(str(wrong)) from wrong
    except KeyError as wrong:
        raise BadFile(f"a field is missing: {wrong}.") from wrong
    except (TypeError, ValueError, AttributeError) as wrong:
        raise BadFile(f"a field is missing, unknown, or of the wrong kind: {wrong}.") from wrong
    return WeekInstance(str(content.get("name", path.stem)), week)


def is_week(path: Path, form: str | None) -> bool:
    """Whether the file is JSON of several days."""
    return (form or path.suffix.removeprefix(".")) == "json" and "days" in json_object(path)


def week_visit_of(row: Mapping[str, Any]) -> WeekVisit:
    facts = dict(row)
    days = facts.pop("days", None)
    windows_on = facts.pop("windows_on", {})
    day_yen = facts.pop("day_yen", {})
    of_week = {name: facts.pop(name) for name in ("series", "days_apart") if name in facts}
    return WeekVisit(
        visit_of(facts),
        None if days is None else frozenset(days),
        {int(day): tuple(Window(*window) for window in windows) for day, windows in windows_on.items()},
        {int(day): yen for day, yen in day_yen.items()},
        **of_week,
    )
