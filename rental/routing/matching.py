"""Who may make a visit: skills with their levels, who is wanted, allowed or forbidden, what is on board."""

from collections.abc import Iterable

from rental.routing.problem import Person, Visit


def may_make(visit: Visit, person: Person) -> bool:
    return has_skills(visit, person) and is_wanted(visit, person)


def has_skills(visit: Visit, person: Person) -> bool:
    return all(person.skills.get(skill, 0) >= level for skill, level in visit.skills.items())


def is_wanted(visit: Visit, person: Person) -> bool:
    return (
        visit.pinned_to in (None, person.id)
        and (visit.allowed is None or person.id in visit.allowed)
        and person.id not in visit.forbidden
    )


def has_on_board(person: Person, visits: Iterable[Visit]) -> bool:
    """Whether volume and parts are enough for all of these visits."""
    volume = 0
    parts: dict[str, int] = {}
    for visit in visits:
        volume += visit.volume
        for part, count in visit.parts.items():
            parts[part] = parts.get(part, 0) + count
    return (person.volume is None or volume <= person.volume) and all(
        count <= person.parts.get(part, 0) for part, count in parts.items()
    )
