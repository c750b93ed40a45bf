"""The questions of `rental check`: each returns the rows that should not be there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from rental.assurance.checks.asking import Check
from rental.assurance.checks.books import BOOK_CHECKS
from rental.assurance.checks.document_numbers import DOCUMENT_NUMBER_CHECKS
from rental.assurance.checks.field import FIELD_CHECKS
from rental.assurance.checks.money import MONEY_CHECKS
from rental.assurance.checks.numbers import NUMBER_CHECKS
from rental.assurance.checks.overdue import OVERDUE_CHECKS
from rental.assurance.checks.payments import PAYMENT_CHECKS
from rental.assurance.checks.platform import PLATFORM_CHECKS
from rental.assurance.checks.routes import ROUTE_CHECKS
from rental.assurance.checks.stock import STOCK_CHECKS

CHECKS: Sequence[Check] = (
    *PLATFORM_CHECKS,
    *STOCK_CHECKS,
    *NUMBER_CHECKS,
    *FIELD_CHECKS,
    *MONEY_CHECKS,
    *DOCUMENT_NUMBER_CHECKS,
    *OVERDUE_CHECKS,
    *BOOK_CHECKS,
    *PAYMENT_CHECKS,
    *ROUTE_CHECKS,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows one check found; none is the good answer."""

    check: Check
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What one snapshot answered at one instant."""

    as_of: datetime
    answers: Sequence[Answer]

    @property
    def finding_count(self) -> int:
        return sum(len(answer.rows) for answer in self.answers)


def ask_all(session: Session, as_of: datetime) -> Answers:
    """Every question, answered from the session's one snapshot."""
    return Answers(as_of, [Answer(check, check.ask(session, as_of)) for check in CHECKS])


def as_report(given: Answers) -> dict[str, Any]:
    """The answers as JSON values: `as_of`, `finding_count` and a list of checks with their rows."""
    return {
        "as_of": given.as_of.isoformat(),
        "finding_count": given.finding_count,
        "checks": [
            {
                "code": answer.check.code,
                "question": answer.check.question,
                "severity": answer.check.severity.value,
                "cure": answer.check.cure if answer.rows else None,
                "rows": answer.rows,
            }
            for answer in given.answers
        ],
    }
