"""Files are read as they are meant; one that is wrong is refused with the line and what was expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from rental.routing.answers import answer, available
from rental.routing.check import check
from rental.routing.drawing import as_svg
from rental.routing.engine import Engine
from rental.routing.problem import Break, Kept, LateStep, Window
from rental.routing.readers import BadFile, read

INSTANCES = Path(__file__).parent / "instances"

DAY: dict[str, Any] = {
    "name": "a short day",
    "visits": [
        {
            "id": "A",
            "place": 1,
            "service_seconds": 600,
            "windows": [[3600, 7200]],
            "due": 4000,
            "late_yen_per_hour": 100,
            "late_steps": [[600, 500]],
            "skills": {"network": 1},
            "allowed": ["Mori"],
            "parts": {"valve": 1},
            "kept": {"person": "Mori", "start": 3700, "other_person_yen": 50},
            "value": 9000,
        },
        {"id": "B", "place": 1, "forbidden": ["Mori"], "value": 100, "after": ["A"]},
    ],
    "people": [
        {
            "id": "Mori",
            "start_place": 0,
            "end_place": 0,
            "shift_starts": 0,
            "shift_ends": 30_000,
            "breaks": [[9000, 10_000, 1800]],
            "skills": {"network": 2},
            "parts": {"valve": 2},
            "driving_yen_per_hour": 3600,
        }
    ],
    "travel": {"seconds": [[0, 60], [60, 0]], "metres": [[0, 500], [500, 0]]},
}


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_solomon_counts_tenths_cut_off() -> None:
    instance = read(INSTANCES / "R101.txt")
    problem = instance.problem
    assert (instance.name, instance.scale) == ("R101", 10)
    assert (len(problem.visits), len(problem.people), problem.people[0].volume) == (100, 25, 200)
    first = problem.visit("1")
    assert (first.windows, first.volume, first.service_seconds) == ((Window(1610, 1710),), 10, 100)
    assert problem.travel.seconds[0, 1] == 152  # the root of 6² + 14² is 15.23


def test_a_known_best_plan_is_found_and_told_in_the_unit_of_the_file() -> None:
    instance = read(INSTANCES / "C101.txt")
    found = answer(instance, seconds=2, seed=1, engine=Engine.KERNEL)
    told = found.as_json()
    assert check(instance.problem, found.plan) == []
    assert (told["instance"], told["cost"], told["feasible"], told["left_out"]) == ("C101", 827.3, True, [])
    assert sorted(customer for route in told["routes"] for customer in route) == list(range(1, 101))
    assert told["cpu_seconds"] < 2.5


def test_a_day_as_json(tmp_path: Path) -> None:
    instance = read(written(tmp_path / "day.json", DAY))
    visit, person = instance.problem.visit("A"), instance.problem.person("Mori")
    assert instance.name == "a short day"
    assert visit.late_steps == (LateStep(600, 500),)
    assert visit.kept == Kept("Mori", 3700, 50)
    assert person.breaks == (Break(Window(9000, 10_000), 1800),)
    told = answer(instance, seconds=0.2, seed=1, engine=Engine.AUTO).as_json()
    assert (told["cost"], told["routes"], told["left_out"]) == (220, [["A"]], ["B"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:4], "the file ends after 'VEHICLE'; expected 2 numbers: number of vehicles"),
        (lambda lines: [*lines[:12], "   3  55 45"], "line 13: '3  55 45'; expected 7 numbers"),
        (lambda lines: ["R101", "nothing"], "the file ends; expected a line 'VEHICLE'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, change: Any, message: str) -> None:
    lines = (INSTANCES / "R101.txt").read_text().splitlines()
    path = tmp_path / "bad.txt"
    path.write_text("\n".join(change(lines)))
    with pytest.raises(BadFile, match=message.replace("(", r"\(")):
        read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"visits": None}, "visits: expected a list"),
        ({"people": []}, "nobody to plan for"),
        ({"visits": [{"id": "A"}]}, "missing"),
        ({"visits": [{"id": "A", "place": 7}]}, "place is 7"),
        ({"visits": [{"id": "A", "place": 1, "service_seconds": -1}]}, "service_seconds is -1"),
        ({"visits": [{"id": "A", "place": 1}, {"id": "A", "place": 1}]}, "id is used twice"),
        ({"travel": {"seconds": [[0, 60]], "metres": [[0, 1]]}}, "must be square"),
        ({"travel": {"seconds": [[0, -1], [60, 0]], "metres": [[0, 1], [1, 0]]}}, r"seconds\[0\]\[1\]"),
    ],
)
def test_a_bad_day_is_refused_with_the_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read(written(tmp_path / "day.json", DAY | change))


def test_what_is_no_json_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text('{"visits":\n [}')
    with pytest.raises(BadFile, match="line 2"):
        read(path)


def test_a_plan_is_drawn_with_what_is_left_out_in_red(tmp_path: Path) -> None:
    instance = read(written(tmp_path / "day.json", DAY))
    found = answer(instance, seconds=0.1, seed=1, engine=Engine.AUTO)
    picture = as_svg(instance.problem, found.plan)
    assert picture.count("<polyline") == 1
    assert picture.count('fill="red"') == 1


def test_engines_that_can_be_used_are_listed() -> None:
    assert {Engine.AUTO, Engine.KERNEL, Engine.ORTOOLS} <= set(available())
