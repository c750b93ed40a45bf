"""Who may make a visit: skills with their levels, and who is wanted, allowed or forbidden."""

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
