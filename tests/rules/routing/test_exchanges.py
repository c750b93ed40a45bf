"""Jobs change places where no single one gains by going elsewhere, and nothing becomes worse by it."""

from collections.abc import Iterator, Sequence
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental.routing.check import check
from rental.routing.draft import Draft
from rental.routing.engines import kernel
from rental.routing.engines.arrays import facts_of
from rental.routing.engines.chain import Chain, Character
from rental.routing.engines.exchanges import Table
from rental.routing.price import price
from rental.routing.problem import Person, Problem, TravelMatrix, Visit
from rental.routing.solve import solve
from rental.routing.stop import AfterIterations
from tests.rules.routing.days import full_problems, town_day

several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Lines = Sequence[Sequence[int]]


def begun(problem: Problem, seed: int) -> Chain:
    """A plan some way from a good one."""
    chain = Chain(problem, facts_of(problem), seed)
    chain.lay(Draft(problem).sequences)
    chain.fill()
    chain.run(2, 1.0, 1.0, Character())
    return chain


@several
@given(problem=full_problems(), seed=st.integers(0, 3))
def test_a_plan_never_becomes_worse_and_keeps_every_promise(problem: Problem, seed: int) -> None:
    if not problem.visits:
        return
    chain = begun(problem, seed)
    was = chain.best_cost
    chain.exchange(lambda: False)
    assert chain.best_cost <= was
    sequences = chain.sequences_of(chain.best_lines)
    draft = Draft.of(problem, sequences)
    assert {who: list(ids) for who, ids in draft.sequences.items()} == {
        who: ids for who, ids in sequences.items() if ids
    }
    assert price(problem, draft.plan()).total == draft.cost


@several
@given(problem=full_problems(), seed=st.integers(0, 3))
def test_what_an_exchange_costs_is_what_the_plan_costs_more(problem: Problem, seed: int) -> None:
    if not problem.visits:
        return
    chain = begun(problem, seed)
    lines = chain.best_lines
    table = Table(chain.facts)
    chain.lay_numbers(lines)
    was = chain.best_cost
    rows = table.forget(lines, range(len(lines)))
    kernel.price_changes(chain.facts, chain.state, rows, table.instead, table.after, table.without)
    found = table.best(lines)
    for each in found:
        table.carry_out(each, lines)
    assert chain.lay_numbers(lines)
    assert chain.best_cost - was == sum(each.cost for each in found)


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    problem = town_day(12, 70)
    chain = begun(problem, 1)
    was = chain.best_cost
    chain.exchange(lambda: False)
    assert chain.best_cost < was
    assert solve(problem, AfterIterations(2_000), 3) == solve(problem, AfterIterations(2_000), 3)


def test_whoever_asks_to_stop_keeps_the_plan_as_it_was() -> None:
    chain = begun(town_day(12, 70), 1)
    was = chain.best_lines
    answers = iter([False, True])
    chain.exchange(lambda: next(answers))
    assert chain.best_lines == was


def day_of(homes: Sequence[tuple[int, int]], spots: Sequence[tuple[int, int]], room: int) -> Problem:
    points = [*homes, *spots]
    far = [[round(((a - c) ** 2 + (b - d) ** 2) ** 0.5) for c, d in points] for a, b in points]
    return day_of_ways(far, room, people=len(homes))


def day_of_ways(far: Sequence[Sequence[int]], room: int, people: int = 3) -> Problem:
    """Nothing counts but kilometres, and that nobody carries more than so much; homes come first."""
    visits = range(len(far) - people)
    return Problem(
        tuple(Visit(f"V{number}", people + number, 0, volume=1) for number in visits),
        tuple(
            Person(f"T{number}", number, number, 0, 30_000, yen_per_km=1, volume=room)
            for number in range(people)
        ),
        TravelMatrix.of(far, [[1000 * each for each in row] for row in far]),
    )


def cost_of(problem: Problem, lines: Lines) -> int | None:
    """None where some of it cannot be made."""
    sequences = {
        person.id: [problem.visits[number].id for number in line]
        for person, line in zip(problem.people, lines, strict=True)
    }
    plan = Draft.of(problem, sequences).plan()
    return None if check(problem, plan) else plan.cost


def put(lines: Lines, visit: int, person: int, place: int) -> list[list[int]]:
    left = [[each for each in line if each != visit] for line in lines]
    left[person].insert(place, visit)
    return left


def visits_in(lines: Lines) -> list[int]:
    return [visit for line in lines for visit in line]


def with_one_elsewhere(lines: Lines) -> Iterator[Lines]:
    for visit in visits_in(lines):
        for person, line in enumerate(lines):
            for place in range(len(line) + 1):
                yield put(lines, visit, person, place)


def with_two_swapped(lines: Lines) -> Iterator[Lines]:
    """Each where the other was."""
    for one, other in permutations(visits_in(lines), 2):
        swapped = {one: other, other: one}
        yield [[swapped.get(each, each) for each in line] for line in lines]


def with_two_elsewhere(lines: Lines) -> Iterator[Lines]:
    for moved in with_one_elsewhere(lines):
        yield from with_one_elsewhere(moved)


def nothing_gains(problem: Problem, lines: Lines, others: Iterator[Lines]) -> bool:
    now = cost_of(problem, lines)
    assert now is not None
    costs = [cost_of(problem, each) for each in others]
    return all(cost is None or cost >= now for cost in costs)


def exchanged(problem: Problem, lines: Lines) -> list[list[int]]:
    chain = Chain(problem, facts_of(problem), 1)
    assert chain.lay_numbers(lines)
    chain.exchange(lambda: False)
    return chain.best_lines


def test_two_change_places_each_to_its_best_place_in_the_others_route() -> None:
    spots = [(20, 13), (39, 16), (16, 3), (37, 23), (19, 30), (15, 28)]
    problem = day_of([(10, 20), (30, 20)], spots, 3)
    lines = [[0, 1, 2], [3, 4, 5]]
    assert nothing_gains(problem, lines, with_one_elsewhere(lines))
    assert nothing_gains(problem, lines, with_two_swapped(lines))
    better = exchanged(problem, lines)
    assert (cost_of(problem, lines), cost_of(problem, better)) == (123, 104)
    assert [set(line) for line in better] == [{2, 4, 5}, {0, 1, 3}]


def test_three_go_on_one_after_the_other_to_somebody_who_has_room() -> None:
    problem = day_of([(0, 0), (100, 0), (200, 0), (300, 0)], [(95, 0), (140, 0), (240, 0)], 1)
    lines: Lines = [[0], [1], [2], []]
    assert nothing_gains(problem, lines, with_two_elsewhere(lines))
    assert nothing_gains(problem, lines, with_two_swapped(lines))
    better = exchanged(problem, lines)
    assert better == [[], [0], [1], [2]]
    assert (cost_of(problem, lines), cost_of(problem, better)) == (350, 250)


def test_three_go_round_where_everybody_is_full() -> None:
    ways = [[50, 100, 10], [10, 50, 100], [100, 10, 50]]  # of each home to each visit
    back = [[*column, 0, 0, 0] for column in zip(*ways, strict=True)]
    problem = day_of_ways([[0, 0, 0, *row] for row in ways] + back, room=1)
    lines: Lines = [[0], [1], [2]]
    assert nothing_gains(problem, lines, with_one_elsewhere(lines))
    assert nothing_gains(problem, lines, with_two_swapped(lines))
    better = exchanged(problem, lines)
    assert better == [[2], [0], [1]]
    assert (cost_of(problem, lines), cost_of(problem, better)) == (300, 60)


def test_whoever_is_left_out_comes_in_where_another_goes_on() -> None:
    problem = day_of([(0, 0), (100, 0)], [(10, 0), (60, 0)], 1)
    lines: Lines = [[1], []]
    better = exchanged(problem, lines)
    assert better == [[0], [1]]
