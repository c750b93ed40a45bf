"""The demo company as a whole: its people, its houses and two years of its story, in one transaction."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from random import Random

from sqlalchemy import ColumnElement, event, func, select
from sqlalchemy.orm import Session

from rental.billing.recurring_revenue import write_movements
from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion
from rental.contracts.models import Contract, Line, Slot, Term
from rental.contracts.rules import ContractState, SlotState
from rental.core import audit
from rental.core.db import Base
from rental.core.runtime import runtime
from rental.core.uow import UnitOfWork
from rental.customers.models import BillingAccount, Customer, Site
from rental.demo.clock import pin_business_date
from rental.demo.foundation import lay_foundation
from rental.demo.people import demo_people, load_people
from rental.demo.plan import FIRST_MONTH, Happening
from rental.demo.sizes import Profile
from rental.demo.story import plan_company
from rental.demo.telling import Teller
from rental.fieldwork.models import Visit, WorkOrder, WorkOrderItem
from rental.fieldwork.rules import OVER
from rental.identity.accounts import normalised
from rental.identity.models import Account
from rental.identity.queries import account_with_email
from rental.inventory.models import Movement, StockLocation, Unit

_CATALOGUE = (EquipmentModel, RatePlan, RatePlanVersion)
_PROMISES = (Customer, BillingAccount, Site, Contract, Term, Line, Slot)
_READ_OFTEN = (*_CATALOGUE, *_PROMISES, StockLocation, Unit, Account, Visit, WorkOrder, WorkOrderItem)
_OPENED = FIRST_MONTH - timedelta(days=6)


def load_company(
    uow: UnitOfWork, profile: Profile, progress: Callable[[Happening], None] = lambda _: None
) -> dict[str, str]:
    """Fills an empty database; returns the password of each e-mail. All of it is saved, or nothing.

    The same profile makes the same company, with ids and passwords of its own.
    """
    company = plan_company(profile)
    pin_business_date(uow, company.design.today)
    passwords = load_people(uow, profile)
    uow.draw = Random(company.design.seed).randrange  # noqa: S311 - codes are identifiers, no secrets
    _hold_what_is_read_often(uow.session)
    zone = runtime().zone
    with audit.in_blocks(uow.session):
        opened = uow.at(datetime.combine(_OPENED, time(10), zone))
        foundation = lay_foundation(opened, company.design, company.technicians)
        Teller(uow, company, foundation, _people(uow, profile), zone).tell_all(progress)
        write_movements(uow, until=company.design.today.replace(day=1))
    return passwords


def summary_of(session: Session) -> str:
    """What a loaded company has, as its design counts it: contracts and slots without those of drafts."""

    def count(table: type[Base], *conditions: ColumnElement[bool]) -> str:
        return f"{session.scalar(select(func.count()).select_from(table).where(*conditions)):,}"

    is_promised = Slot.state != SlotState.PLANNED
    is_in_service = Slot.state == SlotState.IN_SERVICE
    return (
        f"{count(Customer)} customers with {count(Site)} sites, "
        f"{count(Contract, Contract.state == ContractState.ACTIVE)} contracts"
        f" (and {count(Contract, Contract.state == ContractState.DRAFT)} drafts)"
        f" with {count(Slot, is_promised)} slots, {count(Slot, is_in_service)} in service, "
        f"{count(Unit)} units, {count(Movement)} movements, {count(WorkOrder)} work orders, "
        f"{count(WorkOrder, WorkOrder.state.not_in(OVER))} open"
    )


def _hold_what_is_read_often(session: Session) -> None:
    """A session forgets rows that nobody holds, and reads them again for each use case; these it keeps."""
    held = session.info.setdefault("held", [])

    def hold(_session: Session, row: object) -> None:
        if isinstance(row, _READ_OFTEN):
            held.append(row)

    event.listen(session, "loaded_as_persistent", hold)
    event.listen(session, "pending_to_persistent", hold)


def _people(uow: UnitOfWork, profile: Profile) -> dict[str, Account]:
    people = {}
    for person in demo_people(profile):
        account = account_with_email(uow.session, normalised(person.email))
        if account is not None:
            people[person.email] = account
    return people
