"""The whole problem as a model of OR-Tools; it goes on from a plan and never ends with a worse one.

Money is counted in 18,000ths of a yen, so that an hourly rate for seconds and a rate per kilometre for
metres are whole numbers together. Only the order of visits is taken from the optimiser, and when those start
that are linked with others; all other times are our own.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from ortools.util import optional_boolean_pb2

from rental.routing.agreed import Agreement
from rental.routing.draft import Draft
from rental.routing.engines.arrays import PARTS_OF_A_YEN, PER_HOUR, PER_KM
from rental.routing.explain import hopeless
from rental.routing.matching import may_make
from rental.routing.problem import MOST_GOODS, Person, Problem, Visit

MOST_PARTS = 2**61

# The default set also holds what is meant for pick-ups and deliveries; with breaks each trial is expensive.
MOVES = (
    "use_relocate",
    "use_exchange",
    "use_cross",
    "use_two_opt",
    "use_or_opt",
    "use_make_active",
    "use_make_inactive",
    "use_swap_active",
)


class SolverFailed(Exception):
    """The optimiser gave no plan."""


def improve(draft: Draft, is_over: Callable[[], bool], on_better: Callable[[Draft], None]) -> Draft:
    """The best draft until no move makes it cheaper, or until it is over; `is_over` is asked at every trial.

    Raises SolverFailed when the optimiser cannot even take the draft as its start.
    """
    return Search(draft, is_over, on_better).run()


def improve_whole(
    agreement: Agreement, is_over: Callable[[], bool], on_better: Callable[[Agreement], None]
) -> Agreement:
    """The same for a day with links: the times agreed are moved too. Raises SolverFailed."""
    search = LinkedSearch(agreement, is_over, on_better)
    search.run()
    return search.agreement


class Search:
    """One run of the optimiser."""

    def __init__(self, draft: Draft, is_over: Callable[[], bool], on_better: Callable[[Draft], None]) -> None:
        self.problem, self.best = draft.problem, draft
        self.is_over, self.on_better = is_over, on_better
        self.visits = visits_that_could_be_made(self.problem, draft)
        self.interrupted: BaseException | None = None
        self.ended = False

    def run(self) -> Draft:
        if not self.visits:
            return self.best
        try:
            started = self.search()
        except Exception as problem:
            raise SolverFailed("The optimiser refused the model.") from problem
        if self.interrupted is not None:
            raise self.interrupted
        if not started and not self.ended:
            raise SolverFailed("The plan to start from does not fit the model.")
        return self.best

    def search(self) -> bool:
        """False when it did not come to searching."""
        self.manager, self.routing = model_of(self.problem, self.visits)
        parameters = search_parameters()
        self.routing.AddAtSolutionCallback(self.guarded(self.take_solution))
        self.routing.CloseModelWithParameters(parameters)
        self.routing.AddSearchMonitor(self.routing.solver().CustomLimit(self.must_end))
        start = self.routing.ReadAssignmentFromRoutes(self.indices_of(self.best), True)
        if start is None:
            return False
        self.routing.SolveFromAssignmentWithParameters(start, parameters)
        return True

    def sequences(self) -> dict[str, list[str]]:
        return {person.id: self.visits_of(vehicle) for vehicle, person in enumerate(self.problem.people)}

    def must_end(self) -> bool:
        self.guarded(self.ask)()
        return self.ended

    def ask(self) -> None:
        self.ended = self.ended or self.is_over()

    def take_solution(self) -> None:
        draft = Draft.of(self.problem, self.sequences())
        if draft.standing < self.best.standing:
            self.best = draft
            self.on_better(draft)

    def guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        """What is raised here must not fly through the optimiser: it is kept, and the search ends."""

        def run() -> None:
            try:
                work()
            except BaseException as problem:  # noqa: BLE001  (raised again as soon as the optimiser is left)
                self.interrupted = self.interrupted or problem
                self.ended = True

        return run

    def visits_of(self, vehicle: int) -> list[str]:
        ids = []
        index = self.routing.NextVar(self.routing.Start(vehicle)).Value()
        while not self.routing.IsEnd(index):
            ids.append(self.visits[self.manager.IndexToNode(index)].id)
            index = self.routing.NextVar(index).Value()
        return ids

    def indices_of(self, draft: Draft) -> list[list[int]]:
        numbers = {visit.id: number for number, visit in enumerate(self.visits)}
        return [
            [self.manager.NodeToIndex(numbers[visit.id]) for visit in draft.visits_of(person)]
            for person in self.problem.people
        ]


class LinkedSearch(Search):
    """One run in which crews and orders are kept; the best is known with its times."""

    def __init__(
        self, agreement: Agreement, is_over: Callable[[], bool], on_better: Callable[[Agreement], None]
    ) -> None:
        super().__init__(agreement.draft, is_over, lambda draft: None)
        self.problem, self.agreement, self.on_better_agreement = agreement.problem, agreement, on_better
        self.visits = visits_that_could_be_made(self.problem, self.best)

    def take_solution(self) -> None:
        time = self.routing.GetDimensionOrDie("time")
        starts = {
            visit.id: time.CumulVar(self.manager.NodeToIndex(number)).Min()
            for number, visit in enumerate(self.visits)
            if visit.id in self.problem.linked
        }
        agreement = Agreement.of(self.problem, starts, self.sequences())
        if agreement.standing < self.agreement.standing:
            self.agreement = agreement
            self.on_better_agreement(agreement)


def visits_that_could_be_made(problem: Problem, draft: Draft) -> list[Visit]:
    """The model breaks on a visit that nobody may make, or whose windows lie outside every shift."""
    made = {each for visits in draft.sequences.values() for each in visits}
    return [visit for visit in problem.visits if visit.id in made or hopeless(problem, visit) is None]


def model_of(problem: Problem, visits: list[Visit]) -> tuple[Any, Any]:
    """Nodes are the visits, then where each person starts, then where each ends."""
    people = problem.people
    starts = range(len(visits), len(visits) + len(people))
    ends = range(starts.stop, starts.stop + len(people))
    manager = pywrapcp.RoutingIndexManager(ends.stop, len(people), list(starts), list(ends))
    routing = pywrapcp.RoutingModel(manager)
    places = [visit.place for visit in visits]
    places += [person.start_place for person in people] + [person.end_place for person in people]
    services = [visit.service_seconds for visit in visits] + [0] * (2 * len(people))

    time = add_times(problem, routing, places, services)
    add_costs(problem, routing, places, services)
    node_of = [manager.IndexToNode(index) for index in range(routing.Size())]
    for vehicle, person in enumerate(people):
        add_day(routing, time, vehicle, person, [services[node] for node in node_of])
    for node, visit in enumerate(visits):
        add_visit(problem, routing, time, manager.NodeToIndex(node), visit)
    indices = {visit.id: manager.NodeToIndex(node) for node, visit in enumerate(visits)}
    add_left_out(problem, routing, indices)
    add_goods(problem, routing, visits, ends.stop)
    add_links(problem, routing, time, indices)
    return manager, routing


def add_left_out(problem: Problem, routing: Any, indices: dict[str, int]) -> None:
    """Of alternatives at most one is made, and their value is lost once."""
    must = must_parts(problem)
    told: set[str] = set()
    for visit in problem.visits:
        members = [each.id for each in problem.alternatives(visit) if each.id in indices]
        if visit.id in told or not members:
            continue
        told.update(members)
        lost = must if visit.value is None else visit.value * PARTS_OF_A_YEN
        routing.AddDisjunction([indices[each] for each in members], lost)


def add_links(problem: Problem, routing: Any, time: Any, indices: dict[str, int]) -> None:
    """Crews start together and are different people; what comes after something waits for its end.

    Told as precedences: an equation of two moments is one that the optimiser, which sets the times of one
    route after the other, breaks in most plans it is to start from.
    """
    solver = routing.solver()
    for visits in problem.crews.values():
        known = [indices[visit.id] for visit in visits if visit.id in indices]
        if len(known) < len(visits):
            for index in known:
                solver.Add(routing.ActiveVar(index) == 0)
            continue
        for first, other in combinations(known, 2):
            solver.Add(routing.ActiveVar(first) == routing.ActiveVar(other))
            time.AddNodePrecedence(first, other, 0)
            time.AddNodePrecedence(other, first, 0)
            # Of two that are not made both have the same vehicle: none.
            unlike = routing.VehicleVar(first) != routing.VehicleVar(other)
            solver.Add(unlike + (1 - routing.ActiveVar(first)) >= 1)
    for visit in problem.visits:
        for earlier in visit.after if visit.id in indices else ():
            if earlier not in indices:
                solver.Add(routing.ActiveVar(indices[visit.id]) == 0)
                continue
            before, then = indices[earlier], indices[visit.id]
            solver.Add(routing.ActiveVar(then) <= routing.ActiveVar(before))
            time.AddNodePrecedence(before, then, problem.visit(earlier).service_seconds)


def add_goods(problem: Problem, routing: Any, visits: list[Visit], nodes: int) -> None:
    """One dimension for volume and for each part."""
    if any(visit.volume for visit in visits):
        rooms = [MOST_GOODS if person.volume is None else person.volume for person in problem.people]
        add_load(routing, "volume", [visit.volume for visit in visits], nodes, rooms)
    for part in sorted({part for visit in visits for part in visit.parts}):
        loads = [visit.parts.get(part, 0) for visit in visits]
        add_load(
            routing, f"part {part}", loads, nodes, [person.parts.get(part, 0) for person in problem.people]
        )


def add_load(routing: Any, name: str, loads: list[int], nodes: int, rooms: list[int]) -> None:
    taken = routing.RegisterUnaryTransitVector(loads + [0] * (nodes - len(loads)))
    routing.AddDimensionWithVehicleCapacity(taken, 0, rooms, True, name)


def add_times(problem: Problem, routing: Any, places: list[int], services: list[int]) -> Any:
    """The dimension whose value at a visit is the start of its service."""
    horizon = max(person.latest_end for person in problem.people)
    legs, too_long = problem.ways.legs, horizon + 1
    seconds = [
        [too_long if (leg := legs[here][there]) is None else min(leg + service, too_long) for there in places]
        for here, service in zip(places, services, strict=True)
    ]
    count = len(problem.people)
    for start in range(len(places) - 2 * count, len(places) - count):
        seconds[start][start + count] = 0  # who visits nobody goes nowhere, even where there is no way
    routing.AddDimension(routing.RegisterTransitMatrix(seconds), horizon, horizon, False, "time")
    return routing.GetDimensionOrDie("time")


def add_costs(problem: Problem, routing: Any, places: list[int], services: list[int]) -> None:
    """One matrix for all people with the same rates."""
    legs, lengths = problem.ways.legs, problem.ways.lengths
    known: dict[tuple[int, int, int], int] = {}
    for vehicle, person in enumerate(problem.people):
        rates = (person.driving_yen_per_hour, person.work_yen_per_hour, person.yen_per_km)
        if rates not in known:
            driving, work, km = rates
            known[rates] = routing.RegisterTransitMatrix(
                [
                    [
                        ((legs[a][b] or 0) * driving + service * work) * PER_HOUR
                        + lengths[a][b] * km * PER_KM
                        for b in places
                    ]
                    for a, service in zip(places, services, strict=True)
                ]
            )
        routing.SetArcCostEvaluatorOfVehicle(known[rates], vehicle)
        routing.SetFixedCostOfVehicle(person.day_yen * PARTS_OF_A_YEN, vehicle)


def add_day(routing: Any, time: Any, vehicle: int, person: Person, services: list[int]) -> None:
    for end in (routing.Start(vehicle), routing.End(vehicle)):
        time.CumulVar(end).SetRange(person.shift_starts, person.latest_end)
    if person.overtime_yen_per_hour and person.max_overtime_seconds:
        rate = person.overtime_yen_per_hour * PER_HOUR
        time.SetCumulVarSoftUpperBound(routing.End(vehicle), person.shift_ends, rate)
    if person.max_duty_seconds is not None:
        most = person.max_duty_seconds + sum(rest.seconds for rest in person.breaks)
        time.SetSpanUpperBoundForVehicle(most, vehicle)
    if person.duty_yen_per_hour:
        time.SetSpanCostCoefficientForVehicle(person.duty_yen_per_hour * PER_HOUR, vehicle)
    if person.breaks:
        intervals = [
            routing.solver().FixedDurationIntervalVar(
                rest.window.opens, rest.window.closes, rest.seconds, False, f"break {vehicle} {number}"
            )
            for number, rest in enumerate(person.breaks)
        ]
        time.SetBreakIntervalsOfVehicle(intervals, vehicle, services)


def add_visit(problem: Problem, routing: Any, time: Any, index: int, visit: Visit) -> None:
    vehicles = [vehicle for vehicle, person in enumerate(problem.people) if may_make(visit, person)]
    routing.VehicleVar(index).SetValues([-1, *vehicles])
    begins = time.CumulVar(index)
    if visit.windows:
        begins.SetRange(visit.windows[0].opens, min(visit.windows[-1].closes, begins.Max()))
        for before, after in zip(visit.windows, visit.windows[1:], strict=False):
            begins.RemoveInterval(before.closes + 1, after.opens - 1)
    if visit.due is not None and visit.late_yen_per_hour:
        time.SetCumulVarSoftUpperBound(index, visit.due, visit.late_yen_per_hour * PER_HOUR)


def must_parts(problem: Problem) -> int:
    """More than leaving everything else out and paying every day to its end could cost."""
    musts = sum(visit.value is None for visit in problem.visits)
    values = sum(visit.value or 0 for visit in problem.visits)
    lateness = sum(visit.late_yen_per_hour for visit in problem.visits)
    days = sum(
        person.day_yen
        + person.driving_yen_per_hour
        + person.work_yen_per_hour
        + person.overtime_yen_per_hour
        + person.yen_per_km
        for person in problem.people
    )
    hours = 1 + max(person.latest_end for person in problem.people) // 3600
    worst = values + (lateness + days) * hours * 100
    return min(worst * PARTS_OF_A_YEN, MOST_PARTS // (musts + 1))


def search_parameters() -> Any:
    """Descent only.

    With 14 people and 60 visits, three seconds each: this 68,600 yen, iterated local search 65,400, guided
    local search 91,400; ours and then this 63,100.
    """
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GREEDY_DESCENT
    operators = parameters.local_search_operators
    for field in operators.DESCRIPTOR.fields:
        wanted = optional_boolean_pb2.BOOL_TRUE if field.name in MOVES else optional_boolean_pb2.BOOL_FALSE
        setattr(operators, field.name, wanted)
    return parameters
