"""S11: numbers that run from 1 to their counter without a gap."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from rental.assurance.checks.asking import Check, Severity
from rental.assurance.models import CheckRun
from rental.billing.payment_models import Payment
from rental.contracts.models import Contract
from rental.core.numbering import Counter
from rental.customers.models import BillingAccount, Customer, Site
from rental.fieldwork.models import WorkOrder
from rental.inventory.models import Receipt, Unit


@dataclass(frozen=True)
class Series:
    """Where the numbers of a series stand; the last group of `shape` counts, one before it names the year.

    `among` tells its rows where other series stand in the same column.
    """

    name: str
    column: InstrumentedAttribute[Any]
    shape: re.Pattern[str]
    among: ColumnElement[bool] | None = field(default=None, kw_only=True)


_SERIES = (
    Series("check_run", CheckRun.number, re.compile(r"(\d+)")),
    Series("customer", Customer.number, re.compile(r"C(\d{5,})")),
    Series("billing_account", BillingAccount.number, re.compile(r"B(\d{5,})")),
    Series("site", Site.number, re.compile(r"S(\d{5,})")),
    Series("receipt", Receipt.number, re.compile(r"R(\d{5,})")),
    Series("contract", Contract.number, re.compile(r"C-(\d{4})-(\d{4,})")),
    Series("work_order", WorkOrder.number, re.compile(r"W(\d{6,})")),
    Series("payment", Payment.number, re.compile(r"PAY-(\d{4})-(\d{8,})")),
)
_TAGS = "tag:"


def numbers_with_gaps(session: Session, as_of: datetime) -> list[dict[str, Any]]:
    """S11: a series whose numbers do not run from 1 to its counter, or more tags than their counters gave."""
    following = next_numbers(session)
    return [
        *(row for series in _SERIES for row in gaps_of(session, series, following)),
        *_uncounted_tags(session, following),
    ]


def next_numbers(session: Session) -> dict[str, int]:
    """What every series gives out next."""
    return dict(session.execute(select(Counter.series, Counter.next_number)).all())


def gaps_of(session: Session, series: Series, following: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Every number is read: only so is one found that does not look like its series."""
    counts: dict[str, int] = defaultdict(int)
    highest: dict[str, int] = defaultdict(int)
    numbers = select(cast(series.column, String)).execution_options(yield_per=1000)
    if series.among is not None:
        numbers = numbers.where(series.among)
    for number in session.scalars(numbers):
        read = series.shape.fullmatch(number)
        if read is None:
            yield {"series": series.name, "number": number}
            continue
        *year, count = read.groups()
        key = ":".join((series.name, *year))
        counts[key] += 1
        highest[key] = max(highest[key], int(count))
    counted = {key for key in following if key.split(":")[0] == series.name}
    for key in sorted(counts.keys() | counted):
        if not counts[key] == highest[key] == following.get(key, 1) - 1:
            yield {
                "series": key,
                "count": counts[key],
                "highest": highest[key],
                "next": following.get(key, 1),
            }


def _uncounted_tags(session: Session, following: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Rules pass over numbers that are taken, so counters may be ahead of the units, never behind."""
    counted = sum(number - 1 for series, number in following.items() if series.startswith(_TAGS))
    unit_count = session.scalar(select(func.count()).select_from(Unit)) or 0
    if unit_count > counted:
        yield {"series": "tag", "count": unit_count, "counted": counted}


NUMBER_CHECKS = (
    Check(
        "S11",
        "Do numbers run without a gap, and does every number come from its counter?",
        "A row was removed or a counter set back behind the product's back: compare with the latest backup.",
        Severity.ERROR,
        numbers_with_gaps,
    ),
)
