"""How large the numbers of a problem may be, and how one that is wrong is told."""

from collections.abc import Iterable, Mapping

LATEST = 14 * 86_400  # seconds: no plan is longer than two weeks
LONGEST_JOURNEY = 40_000_000  # metres: once around the earth
HIGHEST_RATE = 1_000_000  # yen for an hour or a kilometre
HIGHEST_VALUE = 1_000_000_000  # yen for one visit or one day
MOST_GOODS = 1_000_000_000  # of one part, or of volume, on board


class InvalidProblem(ValueError):
    """Something that cannot be planned with; the message names who or what, and the field."""


def require_name(who: str, name: str) -> None:
    if not isinstance(name, str) or not name:
        raise InvalidProblem(f"{who}: id must be a text that is not empty.")


def require_whole(who: str, name: str, value: int, least: int, most: int | None) -> None:
    if type(value) is not int:
        raise InvalidProblem(f"{who}: {name} must be a whole number, not {value!r}.")
    if value < least or (most is not None and value > most):
        limits = f"{least} or more" if most is None else f"from {least} to {most}"
        raise InvalidProblem(f"{who}: {name} is {value}; it must be {limits}.")


def require_skills(who: str, skills: Mapping[str, int]) -> None:
    for skill, level in skills.items():
        require_whole(who, f"skills[{skill!r}]", level, 1, 99)


def require_parts(who: str, parts: Mapping[str, int], least: int) -> None:
    for part, count in parts.items():
        require_whole(who, f"parts[{part!r}]", count, least, MOST_GOODS)


def require_each_once(kind: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise InvalidProblem(f"{kind} {each!r}: id is used twice.")
        seen.add(each)
