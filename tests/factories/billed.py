"""Machines in service and the closings that bill them, all through the use cases."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import insert, select

from rental.billing.issuing import describe_company
from rental.billing.models import BillingItem, Invoice
from rental.billing.rules.runs import ItemState
from rental.billing.runs import open_run
from rental.catalog.rate_plans import Terms, add_rate_plan
from rental.catalog.rules import StartPolicy, StopPolicy, TaxClass
from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.contracts.models import Contract, Line, LineEvent
from rental.core import audit
from rental.core.ids import new_id
from rental.core.money import Money, Rounding
from rental.core.uow import UnitOfWork
from rental.customers.accounts import change_billing_account, open_billing_account
from rental.customers.models import BillingAccount
from rental.customers.rules import HolidayRule, PriceMode
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.rules import CommandType, WorkOrderState
from rental.fieldwork.visits import plan_visit, publish_visit
from rental.fieldwork.work_orders import open_installation_orders
from rental.identity.models import Account
from rental.identity.permissions import Role
from rental.inventory.models import Reservation, Unit
from tests.factories.rented import make_customer, make_model, make_plan, stock
from tests.support.story import Story

REGISTRATION_NUMBER = "T9000000000000"


class Rented(NamedTuple):
    """So many machines for a fee each; how the fee is taxed, and how many days are free at first."""

    fee: int
    machines: int = 1
    tax_class: TaxClass = TaxClass.STANDARD
    trial_days: int = 0


class InService(NamedTuple):
    """A contract whose machines were installed."""

    contract_id: UUID
    contract_number: str
    account_id: UUID


def make_issuer(uow: UnitOfWork) -> None:
    """Who we are."""
    describe_company(
        uow,
        name="さくらリファインレンタル株式会社（デモ）",
        registration_number=REGISTRATION_NUMBER,
        postal_code="120-0001",
        address="東京都足立区大谷田1-1-1",
        phone="03-0000-0001",
        email="billing@example.jp",
        bank_account="デモ銀行 本店 普通 0000001 カ）サクラリフアインレンタル",
    )


def technician_of(story: Story) -> UUID:
    """The one technician of the story."""
    with story.reading() as session:
        known = session.scalar(select(Account.id).where(Account.email == "technician@example.jp"))
    return known or story.person(Role.TECHNICIAN).id


def machines_in_service(
    story: Story,
    *lines: Rented,
    closing_day: int = 31,
    email: str = "",
    name: str = "喫茶みどり",
    tax_rounding: Rounding = Rounding.DOWN,
    charge_rounding: Rounding = Rounding.DOWN,
    term_months: int = 1,
    pay_day: int = 31,
    holiday_rule: HolidayRule = HolidayRule.NEXT,
    agree: Callable[[UnitOfWork, UUID], object] | None = None,
    stop: StopPolicy = StopPolicy.RETRIEVAL,
    price_mode: PriceMode = PriceMode.EXCLUSIVE,
) -> InService:
    """A customer's machines are promised and installed today, by scan; the workers hear of it.

    `agree` is done to each line before the contract is active.
    """
    technician = technician_of(story)
    with story.begin() as uow:
        contract = promised(uow, lines, name, agree=agree, stop=stop, price_mode=price_mode)
        account = uow.session.get_one(BillingAccount, contract.billing_account_id)
        change_billing_account(
            uow,
            account.id,
            version=account.version,
            name=f"{name} 経理部",
            postal_code="101-0041",
            address="東京都千代田区神田須田町1-2-3 みどりビル4階",
            email=email,
            note="",
            closing_day=closing_day,
            term_months=term_months,
            pay_day=pay_day,
            holiday_rule=holiday_rule,
            tax_rounding=tax_rounding,
            charge_rounding=charge_rounding,
            consolidation=account.consolidation,
        )
        install_by_scan(uow, contract.id, technician)
    story.everything_happens()
    return InService(contract.id, contract.number, account.id)


def promised(
    uow: UnitOfWork,
    lines: Sequence[Rented],
    name: str = "喫茶みどり",
    *,
    agree: Callable[[UnitOfWork, UUID], object] | None = None,
    stop: StopPolicy = StopPolicy.RETRIEVAL,
    price_mode: PriceMode = PriceMode.EXCLUSIVE,
) -> Contract:
    """An active contract with a line for each of these, and the machines for it in stock."""
    customer, account, site = make_customer(uow, name, price_mode)
    contract = draft_contract(uow, customer.id, account.id, months=24, wanted_on=uow.today)
    for line in lines:
        code = f"CM-{new_id().hex[-8:].upper()}"
        model = make_model(uow, code)
        plan = add_rate_plan(
            uow,
            model.id,
            code="STD",
            name="スタンダード",
            valid_from=date(uow.today.year - 1, 4, 1),
            terms=Terms(
                monthly_fee=Money(line.fee),
                tax_class=line.tax_class,
                start_policy=StartPolicy.AFTER_TRIAL if line.trial_days else StartPolicy.INSTALLATION,
                stop_policy=stop,
                minimum_months=12,
                trial_days=line.trial_days,
            ),
        )
        stock(uow, model, line.machines)
        uow.session.refresh(plan)
        (version,) = plan.versions
        added = add_line(
            uow,
            contract.id,
            rate_plan_version_id=version.id,
            site_id=site.id,
            quantity=line.machines,
            monthly_fee=Money(line.fee),
        )
        if agree:
            agree(uow, added.id)
    uow.session.expire_all()
    return activate_contract(uow, contract.id, uow.today)


def install_by_scan(
    uow: UnitOfWork,
    contract_id: UUID,
    technician_id: UUID,
    *,
    at: datetime | None = None,
    machines: int | None = None,
) -> None:
    """Every machine of the contract, or so many of each job, is scanned at its site: now, or at an earlier
    moment of which the phone tells only now."""
    open_installation_orders(uow, contract_id)
    orders = select(WorkOrder).where(
        WorkOrder.contract_id == contract_id, WorkOrder.state == WorkOrderState.READY
    )
    for order in uow.session.scalars(orders).all():
        _install(uow, [order], technician_id, at=at, machines=machines)


def _tell(
    uow: UnitOfWork,
    technician_id: UUID,
    order_id: UUID,
    kind: CommandType,
    at: datetime | None,
    **payload: object,
) -> None:
    command = Command(
        id=new_id(),
        device="phone",
        seq=None,
        type=kind,
        work_order_id=order_id,
        payload=payload,
        base=None,
        at=at or uow.now,
    )
    answer = apply_command(uow, technician_id, command)
    assert answer.status == "applied", answer


def owe_a_day_twice(story: Story, rented: InService) -> None:
    """A second start of the same slot: facts of a contract that contradict each other."""
    with story.begin() as uow:
        event = uow.session.scalars(
            select(LineEvent)
            .join(Line, Line.id == LineEvent.contract_line_id)
            .where(Line.contract_id == rented.contract_id)
        ).first()
        assert event
        values = {column.name: getattr(event, column.name) for column in LineEvent.__table__.columns}
        uow.session.execute(insert(LineEvent).values({**values, "id": new_id(), "seq": 99}))


def close(story: Story, closed_on: str, *, chunk_size: int = 200) -> UUID:
    """The closing of this day is opened, and the workers bill it."""
    with story.begin("clerk") as uow:
        run_id = open_run(uow, date.fromisoformat(closed_on), chunk_size=chunk_size).id
    story.everything_happens()
    return run_id


def invoices_of(story: Story, account_id: UUID | None = None) -> Sequence[Invoice]:
    """The invoices of one account or all, by number, with their lines."""
    with story.reading() as session:
        statement = select(Invoice).order_by(Invoice.number)
        if account_id:
            statement = statement.where(Invoice.billing_account_id == account_id)
        found = session.scalars(statement).all()
        for invoice in found:
            assert invoice.lines
        return found


def items_of(story: Story, run_id: UUID) -> dict[UUID, tuple[ItemState, str | None]]:
    """How far each account of a run is, and why."""
    with story.reading() as session:
        rows = session.scalars(select(BillingItem).where(BillingItem.billing_run_id == run_id))
        return {item.billing_account_id: (item.state, item.reason_code) for item in rows}


def counters_in_service(story: Story, count: int, *, of_customer: int = 50) -> None:
    """So many billing accounts with one machine each, installed today; the workers have heard of it.

    Some share a customer with one site, who wants an invoice for each counter.
    """
    technician = technician_of(story)
    with story.begin() as uow, audit.in_blocks(uow.session):
        model = make_model(uow)
        plan = make_plan(uow, model)
        stock(uow, model, count)
    for first in range(0, count, of_customer):
        with story.begin() as uow, audit.in_blocks(uow.session):
            customer, account, site = make_customer(uow, f"百貨店{first:05}")
            numbers = range(first, min(first + of_customer, count))
            accounts = [
                account,
                *(
                    open_billing_account(uow, customer.id, name=f"売場{number:05}", address="東京都港区1-1")
                    for number in numbers[1:]
                ),
            ]
            orders: list[WorkOrder] = []
            for each in accounts:
                contract = draft_contract(uow, customer.id, each.id, months=24, wanted_on=uow.today)
                add_line(uow, contract.id, rate_plan_version_id=plan.id, site_id=site.id, quantity=1)
                uow.session.expire(contract)
                activate_contract(uow, contract.id, uow.today)
                orders += open_installation_orders(uow, contract.id)
            _install(uow, orders, technician)
        while story.everything_happens():
            pass


def _install(
    uow: UnitOfWork,
    orders: Sequence[WorkOrder],
    technician_id: UUID,
    *,
    at: datetime | None = None,
    machines: int | None = None,
) -> None:
    """All on one visit."""
    visit = plan_visit(uow, [order.id for order in orders], technician_id=technician_id, planned_on=uow.today)
    publish_visit(uow, visit.id)
    _tell(uow, technician_id, orders[0].id, CommandType.ARRIVE, at)
    for order in orders:
        slots = [item.slot_id for item in order.items]
        tags = uow.session.scalars(
            select(Unit.tag).join(Reservation).where(Reservation.slot_id.in_(slots))
        ).all()
        for tag in tags[:machines]:
            _tell(uow, technician_id, order.id, CommandType.SCAN, at, code=tag)
        _tell(uow, technician_id, order.id, CommandType.COMPLETE, at, leaves_rest=machines is not None)
