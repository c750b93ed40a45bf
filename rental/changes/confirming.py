"""Two steps: somebody looks at what an amendment would cost, and records exactly that."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from rental.changes.amendments import add_option, amend, hold_contract, require_in_reach
from rental.changes.foresight import Foreseen, foresee
from rental.changes.line_books import ContractBook, contract_book
from rental.changes.models import Amendment
from rental.changes.plans import Plan
from rental.changes.rules import ForeseenOtherwise, NothingChanges
from rental.core.errors import ChangedMeanwhile
from rental.core.money import Money
from rental.core.uow import UnitOfWork

# Makes the plan of what was filled in, from the contract as it is.
Planner = Callable[[Session, ContractBook, date], Plan]


def look_at(session: Session, book: ContractBook, plan: Plan, *, today: date) -> Foreseen:
    """What the plan would cost, if it could be recorded. Writes nothing.

    Raises TooFarBack, TooFarAhead, NothingChanges, NotRatable.
    """
    if not (plan.events or plan.anchors or plan.one_offs or plan.ends_on):
        raise NothingChanges
    require_in_reach(session, plan, today=today)
    return foresee(session, book, plan, today=today)


def record_as_seen(
    uow: UnitOfWork, contract_id: UUID, planner: Planner, *, reason: str, seen: str, version: int
) -> Amendment:
    """Records what was looked at. `seen` is the fingerprint of what was shown, `version` the contract's then.

    Raises ChangedMeanwhile, ForeseenOtherwise, and what planning, looking and recording raise; then nothing
    has changed.
    """
    book = _book_as_seen(uow, contract_id, version)
    plan = planner(uow.session, book, uow.today)
    foreseen = look_at(uow.session, book, plan, today=uow.today)
    if foreseen.fingerprint != seen:
        raise ForeseenOtherwise
    return amend(uow, replace(plan, said={**plan.said, "foreseen": foreseen.said}), reason=reason)


def add_option_as_seen(
    uow: UnitOfWork,
    contract_id: UUID,
    *,
    rate_plan_version_id: UUID,
    site_id: UUID,
    quantity: int,
    monthly_fee: Money | None,
    reason: str,
    version: int,
) -> Amendment:
    """Adds a line to the contract that was looked at. Raises ChangedMeanwhile, and what add_option raises."""
    return add_option(
        uow,
        _book_as_seen(uow, contract_id, version),
        rate_plan_version_id=rate_plan_version_id,
        site_id=site_id,
        quantity=quantity,
        monthly_fee=monthly_fee,
        reason=reason,
    )


def _book_as_seen(uow: UnitOfWork, contract_id: UUID, version: int) -> ContractBook:
    if hold_contract(uow, contract_id).version != version:
        raise ChangedMeanwhile
    return contract_book(uow.session, contract_id)
