"""The compiled search from beginning to end: two searches, the best of their routes combined, polish."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rental.routing.draft import Draft
from rental.routing.engines.arrays import MUST, Facts, facts_of
from rental.routing.engines.chain import Chain, Character
from rental.routing.engines.districts import districts_of
from rental.routing.engines.partition import Pool, best_choice
from rental.routing.problem import Problem

# Measured with Solomon's and Homberger's problems; see docs/routing.md.
BOLD, STEADY = Character(mean_removed=10.0), Character(mean_removed=15.0, split_chance=0.3)
SEARCHED_UNTIL, COMBINED_UNTIL = 0.86, 0.93  # shares of all time
SEARCH_SECONDS, SEARCH_ATTEMPTS = 0.8, 80_000  # of the budget, for each search
FEWEST_SEARCHES, MOST_SEARCHES = 2, 6
LARGE = 150  # visits; with more, one search all the time finds better plans than several and their pool
HOT, COLD = 1.0, 0.003  # first and last temperature: of the mean price of a visit's routing, and of the first
LARGE_HOT, LARGE_COLD = 3.0, 0.007  # a single search that is cold for half of its time stays where it is
HOT_WITH_OPTIONAL = 4.0
WARM = 0.1  # of what is hot, when it goes on from a given plan
POLISH = 0.02
# Where routes are shorter than this, every second search begins as if each person on the way cost more: so
# many times the mean price of a visit's routing. From many routes a search seldom comes to fewer ones.
SHORT_ROUTE, DEARER_PERSON, DEARER_UNTIL = 11, 4.0, 0.5  # visits; until this share of the search
LAST_EXCHANGE = 0.99  # of all time: what jobs that change places have made better is looked at once more
DISTRICTS_FROM, MOST_IN_DISTRICTS = 600, 1200  # visits; with more, only near places are tried anyway
DISTRICT_VISITS, DISTRICT_ROUTES = 200, 12  # at least so many in each
ROUNDS, DISTRICTS_UNTIL = 12, 0.85  # with other borders in each; until this share of all time
ATTEMPT_UNITS = 20_000  # visits times attempts before it is asked again whether to stop
FEWEST_BETWEEN, MOST_BETWEEN = 20, 2000
TOLD_EVERY = 0.25  # seconds
TOLD_SHARE = 0.02  # of the time, at most: to price a plan exactly takes as long as hundreds of attempts
ASKED_AFTER = 0.02  # seconds, about
WORTH_COMBINING = 3000  # attempts; with fewer there is nothing to combine


class Watch(Protocol):
    """What a search asks and tells while it runs."""

    def share(self) -> float:
        """Of all time and attempts, from 0 to 1."""

    def is_over(self) -> bool: ...

    def count(self, attempts: int) -> None: ...

    def left(self) -> int | None:
        """Attempts; None where they do not count."""

    def seconds_left(self) -> float | None: ...

    def is_better(self, draft: Draft) -> None: ...


@dataclass(frozen=True, slots=True)
class Cooling:
    """From one share of the budget to another, ever colder: temperatures in parts."""

    since: float
    until: float
    hot: float
    cold: float

    def at(self, share: float) -> float:
        passed = max(0.0, share - self.since) / max(1e-9, self.until - self.since)
        return float(self.hot * (self.cold / self.hot) ** min(1.0, passed))

    def part(self, since: float, until: float) -> "Cooling":
        return Cooling(since, until, self.at(since), self.at(until))


class CompiledSearch:
    """Owns the chains of one problem and the best plan they have found."""

    def __init__(self, problem: Problem, seed: int, watch: Watch, *, begins_steady: bool = False) -> None:
        self.problem, self.seed, self.watch = problem, seed, watch
        self.begins_steady = begins_steady
        self.facts = facts_of(problem)
        self.pool = Pool(self.facts)
        self.between = min(MOST_BETWEEN, max(FEWEST_BETWEEN, ATTEMPT_UNITS // max(1, self.facts.n)))
        self.is_large = self.facts.n > LARGE
        self.first_hot, self.cold = (LARGE_HOT, LARGE_COLD) if self.is_large else (HOT, COLD)
        self.best: Draft | None = None
        self.next_take = 0.0
        self.best_cost: int | None = None

    def first(self) -> Draft:
        """Every visit put where it costs least, one after the other."""
        chain = self.chain(0)
        chain.lay(Draft(self.problem).sequences)
        chain.fill()
        self.take(chain, told=False)
        assert self.best is not None  # noqa: S101  (take has just set it)
        return self.best

    def run(self, start: Draft, *, is_given: bool) -> Draft:
        """The best plan until it is over."""
        self.best = start
        hot = self.hot(start)
        if DISTRICTS_FROM <= self.facts.n <= MOST_IN_DISTRICTS and self.has_end():
            self.search_districts(hot * WARM if is_given else hot)
            return self.best
        for number, (since, until, character) in enumerate(self.searches()):
            chain = self.chain(number + 1)
            goes_on = is_given and number == 0
            chain.lay(start.sequences if goes_on else Draft(self.problem).sequences)
            chain.fill()
            begins = hot * WARM if goes_on else hot
            turn = Cooling(since, until, begins, begins * self.cold)
            if number % 2 == 1 and self.has_short_routes():
                turn = self.search_fewer_routes(chain, turn, character)
            self.anneal(chain, turn, character)
            self.exchange(chain)
        self.combine()
        chain = self.chain(MOST_SEARCHES + 1)
        chain.lay(self.best.sequences)
        warm = hot * POLISH
        while not self.watch.is_over():
            share = self.watch.share()
            until = LAST_EXCHANGE if share < LAST_EXCHANGE else 1.0
            self.anneal(chain, Cooling(share, until, warm, warm * self.cold), BOLD)
            self.exchange(chain)
        return self.best

    def has_short_routes(self) -> bool:
        """Whether so few visits are on each route that another number of routes is worth a search.

        Where visits may be left out it made nothing better.
        """
        routes = sum(map(bool, self.standing_lines()))
        return not self.has_optional() and self.facts.n < routes * SHORT_ROUTE

    def has_optional(self) -> bool:
        return bool((self.facts.jobs["value"] < MUST).any())

    def search_fewer_routes(self, chain: Chain, turn: Cooling, character: Character) -> Cooling:
        """The chain goes on from a plan with fewer routes than it would find; what is left of its turn."""
        people = self.facts.people.copy()
        people["day_cost"] += int(DEARER_PERSON * turn.hot / self.first_hot)
        until = turn.since + (turn.until - turn.since) * DEARER_UNTIL
        fewer = self.chain(chain.number, self.facts._replace(people=people))
        fewer.keeps_routes = False  # they would be priced too high
        fewer.lay_numbers(chain.current_lines)
        self.cool(fewer, turn.part(turn.since, until), character)
        chain.lay_numbers(fewer.current_lines)
        chain.fill()
        return turn.part(until, turn.until)

    def has_end(self) -> bool:
        """Whether shares of the budget can be given out."""
        return self.watch.left() is not None or self.watch.seconds_left() is not None

    def search_districts(self, hot: float) -> None:
        """Ever colder: district by district, with other borders in every round, and at last the whole."""
        assert self.best is not None  # noqa: S101  (there is a first plan)
        whole = self.chain(1)
        whole.lay(self.best.sequences)
        whole.fill()
        cooling = Cooling(0.0, 1.0, hot, hot * self.cold)
        chance = np.random.default_rng(self.seed)
        for number in range(ROUNDS):
            turn = cooling.part(number / ROUNDS * DISTRICTS_UNTIL, (number + 1) / ROUNDS * DISTRICTS_UNTIL)
            if self.watch.share() < turn.until:
                self.search_round(whole, turn, number, chance)
        self.anneal(whole, cooling.part(DISTRICTS_UNTIL, LAST_EXCHANGE), BOLD)
        self.exchange(whole)
        self.anneal(whole, cooling.part(LAST_EXCHANGE, 1.0), BOLD)

    def search_round(self, whole: Chain, turn: Cooling, number: int, chance: np.random.Generator) -> None:
        """Each district for as long as the others, from the same temperature to the same."""
        lines = whole.current_lines
        count = min(self.facts.n // DISTRICT_VISITS, sum(map(bool, lines)) // DISTRICT_ROUTES)
        if count < 2:
            self.anneal(whole, turn, BOLD)
            return
        districts = districts_of(self.facts, lines, count, chance)
        for place, district in enumerate(districts):
            part = Chain(self.problem, district.facts, (self.seed * ROUNDS + number) * 64 + place)
            part.keeps_routes = False
            part.lay_numbers(district.lines_here(lines))
            span = (turn.until - turn.since) / len(districts)
            since = turn.since + span * place
            self.cool(part, Cooling(since, since + span, turn.hot, turn.cold), BOLD)
            district.bring_back(part.current_lines, lines)
        whole.lay_numbers(lines)
        if time.monotonic() > self.next_take:
            self.take(whole)

    def searches(self) -> list[tuple[float, float, Character]]:
        """When each begins and ends, in shares of the budget, and how bold it is.

        Where a search is stuck, a longer one most often stays; one begun anew finds other routes.
        """
        characters = (STEADY, BOLD) if self.begins_steady else (BOLD, STEADY)
        if self.is_large:
            return [(0.0, LAST_EXCHANGE, characters[0])]
        count = search_count(self.watch.seconds_left(), self.watch.left())
        span = SEARCHED_UNTIL / count
        return [(span * number, span * (number + 1), characters[number % 2]) for number in range(count)]

    def chain(self, number: int, facts: Facts | None = None) -> Chain:
        chain = Chain(self.problem, facts or self.facts, self.seed * 16 + number + 1)
        chain.number = number
        chain.keeps_routes = not self.is_large
        return chain

    def hot(self, draft: Draft) -> float:
        """The first temperature: the mean price of a visit's routing, in parts."""
        chain = self.chain(0)
        chain.lay(draft.sequences)
        made = max(1, self.facts.n - chain.absent_count)
        factor = HOT_WITH_OPTIONAL if self.has_optional() else self.first_hot
        return max(1.0, chain.routing_cost / made * factor)

    def anneal(self, chain: Chain, cooling: Cooling, character: Character) -> None:
        """Ever colder, with every better plan told and its routes kept."""
        known = chain.best_cost

        def look() -> None:
            nonlocal known
            self.pool.add(chain.kept_routes(), chain.number)
            if chain.best_cost < known and time.monotonic() > self.next_take:
                known = chain.best_cost
                self.take(chain)

        self.cool(chain, cooling, character, look)
        self.take(chain)

    def exchange(self, chain: Chain) -> None:
        """Jobs change places in the best plan of a search, as long as that makes it better."""
        if not self.watch.is_over():
            chain.exchange(self.watch.is_over)
            self.take(chain)

    def cool(
        self, chain: Chain, cooling: Cooling, character: Character, look: Callable[[], None] | None = None
    ) -> None:
        """Ever colder until it has used its share; now and then somebody looks."""
        while not self.watch.is_over():
            share = self.watch.share()
            if share >= cooling.until:
                break
            left = self.watch.left()
            count = self.between if left is None else max(1, min(self.between, left))
            began = time.thread_time()
            chain.run(count, cooling.at(share), 1.0, character)
            self.watch.count(count)
            if left is None:
                self.between = next_count(count, time.thread_time() - began)
            if look is not None:
                look()

    def take(self, chain: Chain, *, told: bool = True) -> None:
        """What the chain has found becomes the best, if it is, at exact prices."""
        if self.best_cost is not None and chain.best_cost >= self.best_cost:
            return
        self.best_cost = chain.best_cost
        began = time.monotonic()
        self.offer(chain.best_lines, told=told)
        took = time.monotonic() - began
        self.next_take = began + took + max(TOLD_EVERY, took / TOLD_SHARE)

    def standing_lines(self) -> list[list[int]]:
        """Who makes which visits in the best plan, by number."""
        numbers = {visit.id: number for number, visit in enumerate(self.problem.visits)}
        made = self.best.sequences if self.best is not None else {}
        return [[numbers[each] for each in made.get(person.id, ())] for person in self.problem.people]

    def offer(self, lines: Sequence[Sequence[int]], *, told: bool = True) -> None:
        visits = self.problem.visits
        sequences = {
            person.id: [visits[number].id for number in line]
            for person, line in zip(self.problem.people, lines, strict=True)
        }
        draft = Draft.of(self.problem, sequences)
        if self.best is None or draft.standing < self.best.standing:
            self.best = draft
            if told:
                self.watch.is_better(draft)

    def combine(self) -> None:
        """Routes of all good plans, chosen anew."""
        if self.watch.is_over() or len(self.pool) < len(self.problem.people):
            return
        left = self.watch.seconds_left()
        left_attempts = self.watch.left()
        if left_attempts is not None and left_attempts < WORTH_COMBINING * (1 - SEARCHED_UNTIL):
            return
        share = max(0.0, COMBINED_UNTIL - self.watch.share()) / max(1e-9, 1 - self.watch.share())
        seconds = None if left is None else left * share
        lines = best_choice(self.facts, self.pool.best(), self.standing_lines(), seconds, self.watch.is_over)
        if lines is not None:
            self.offer(lines)


def search_count(seconds: float | None, attempts: int | None) -> int:
    """As many searches as have time to grow cold; two where no end is known."""
    by_seconds = FEWEST_SEARCHES if seconds is None else round(seconds / SEARCH_SECONDS)
    by_attempts = by_seconds if attempts is None else attempts // SEARCH_ATTEMPTS
    count = by_attempts if seconds is None else min(by_seconds, by_attempts)
    return max(FEWEST_SEARCHES, min(MOST_SEARCHES, count))


def next_count(count: int, seconds: float) -> int:
    """So many attempts that it can be asked often whether to stop."""
    if seconds > 2 * ASKED_AFTER:
        return max(FEWEST_BETWEEN, count // 2)
    return min(MOST_BETWEEN, count * 2) if seconds < ASKED_AFTER / 2 else count
