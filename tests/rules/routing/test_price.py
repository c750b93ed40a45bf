"""A plan costs the sum of its named parts, in whole yen."""

from rental.routing.plan import LeftOut, Plan, Reason
from rental.routing.price import Price, price, yen_for
from rental.routing.problem import Person, Problem, TravelMatrix, Visit
from rental.routing.timing import timed


def test_each_part_has_its_name() -> None:
    travel = TravelMatrix.of([[0, 1_000], [1_400, 0]], [[0, 20_100], [25_000, 0]])
    person = Person(
        "Anna",
        0,
        0,
        0,
        5_000,
        1_000,
        overtime_yen_per_hour=3_000,
        driving_yen_per_hour=2_000,
        work_yen_per_hour=1_800,
        yen_per_km=25,
        day_yen=1_500,
    )
    late = Visit("V1", 1, 3_000, due=700, late_yen_per_hour=6_000)
    problem = Problem((late, Visit("V2", 1, value=900), Visit("V3", 1)), (person,), travel)
    route = timed(travel, person, [late])
    assert route is not None
    missed = (LeftOut("V2", Reason.NOT_WORTH), LeftOut("V3", Reason.NO_TIME))
    parts = price(problem, Plan((route,), missed, 0))
    assert parts == Price(
        driving=1_333,  # 2,400 s
        distance=1_128,  # 45.1 km, 1,127.5 yen
        work=1_500,
        overtime=333,  # 400 s
        lateness=500,  # 300 s
        days=1_500,
        left_out=900,
    )
    assert parts.total == sum(parts.parts.values()) == 7_194


def test_halves_go_up() -> None:
    assert [yen_for(amount, 1, 2) for amount in range(4)] == [0, 1, 1, 2]
