"""The start page: everybody lands where they work; the office sees what wants attention."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rental.assurance.checking import latest_check
from rental.contracts import queries as contracts
from rental.contracts.queries import Totals
from rental.contracts.rules import ContractState
from rental.core.business_date import business_today
from rental.core.db import reading
from rental.core.outbox import delivery_counts
from rental.core.runtime import runtime
from rental.fieldwork import queries as fieldwork
from rental.fieldwork.rules import WorkOrderState
from rental.identity.permissions import Permission
from rental.identity.queries import SignedInAccount, account_counts
from rental.inventory import queries as units
from rental.inventory.rules.unit_states import UnitState
from rental.notifications.models import Notice
from rental.notifications.queries import notices_of
from rental.web.guards import current_account, requires
from rental.web.wording.contracts import monthly_fees

bp = Blueprint("home", __name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What waits for this person's hands; None where somebody else does it."""

    unshelved_count: int | None
    draft_count: int | None
    ready_order_count: int | None
    conflict_count: int | None
    promised: Totals


def work_of(account: SignedInAccount) -> Work:
    """The counts of the start page, each of them a filtered list one click away."""
    session = reading()
    plans = account.may(Permission.WORK_ORDERS_PLAN)
    moves, writes = account.may(Permission.STOCK_MOVE), account.may(Permission.CONTRACTS_MANAGE)
    return Work(
        unshelved_count=units.state_counts(session)[UnitState.RECEIVED] if moves else None,
        draft_count=contracts.state_counts(session)[ContractState.DRAFT] if writes else None,
        ready_order_count=fieldwork.state_counts(session)[WorkOrderState.READY] if plans else None,
        conflict_count=fieldwork.conflict_count(session) if plans else None,
        promised=contracts.totals_of(session, contracts.contracts_matching(state=ContractState.ACTIVE)),
    )


@bp.get("/")
@requires(Permission.OWN_ACCOUNT)
def index() -> ResponseReturnValue:
    account = current_account()
    if not account.may(Permission.CONSOLE):
        face = "phone.today" if account.may(Permission.PHONE) else "portal.home"
        return redirect(url_for(face), 303)
    current, work = runtime(), work_of(account)
    return render_template(
        "console/home.html",
        today=business_today(reading(), current.clock.now(), current.zone),
        work=work,
        monthly_fees=monthly_fees(work.promised),
        notices=reading()
        .scalars(notices_of(account.id).order_by(Notice.told_at.desc(), Notice.id.desc()).limit(5))
        .all(),
        jobs=delivery_counts(reading()) if account.may(Permission.JOBS_READ) else None,
        people=account_counts(reading()) if account.may(Permission.PEOPLE_READ) else None,
        check=latest_check(reading()) if account.may(Permission.CHECKS_READ) else None,
    )
