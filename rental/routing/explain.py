"""Why a visit is in no route, tested after the search with our own insertions, and what would cure it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rental.routing.agreed import Agreement
from rental.routing.draft import Draft, Option, is_worth
from rental.routing.links import Moment, clusters, visits_in
from rental.routing.matching import has_on_board, has_skills, is_wanted
from rental.routing.plan import Cure, CureKind, LeftOut, Plan, Reason
from rental.routing.problem import Problem, Visit
from rental.routing.stand_ins import chosen
from rental.routing.timing import timed

MORE_OVERTIME = 4 * 3600  # seconds: no cure asks for more than this


@dataclass(frozen=True, slots=True)
class Reasons:
    """What can be said about a plan."""

    left_out: tuple[LeftOut, ...]


def explain(problem: Problem, plan: Plan) -> Reasons:
    """Every left-out visit with its reason and its cheapest cure, in the order of the problem."""
    problem = chosen(problem, plan, least=1)
    if problem.linked:
        return Reasons(linked_reasons_of(Agreement.of_plan(problem, plan)))
    return Reasons(reasons_of(Draft.of(problem, plan.sequences)))


def reasons_of(draft: Draft) -> tuple[LeftOut, ...]:
    return tuple(reason_for(draft, visit) for visit in draft.left_out)


def linked_reasons_of(agreement: Agreement) -> tuple[LeftOut, ...]:
    """The same for a day with links: nothing of a cluster comes unless what it waits for does."""
    problem, draft = agreement.problem, agreement.draft
    cluster_of = {visit.id: cluster for cluster in clusters(problem) for visit in visits_in(cluster)}
    return tuple(
        reason_for_linked(agreement, problem.visit(visit.id), cluster_of[visit.id])
        if visit.id in problem.linked
        else reason_for(draft, visit)
        for visit in draft.left_out
    )


def reason_for_linked(agreement: Agreement, visit: Visit, cluster: Sequence[Moment]) -> LeftOut:
    """What keeps the visit itself out, then what keeps out its crew, or what comes before."""
    reason = hopeless(agreement.problem, visit)
    if reason is not None:
        return LeftOut(visit.id, reason)
    needed = needed_for(agreement.problem, visit)
    if any(hopeless(agreement.problem, each) for each in needed):
        return LeftOut(visit.id, Reason.LINKED)
    wanted = [moment for moment in cluster if any(each.id in {v.id for v in needed} for each in moment)]
    *_, last = [agreement, *agreement.steps(wanted)]
    if visit.id not in last.starts:
        return LeftOut(visit.id, Reason.NO_TIME)
    short = max(0, last.draft.cost - agreement.draft.cost) + 1
    raised = Cure(CureKind.HIGHER_VALUE, short, start=last.starts[visit.id])
    return LeftOut(visit.id, Reason.NOT_WORTH, raised)


def needed_for(problem: Problem, visit: Visit) -> list[Visit]:
    """The visit, its crew, all they come after, and the crews of those."""
    found: dict[str, Visit] = {}
    waiting = [visit]
    while waiting:
        each = waiting.pop()
        if each.id not in found:
            found[each.id] = each
            waiting += problem.crews[each.crew] if each.crew else ()
            waiting += [problem.visit(earlier) for earlier in each.after]
    return list(found.values())


def reason_for(draft: Draft, visit: Visit) -> LeftOut:
    """Of alternatives, what keeps the one out that came nearest to being made."""
    told = [reason_for_one(draft, each) for each in draft.problem.alternatives(visit)]
    order = list(Reason)
    nearest = max(told, key=lambda each: order.index(each.reason))
    cures = [each.cheapest_cure for each in told if each.cheapest_cure is not None]
    return LeftOut(
        visit.id, nearest.reason, min(cures, key=lambda cure: (cure.yen, cure.seconds), default=None)
    )


def reason_for_one(draft: Draft, visit: Visit) -> LeftOut:
    """The first reason that is true; that it would even be a profit is told as a lack of time."""
    reason = hopeless(draft.problem, visit)
    if reason is None:
        option = draft.cheapest(visit)
        if option is not None and not is_worth(visit, option):
            short = option.yen - (visit.value or 0) + 1
            cure = Cure(CureKind.HIGHER_VALUE, short, option.person, option.start)
            return LeftOut(visit.id, Reason.NOT_WORTH, cure)
        reason = Reason.NO_TIME
    cures = cures_for(draft, visit, reason)
    return LeftOut(visit.id, reason, min(cures, key=lambda cure: (cure.yen, cure.seconds), default=None))


def hopeless(problem: Problem, visit: Visit) -> Reason | None:
    """Why nobody could make this visit, even with nothing else to do; None when somebody could."""
    able = [person for person in problem.people if has_skills(visit, person)]
    wanted = [person for person in able if is_wanted(visit, person)]
    if not able:
        return Reason.NO_SKILL
    if not wanted:
        unpinned = replace(visit, pinned_to=None)
        freed = visit.pinned_to is not None and any(is_wanted(unpinned, person) for person in able)
        return Reason.PINNED if freed else Reason.FORBIDDEN
    equipped = [person for person in wanted if has_on_board(person, [visit])]
    if not equipped:
        return Reason.NOT_ON_BOARD
    legs = problem.travel.legs
    near = [
        person
        for person in equipped
        if legs[person.start_place][visit.place] is not None
        and legs[visit.place][person.end_place] is not None
    ]
    if not near:
        return Reason.UNREACHABLE
    if any(timed(problem.ways, person, [visit]) for person in near):
        return None
    at_any_time = replace(visit, windows=())
    if any(timed(problem.ways, person, [at_any_time]) for person in near):
        return Reason.WINDOW
    return Reason.TOO_LONG


def cures_for(draft: Draft, visit: Visit, reason: Reason) -> Iterator[Cure]:
    """The cheapest of each kind that helps against this reason."""
    in_time = reason in (Reason.NO_TIME, Reason.WINDOW)
    if in_time or reason is Reason.TOO_LONG:
        option = draft.cheapest(visit, MORE_OVERTIME)
        if option is not None:
            yield by_overtime(draft.problem, option)
    if in_time and visit.windows:
        yield from cure(CureKind.OTHER_TIME, draft.cheapest(replace(visit, windows=())))
    anybody = replace(visit, pinned_to=None, allowed=None, forbidden=frozenset())
    if anybody != visit:
        yield from cure(CureKind.OTHER_PERSON, draft.cheapest(anybody))


def cure(kind: CureKind, option: Option | None) -> Iterator[Cure]:
    if option is not None:
        yield Cure(kind, option.yen, option.person, option.start)


def by_overtime(problem: Problem, option: Option) -> Cure:
    beyond = max(0, option.end - problem.person(option.person).latest_end)
    return Cure(CureKind.OVERTIME, option.yen, option.person, option.start, beyond)
