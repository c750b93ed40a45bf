"""Refusals with a code and parameters; the sentence is the web layer's, in the reader's language."""

from typing import ClassVar


class DomainError(Exception):
    """A rule of the business said no. `field` names the input at fault, when there is one."""

    code: ClassVar[str] = "core.refused"
    field: str | None = None

    def __init__(self, **params: object) -> None:
        self.params = params
        super().__init__(self.code, params)


class Invalid(DomainError):
    """The input cannot be right."""

    code = "core.invalid"


class Conflict(DomainError):
    """The input may be right, but not in the present state."""

    code = "core.conflict"


class Forbidden(DomainError):
    """This person may not do this."""

    code = "core.forbidden"


class NotFound(DomainError):
    """There is no such thing, or not for this person."""

    code = "core.not_found"


class TooMany(DomainError):
    """Asked too often; `retry_after` seconds from now it may work."""

    code = "core.too_many"

    def __init__(self, *, retry_after: int, **params: object) -> None:
        super().__init__(retry_after=retry_after, **params)
        self.retry_after = retry_after


class ChangedMeanwhile(Conflict):
    """Somebody else saved the same row between this person's reading and saving."""

    code = "core.changed_meanwhile"
