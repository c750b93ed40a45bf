"""Tells the story of the demo company to the books: each happening through its use case, on its own day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import singledispatchmethod
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from rental.billing.queries import parked_items
from rental.billing.rules.runs import SendingWay
from rental.billing.runs import bill_chunk, open_run
from rental.billing.schedules import open_schedules
from rental.billing.sending import mark_closing_sent
from rental.catalog.queries import version_on
from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.models import Slot
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.uow import Actor, ActorKind, UnitOfWork
from rental.customers.accounts import add_contact, open_billing_account, register_customer
from rental.customers.sites import add_site, place_site, set_hours
from rental.demo.foundation import MAKERS, Foundation, raise_prices
from rental.demo.people import technician_email
from rental.demo.plan import (
    Activation,
    Closing,
    CompanyPlan,
    ContractPlan,
    CustomerPlan,
    Delivery,
    Drafting,
    Happening,
    Installing,
    Moment,
    PriceRise,
    Registration,
    Retirement,
    Sending,
    Shelving,
    SitePlan,
)
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import WorkOrderItem
from rental.fieldwork.rules import CommandStatus, CommandType
from rental.fieldwork.visits import plan_visit, publish_visit
from rental.fieldwork.work_orders import open_installation_orders
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.inventory.models import Unit
from rental.inventory.movements import retire_unit
from rental.inventory.queries import active_labels_of, units_held_for
from rental.inventory.receiving import receive_units, shelve_receipt
from rental.inventory.rules.serials import read_serials
from rental.inventory.rules.unit_states import UnitState

REGISTRATION_NUMBER = "T9000000000000"  # a right check digit on a base that no registry gives out
_DAYS_TO_INSTALLATION = 7


class StoryRefused(Exception):
    """The story tells of something the company could not have done."""


@dataclass(slots=True)
class Phone:
    """A technician's phone: whose it is, and how many commands it has sent."""

    account: Account
    sent_count: int = 0


@dataclass(slots=True)
class Known:
    """The ids given so far to what the story speaks of."""

    customers: dict[CustomerPlan, UUID] = field(default_factory=dict)
    billing_accounts: dict[CustomerPlan, UUID] = field(default_factory=dict)
    sites: dict[SitePlan, UUID] = field(default_factory=dict)
    contracts: dict[ContractPlan, UUID] = field(default_factory=dict)
    receipts: dict[Delivery, UUID] = field(default_factory=dict)
    orders: dict[tuple[ContractPlan, SitePlan], UUID] = field(default_factory=dict)


class Teller:
    """Tells happenings in their order, inside one transaction.

    What follows from one is told with it, by the use case that would hear of it: nobody is to open orders,
    draw documents or write letters today for what is long over.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        company: CompanyPlan,
        foundation: Foundation,
        people: Mapping[str, Account],
        zone: ZoneInfo,
    ) -> None:
        self._uow = uow
        self._company = company
        self._foundation = foundation
        self._zone = zone
        self._phones = {
            number: Phone(people[technician_email(number)]) for number in range(1, company.technicians + 1)
        }
        self._actors = {
            role: _actor(next(account for account in people.values() if role in account.roles))
            for role in (Role.SALES, Role.WAREHOUSE, Role.DISPATCHER, Role.BILLING, Role.ADMINISTRATOR)
        }
        self._known = Known()
        self._shelves_used = 0
        self._started: list[Slot] = []

    def tell_all(self, progress: Callable[[Happening], None]) -> None:
        """The whole story; `progress` hears of each happening before it is told."""
        for happening in self._company.happenings:
            progress(happening)
            self._tell(happening)
        self._open_schedules()

    def _at(self, moment: Moment, role: Role, *, heard: bool = False) -> UnitOfWork:
        return self._uow.at(self._instant(moment), by=self._actors[role], heard=heard)

    def _instant(self, moment: Moment) -> datetime:
        midnight = datetime(moment.day.year, moment.day.month, moment.day.day, tzinfo=self._zone)
        return midnight + timedelta(minutes=moment.minute)

    @singledispatchmethod
    def _tell(self, happening: Happening) -> None:
        raise TypeError(f"nobody can tell of {happening!r}")

    @_tell.register
    def _(self, happening: Registration) -> None:
        uow, customer = self._at(happening.when, Role.SALES), happening.customer
        row = register_customer(
            uow,
            name=customer.firm.legal.written,
            name_kana=customer.firm.legal.read,
            kind=customer.firm.kind,
            registration_number=REGISTRATION_NUMBER,
        )
        add_contact(
            uow,
            row.id,
            name=customer.contact.written,
            name_kana=customer.contact.read,
            email=customer.email,
            phone=customer.phone,
            is_primary=True,
        )
        first = customer.sites[0]
        account = open_billing_account(
            uow,
            row.id,
            name=customer.firm.legal.written,
            address=f"{first.area.prefecture}{first.area.city}{first.street}",
            closing_day=customer.closing_day,
            email=customer.email,
        )
        self._known.customers[customer] = row.id
        self._known.billing_accounts[customer] = account.id
        for site in customer.sites:
            self._add_site(uow, row.id, site)

    def _add_site(self, uow: UnitOfWork, customer_id: UUID, site: SitePlan) -> None:
        row = add_site(
            uow,
            customer_id,
            name=site.name.written,
            name_kana=site.name.read,
            prefecture=site.area.prefecture,
            city=site.area.city,
            street=site.street,
            building=site.building,
            phone=site.phone,
        )
        place_site(
            uow,
            row.id,
            latitude=site.latitude,
            longitude=site.longitude,
            source=site.source,
            precision_m=site.precision_m,
        )
        set_hours(uow, row.id, hours=site.hours)
        self._known.sites[site] = row.id

    @_tell.register
    def _(self, happening: Drafting) -> None:
        uow, plan = self._at(happening.when, Role.SALES), happening.contract
        contract = draft_contract(
            uow,
            self._known.customers[plan.customer],
            self._known.billing_accounts[plan.customer],
            months=plan.months,
            wanted_on=plan.wanted_on or plan.activated.day + timedelta(days=_DAYS_TO_INSTALLATION),
            renewal=plan.renewal,
        )
        for site, machines in plan.machines.items():
            for model, quantity in machines.items():
                version = version_on(uow.session, self._foundation.plan_ids[model, plan.plan], uow.today)
                if version is None:
                    raise StoryRefused(f"{plan.plan} of {model} was not offered on {uow.today}")
                add_line(
                    uow,
                    contract.id,
                    rate_plan_version_id=version.id,
                    site_id=self._known.sites[site],
                    quantity=quantity,
                )
        self._known.contracts[plan] = contract.id

    @_tell.register
    def _(self, happening: Activation) -> None:
        uow, plan = self._at(happening.when, Role.SALES), happening.contract
        contract_id = self._known.contracts[plan]
        activate_contract(uow, contract_id, uow.today)
        by_site = {order.site_id: order.id for order in open_installation_orders(uow, contract_id)}
        for site in plan.machines:
            self._known.orders[plan, site] = by_site[self._known.sites[site]]

    @_tell.register
    def _(self, happening: Delivery) -> None:
        uow = self._at(happening.when, Role.WAREHOUSE)
        product = self._company.design.product(happening.model)
        receipt = receive_units(
            uow,
            self._foundation.model_ids[happening.model],
            read_serials("\n".join(happening.serials)),
            location_id=self._foundation.houses[happening.base].receiving_id,
            supplier_name=MAKERS[product.skills[0]],
            unit_cost=Money(product.cost),
        )
        self._known.receipts[happening] = receipt.id

    @_tell.register
    def _(self, happening: Shelving) -> None:
        uow = self._at(happening.when, Role.WAREHOUSE)
        shelves = self._foundation.houses[happening.delivery.base].shelf_ids
        shelf_id = shelves[self._shelves_used % len(shelves)]
        self._shelves_used += 1
        shelve_receipt(uow, self._known.receipts[happening.delivery], to=shelf_id)

    @_tell.register
    def _(self, happening: Retirement) -> None:
        uow = self._at(happening.when, Role.WAREHOUSE)
        oldest = uow.session.scalars(
            select(Unit.id)
            .where(
                Unit.equipment_model_id == self._foundation.model_ids[happening.model],
                Unit.state == UnitState.AVAILABLE,
            )
            .order_by(Unit.received_on, Unit.tag)
            .limit(happening.count)
        ).all()
        for unit_id in oldest:
            retire_unit(uow, unit_id, reason="寿命")

    @_tell.register
    def _(self, happening: Sending) -> None:
        is_to_come = happening.starts.day >= self._company.design.today
        uow = self._at(happening.when, Role.DISPATCHER, heard=is_to_come)
        visit = plan_visit(
            uow,
            [self._known.orders[happening.contract, happening.site]],
            technician_id=self._phones[happening.technician].account.id,
            planned_on=happening.starts.day,
            starts_at=happening.starts.minute,
        )
        if happening.is_published:
            publish_visit(uow, visit.id)

    @_tell.register
    def _(self, happening: Installing) -> None:
        sending = happening.sending
        order_id = self._known.orders[sending.contract, sending.site]
        phone = self._phones[sending.technician]
        slots = self._slots_of(order_id)
        codes = self._codes_for(slots)
        arrival = self._instant(happening.when)
        step = timedelta(minutes=happening.minutes) / (len(codes) + 1)
        self._send(phone, order_id, CommandType.ARRIVE, arrival)
        for number, code in enumerate(codes, 1):
            self._send(phone, order_id, CommandType.SCAN, arrival + number * step, code=code)
        self._send(phone, order_id, CommandType.COMPLETE, arrival + timedelta(minutes=happening.minutes))
        self._started += slots

    def _slots_of(self, work_order_id: UUID) -> Sequence[Slot]:
        """The slots that this job is to fill, in the order of its list."""
        return self._uow.session.scalars(
            select(Slot)
            .join(WorkOrderItem, WorkOrderItem.slot_id == Slot.id)
            .where(WorkOrderItem.work_order_id == work_order_id)
            .order_by(WorkOrderItem.position)
        ).all()

    def _codes_for(self, slots: Sequence[Slot]) -> list[str]:
        """What stands on the machines that are held for these slots."""
        session = self._uow.session
        held = units_held_for(session, [slot.id for slot in slots])
        labels = active_labels_of(session, [unit.id for unit in held.values()])
        return [labels[held[slot.id].id].code for slot in slots]

    def _open_schedules(self) -> None:
        """What went into service since the last closing owes rent."""
        started_on = {slot.id: slot.started_on for slot in self._started if slot.started_on}
        if started_on:
            open_schedules(self._uow, started_on)
        self._started.clear()

    def _send(self, phone: Phone, order_id: UUID, kind: CommandType, at: datetime, **payload: str) -> None:
        phone.sent_count += 1
        command = Command(
            id=new_id(),
            device="phone",
            seq=phone.sent_count,
            type=kind,
            work_order_id=order_id,
            payload=payload,
            base=None,
            at=at,
        )
        uow = self._uow.at(at, by=_actor(phone.account), heard=False)
        answer = apply_command(uow, phone.account.id, command)
        if answer.status != CommandStatus.APPLIED:
            raise StoryRefused(f"{kind} was {answer.status}: {answer.result}") from answer.error

    @_tell.register
    def _(self, happening: PriceRise) -> None:
        uow = self._at(happening.when, Role.ADMINISTRATOR)
        raise_prices(uow, self._company.design, self._foundation, happening)

    @_tell.register
    def _(self, happening: Closing) -> None:
        """The invoices count as sent; their documents are drawn when somebody opens them."""
        self._open_schedules()
        uow = self._at(happening.when, Role.BILLING)
        run = open_run(uow, happening.closed_on)
        for chunk in range(1, run.chunk_count + 1):
            bill_chunk(uow, run.id, chunk)
        if parked := parked_items(uow.session, run.id):
            raise StoryRefused(f"{len(parked)} accounts were parked: {parked[0].reason_params}")
        mark_closing_sent(uow, run.id, SendingWay.MAIL)


def _actor(account: Account) -> Actor:
    return Actor(ActorKind.PERSON, account.name, account.id)
