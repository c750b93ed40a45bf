"""What makes no sense is refused when it is built, and the message names who and what."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any, cast

import numpy as np
import pytest

from rental.routing.problem import Break, InvalidProblem, Person, Problem, TravelMatrix, Visit, Window

TRAVEL = TravelMatrix.of([[0, 5], [6, 0]], [[0, 7], [8, 0]])
VISIT = Visit("V1", 1)
ANNA = Person("Anna", 0, 0, 100, 200, max_overtime_seconds=50)


def rest(opens: int, closes: int, seconds: int) -> Break:
    return Break(Window(opens, closes), seconds)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Visit("", 0), "Visit '': id must be a text"),
        (lambda: Visit("V1", -1), "Visit 'V1': place is -1; it must be 0 or more."),
        (lambda: Visit("V1", 0, -5), "Visit 'V1': service_seconds is -5"),
        (
            lambda: Visit("V1", 0, cast(Any, 1.5)),
            "Visit 'V1': service_seconds must be a whole number, not 1.5.",
        ),
        (lambda: Visit("V1", 0, windows=(Window(9, 8),)), r"windows\[0\] closes \(8\) before it opens \(9\)"),
        (lambda: Visit("V1", 0, windows=(Window(-9, 8),)), r"windows\[0\].opens is -9"),
        (
            lambda: Visit("V1", 0, windows=(Window(0, 8), Window(8, 9))),
            r"windows\[1\] opens \(8\) before the one before it is closed \(8\)",
        ),
        (lambda: Visit("V1", 0, skills={"coffee": 0}), r"Visit 'V1': skills\['coffee'\] is 0"),
        (lambda: Visit("V1", 0, value=-1), "Visit 'V1': value is -1"),
        (lambda: Visit("V1", 0, due=-1), "Visit 'V1': due is -1"),
        (lambda: Visit("V1", 0, late_yen_per_hour=-1), "late_yen_per_hour is -1"),
        (
            lambda: replace(ANNA, shift_ends=99),
            r"Person 'Anna': shift_ends \(99\) is before shift_starts \(100\)",
        ),
        (lambda: replace(ANNA, shift_starts=-1), "Person 'Anna': shift_starts is -1"),
        (lambda: replace(ANNA, yen_per_km=-1), "Person 'Anna': yen_per_km is -1"),
        (lambda: replace(ANNA, day_yen=True), "Person 'Anna': day_yen must be a whole number, not True."),
        (lambda: replace(ANNA, end_place=-2), "Person 'Anna': end_place is -2"),
        (
            lambda: replace(ANNA, breaks=(rest(90, 120, 10),)),
            r"breaks\[0\] opens \(90\) before the shift starts",
        ),
        (
            lambda: replace(ANNA, breaks=(rest(110, 245, 10),)),
            r"breaks\[0\] may end \(255\) after the last overtime",
        ),
        (lambda: replace(ANNA, breaks=(rest(110, 120, 0),)), r"breaks\[0\].seconds is 0"),
        (
            lambda: replace(ANNA, breaks=(rest(110, 120, 10), rest(125, 130, 10))),
            r"breaks\[1\] opens \(125\) .* the break before it is surely over \(130\)",
        ),
        (lambda: TravelMatrix.of([[0, 5]], [[0, 7]]), r"seconds has the shape \(1, 2\); it must be square"),
        (lambda: TravelMatrix.of([[0, 5], [6, 0]], [[0]]), r"metres has the shape \(1, 1\)"),
        (
            lambda: TravelMatrix.of([[0, -5], [6, 0]], [[0, 7], [8, 0]]),
            r"seconds\[0\]\[1\] must be from 0 to",
        ),
        (lambda: TravelMatrix.of([[0, 5], [6, 0]], [[0, 7], [-8, 0]]), r"metres\[1\]\[0\] must be from 0 to"),
        (lambda: TravelMatrix.of([[1]], [[0]]), r"seconds\[0\]\[0\] must be 0 from a place to itself"),
        (lambda: TravelMatrix.of([[0]], [[0]], [[True]]), r"unreachable\[0\]\[0\] is set"),
        (lambda: TravelMatrix.of([[0.5]], [[0]]), "seconds must be whole numbers, not float64"),
        (
            lambda: TravelMatrix.of([[0, 2**40], [0, 0]], [[0, 1], [1, 0]]),
            "seconds has numbers that are too large",
        ),
        (lambda: Problem((VISIT,), (), TRAVEL), "there is nobody to plan for"),
        (lambda: Problem((VISIT, VISIT), (ANNA,), TRAVEL), "Visit 'V1': id is used twice"),
        (lambda: Problem((VISIT,), (ANNA, ANNA), TRAVEL), "Person 'Anna': id is used twice"),
        (
            lambda: Problem((replace(VISIT, place=2),), (ANNA,), TRAVEL),
            "Visit 'V1': place is 2, but travel knows only the places 0 to 1.",
        ),
        (
            lambda: Problem((VISIT,), (replace(ANNA, start_place=7),), TRAVEL),
            "Person 'Anna': start_place is 7",
        ),
        (
            lambda: Problem((replace(VISIT, skills={"cofee": 1}),), (ANNA,), TRAVEL, frozenset({"coffee"})),
            "Visit 'V1': skills has 'cofee', which is not among the skills of the problem.",
        ),
        (
            lambda: Problem((VISIT,), (replace(ANNA, skills={"tea": 1}),), TRAVEL, frozenset()),
            "Person 'Anna': skills has 'tea'",
        ),
    ],
)
def test_it_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidProblem, match=message):
        build()


def test_what_is_marked_unreachable_may_hold_anything() -> None:
    travel = TravelMatrix.of([[0, -1], [6, 0]], [[0, -1], [8, 0]], [[False, True], [False, False]])
    assert travel.legs == [[0, None], [6, 0]]
    assert travel.lengths[1][0] == 8


def test_a_problem_does_not_change_under_a_search() -> None:
    numbers = np.array([[0, 5], [6, 0]], dtype=np.int32)
    travel = TravelMatrix.of(numbers, numbers)
    numbers[0, 1] = 99
    assert travel.legs[0][1] == 5
    with pytest.raises(ValueError, match="read-only"):
        travel.seconds[0, 1] = 99
    with pytest.raises(FrozenInstanceError):
        VISIT.place = 5  # type: ignore[misc]
