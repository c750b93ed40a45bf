"""Problems from files: benchmarks of the literature and days as JSON. What is wrong is named by line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rental.routing.problem import (
    MOST_GOODS,
    Break,
    InvalidProblem,
    Kept,
    LateStep,
    Person,
    Problem,
    TravelMatrix,
    Visit,
    Window,
)

TENTHS = 10  # DIMACS: distances are cut to one decimal, so tenths are whole


class BadFile(ValueError):
    """A file that cannot be read: the line, and what was expected there."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem from a file. What a plan costs in its own unit is the price divided by `scale`."""

    name: str
    problem: Problem
    scale: float = 1.0


def read_solomon(path: Path) -> Instance:
    """Solomon (1987) and Gehring and Homberger (1999): one depot, equal vans, windows, demand.

    By the DIMACS convention: the distance alone counts, cut to one decimal, and is the travel time too. One
    metre costs one yen, so the price is the distance in tenths.
    """
    lines = numbered_lines(path)
    name = next(lines)[1].strip()
    vans, capacity = numbers_after(
        lines, "VEHICLE", skip=1, count=2, expected="number of vehicles and capacity"
    )
    rows = rows_after(
        lines, "CUSTOMER", skip=1, count=7, expected="customer number, x, y, demand, ready, due, service"
    )
    if not rows:
        raise BadFile(f"{path.name}: no customers; expected the depot in the first row after CUSTOMER.")
    depot = rows[0]
    places = [(row[1], row[2]) for row in rows]
    travel = distances(places)
    visits = tuple(
        Visit(
            id=str(row[0]),
            place=number,
            service_seconds=row[6] * TENTHS,
            windows=(Window(row[4] * TENTHS, row[5] * TENTHS),),
            volume=row[3],
        )
        for number, row in enumerate(rows[1:], start=1)
    )
    people = tuple(
        Person(
            id=f"van {number + 1}",
            start_place=0,
            end_place=0,
            shift_starts=depot[4] * TENTHS,
            shift_ends=depot[5] * TENTHS,
            yen_per_km=1000,
            volume=capacity,
        )
        for number in range(vans)
    )
    return Instance(name, named(path, visits, people, travel), TENTHS)


def distances(places: list[tuple[int, int]]) -> TravelMatrix:
    spots = np.array(places, dtype=np.float64)
    exact = np.hypot(*(spots[:, None, axis] - spots[None, :, axis] for axis in (0, 1)))
    tenths = np.floor(exact * TENTHS + 1e-9).astype(np.int32)
    return TravelMatrix.of(tenths, tenths, source="straight lines, cut to one decimal")


def named(path: Path, *facts: Any) -> Problem:
    try:
        return Problem(*facts)
    except InvalidProblem as problem:
        raise BadFile(f"{path.name}: {problem}") from problem


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            yield number, line


def numbers_after(
    lines: Iterator[tuple[int, str]], heading: str, *, skip: int, count: int, expected: str
) -> list[int]:
    seek(lines, heading, skip)
    number, line = next(lines, (0, ""))
    if not line:
        raise BadFile(f"the file ends after {heading!r}; expected {count} numbers: {expected}.")
    return whole_numbers(number, line, count, expected)


def rows_after(
    lines: Iterator[tuple[int, str]], heading: str, *, skip: int, count: int, expected: str
) -> list[list[int]]:
    seek(lines, heading, skip)
    return [whole_numbers(number, line, count, expected) for number, line in lines]


def seek(lines: Iterator[tuple[int, str]], heading: str, skip: int) -> None:
    last = 0
    for number, line in lines:
        last = number
        if line.strip() == heading:
            for _ in range(skip):
                next(lines, None)
            return
    raise BadFile(f"line {last + 1}: the file ends; expected a line {heading!r}.")


def whole_numbers(number: int, line: str, count: int, expected: str) -> list[int]:
    words = line.split()
    try:
        values = [int(float(word)) for word in words]
    except ValueError:
        values = []
    if len(values) != count:
        raise BadFile(f"line {number}: {line.strip()!r}; expected {count} numbers: {expected}.")
    return values


HUNDREDTHS = 100  # for files whose distances are not cut


def read_kovacs(path: Path) -> Instance:
    """Kovacs, Parragh, Doerner and Hartl (2012), without teams: skills with levels, work that is given away.

    The file of a crew (`technicians_…`, `techniciansReduced_…`) with the tasks beside it, or the file of the
    tasks, with the full crew. What is counted is the distance, in hundredths, and 200 + (demands)^1.5 for
    each task that is given away.
    """
    prefix, _, rest = path.name.partition("_")
    tasks = path.with_name(rest) if prefix.startswith("technicians") else path
    crew = path if tasks != path else path.with_name(f"technicians_{path.name}")
    levels = levels_of(crew)
    domains = len(levels[0]) if levels else 0
    lines = numbered_lines(tasks)
    next(lines, None)
    next(lines, None)
    next(lines, None)
    rows = []
    for number, line in lines:
        count = len(line.split())
        expected = "number, x, y, demand, ready, due, service, cost, and a level matrix"
        rows.append(whole_numbers(number, line, count if count > 8 and domains else 9, expected))
    if not rows:
        raise BadFile(f"{tasks.name}: no tasks; expected the depot in the fourth line.")
    travel = distances_exact([(row[1], row[2]) for row in rows])
    each = (len(rows[0]) - 8) // max(1, domains)
    visits = tuple(
        Visit(
            id=str(row[0]),
            place=place,
            service_seconds=row[6] * HUNDREDTHS,
            windows=(Window(row[4] * HUNDREDTHS, row[5] * HUNDREDTHS),),
            skills=skills_in(row[8:], domains, each),
            value=round(HUNDREDTHS * (200 + sum(row[8:]) ** 1.5)),
        )
        for place, row in enumerate(rows[1:], start=1)
    )
    people = tuple(
        Person(
            id=f"technician {number + 1}",
            start_place=0,
            end_place=0,
            shift_starts=rows[0][4] * HUNDREDTHS,
            shift_ends=rows[0][5] * HUNDREDTHS,
            yen_per_km=1000,
            skills={f"domain {domain + 1}": level for domain, level in enumerate(some) if level},
        )
        for number, some in enumerate(levels)
    )
    return Instance(path.stem, named(path, visits, people, travel), HUNDREDTHS)


def levels_of(path: Path) -> list[list[int]]:
    """The level of each technician in each domain."""
    if not path.exists():
        raise BadFile(f"{path.name} is missing; expected the technicians beside the tasks.")
    rows = []
    for number, line in numbered_lines(path):
        words = line.split()
        if words[0].isdigit():
            rows.append(whole_numbers(number, line, len(words), "number and levels")[1:])
    return rows


def skills_in(demands: list[int], domains: int, levels: int) -> dict[str, int]:
    """The highest level that is asked for in each domain."""
    skills = {}
    for domain in range(domains):
        asked = [level + 1 for level in range(levels) if demands[domain * levels + level]]
        if asked:
            skills[f"domain {domain + 1}"] = max(asked)
    return skills


def distances_exact(places: list[tuple[int, int]]) -> TravelMatrix:
    spots = np.array(places, dtype=np.float64)
    exact = np.hypot(*(spots[:, None, axis] - spots[None, :, axis] for axis in (0, 1)))
    hundredths = np.rint(exact * HUNDREDTHS).astype(np.int32)
    return TravelMatrix.of(hundredths, hundredths, source="straight lines, in hundredths")


def read_pillac(path: Path) -> Instance:
    """Pillac, Guéret and Medaglia (2013): homes, skills, tools and spare parts; the whole time away counts.

    Who needs more than they have at home goes by the depot first, where there is everything: that is the one
    moment of the day at which it is planned for.
    """
    rows = []
    for number, line in numbered_lines(path):
        words = line.split()
        if words[0].isdigit() and "[" in line:
            facts, lists = (
                whole_numbers(number, line[: line.index("[")], 6, "id, x, y, from, until, service"),
                [],
            )
            for chunk in line[line.index("[") :].split("]")[:3]:
                inner = chunk.strip().removeprefix("[")
                lists.append([int(word) for word in inner.split(",") if word])
            if len(lists) != 3:
                raise BadFile(f"line {number}: expected three lists: skills, tools, spare parts.")
            rows.append((facts, *lists))
        elif len(words) == 4 and all(word.isdigit() for word in words):
            crew = int(words[0])
    if not rows:
        raise BadFile(f"{path.name}: no rows; expected the depot, the technicians, then the requests.")
    travel = distances_exact([(row[0][1], row[0][2]) for row in rows])
    crew_rows = list(enumerate(rows))[1 : crew + 1]
    people = tuple(
        Person(
            id=f"technician {facts[0]}",
            start_place=place,
            end_place=place,
            shift_starts=facts[3] * HUNDREDTHS,
            shift_ends=facts[4] * HUNDREDTHS,
            skills={f"skill {each}": 1 for each in skills} | {f"tool {each}": 1 for each in tools},
            parts={f"part {number}": count for number, count in enumerate(parts)},
            duty_yen_per_hour=3600,
            stand_for=f"technician {facts[0]}",
        )
        for place, (facts, skills, tools, parts) in crew_rows
    )
    every_tool = {f"tool {each}" for row in rows for each in row[2]}
    people += tuple(by_the_depot(person, travel, every_tool) for person in people)
    visits = tuple(
        Visit(
            id=str(facts[0]),
            place=place,
            service_seconds=facts[5] * HUNDREDTHS,
            windows=(Window(facts[3] * HUNDREDTHS, facts[4] * HUNDREDTHS),),
            skills={f"skill {each}": 1 for each in skills} | {f"tool {each}": 1 for each in tools},
            parts={f"part {number}": count for number, count in enumerate(parts) if count},
        )
        for place, (facts, skills, tools, parts) in list(enumerate(rows))[crew + 1 :]
    )
    return Instance(path.stem, named(path, visits, people, travel), HUNDREDTHS)


def by_the_depot(person: Person, travel: TravelMatrix, tools: Iterable[str]) -> Person:
    """The same human, who leaves home for the depot and has everything from then on."""
    way = int(travel.seconds[person.start_place, 0])
    return replace(
        person,
        id=f"{person.id} by the depot",
        start_place=0,
        shift_starts=min(person.shift_starts + way, person.shift_ends),
        day_yen=way,
        skills={**person.skills, **dict.fromkeys(tools, 1)},
        parts=dict.fromkeys(person.parts, MOST_GOODS),
    )


def read_json(path: Path) -> Instance:
    """Our own: `visits`, `people`, `travel`, with the names that the classes of `problem` have."""
    content = json_object(path)
    try:
        travel = TravelMatrix.of(**part(content, "travel", dict))
        visits = tuple(visit_of(row) for row in part(content, "visits", list))
        people = tuple(person_of(row) for row in part(content, "people", list))
        problem = Problem(visits, people, travel, set_up_seconds=set_up_of(content))
    except InvalidProblem as wrong:
        raise BadFile(str(wrong)) from wrong
    except (TypeError, ValueError, AttributeError) as wrong:
        raise BadFile(f"a field is missing, unknown, or of the wrong kind: {wrong}.") from wrong
    return Instance(str(content.get("name", path.stem)), problem)


def json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as wrong:
        raise BadFile(f"line {wrong.lineno}: {wrong.msg}; expected JSON.") from wrong
    except UnicodeDecodeError as wrong:
        raise BadFile("line 1: expected JSON as UTF-8.") from wrong
    if not isinstance(content, dict):
        raise BadFile("line 1: expected an object with visits, people and travel.")
    return content


def set_up_of(content: Mapping[str, Any]) -> dict[int, int]:
    return {int(place): seconds for place, seconds in content.get("set_up_seconds", {}).items()}


def part(content: Mapping[str, Any], name: str, kind: type) -> Any:
    if not isinstance(content.get(name), kind):
        raise BadFile(f"{name}: expected {'a list' if kind is list else 'an object'}.")
    return content[name]


def visit_of(row: Mapping[str, Any]) -> Visit:
    facts = dict(row)
    facts["windows"] = tuple(Window(*window) for window in row.get("windows", ()))
    facts["late_steps"] = tuple(LateStep(*step) for step in row.get("late_steps", ()))
    facts["forbidden"] = frozenset(row.get("forbidden", ()))
    facts["after"] = tuple(row.get("after", ()))
    if row.get("allowed") is not None:
        facts["allowed"] = frozenset(row["allowed"])
    if row.get("kept") is not None:
        facts["kept"] = Kept(**row["kept"])
    return Visit(**facts)


def person_of(row: Mapping[str, Any]) -> Person:
    facts = dict(row)
    facts["locked"] = tuple(row.get("locked", ()))
    rests = row.get("breaks", ())
    facts["breaks"] = tuple(Break(Window(opens, closes), seconds) for opens, closes, seconds in rests)
    return Person(**facts)


READERS = {
    "solomon": read_solomon,
    "homberger": read_solomon,
    "kovacs": read_kovacs,
    "pillac": read_pillac,
    "json": read_json,
}


def read(path: Path, form: str | None = None) -> Instance:
    """By its form; without one it is JSON when its name says so, else one of Solomon's."""
    return READERS[form or ("json" if path.suffix == ".json" else "solomon")](path)
