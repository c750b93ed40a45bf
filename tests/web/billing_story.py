"""A month that was billed: an account with its invoice, some that wait for a person, and one that is due."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from rental.billing.credit_notes import issue_credit_note
from rental.billing.document_templates import add_template, choose_for_company
from rental.billing.events import ChunkOpened
from rental.billing.exclusions import exclude_from_closing
from rental.billing.models import BillingItem, BillingRun, Invoice
from rental.billing.payments import record_payment
from rental.billing.rules.credits import CreditKind
from rental.billing.rules.looks import Look, PaperLanguage
from rental.billing.rules.payments import PaymentMethod, Share
from rental.billing.rules.runs import ItemState
from rental.catalog.models import RatePlanVersion
from rental.contracts.models import Line
from rental.core.ids import new_id
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.fieldwork.device_sync import Command, apply_command
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.rules import CommandType, WorkOrderState
from rental.fieldwork.work_orders import open_installation_orders
from rental.inventory.models import Reservation, Unit
from tests.factories.billed import (
    Rented,
    close,
    machines_in_service,
    make_issuer,
    owe_a_day_twice,
    promised,
    technician_of,
)
from tests.factories.rented import send_out
from tests.support.story import Story


def bill_last_month(story: Story) -> dict[str, object]:
    """Customers' machines went into service in March, and March is closed; the ids by their names."""
    now = story.clock.now()
    with story.begin() as uow:
        make_issuer(uow)
    story.on("2026-03-16")
    running = machines_in_service(story, Rented(9800, machines=2), name="喫茶<b>三月</b>")
    for number in range(3):
        owe_a_day_twice(story, machines_in_service(story, Rented(4980), name=f"喫茶うたがい{number}"))
    due_account_id = machines_in_service(story, Rented(3000), name="喫茶はつか", closing_day=20).account_id
    machines_in_service(story, Rented(28_000_000), name="<i>大工場</i>")
    story.clock.set(now)
    with story.begin() as uow:
        excluded = promised(uow, [Rented(100)], "<b>喫茶のぞく</b>").billing_account_id
        exclusion = exclude_from_closing(uow, excluded, date(2026, 3, 31), reason="<i>注文番号待ち</i>")
        look = Look(PaperLanguage.BOTH, logo="<b>SAKURA</b>", note="<script>alert(1)</script>")
        template = add_template(uow, name="<i>両方</i>", look=look)
        choose_for_company(uow, template.id)
    close(story, "2026-03-31")
    with story.begin() as uow:
        (invoice_id,) = uow.session.scalars(select(Invoice.id))
        note = issue_credit_note(
            uow,
            invoice_id,
            kind=CreditKind.GOODWILL,
            reason="<b>お詫び</b>",
            amounts={1: Money(100)},
        )
        invoice = uow.session.get_one(Invoice, invoice_id)
        payment = record_payment(
            uow,
            invoice.billing_account_id,
            received_on=uow.today,
            amount=Money(200),
            method=PaymentMethod.BANK_TRANSFER,
            reference="<b>振込</b>",
            shares=[Share(invoice.id, Money(100))],
        )
    standing = hold_up_closings(story)
    with story.reading() as session:
        parked = select(BillingItem.id).where(BillingItem.state == ItemState.PARKED).limit(1)
        return {
            "billing_run_id": session.scalars(
                select(BillingRun.id).where(BillingRun.closed_on == date(2026, 3, 31))
            ).one(),
            "billing_item_id": session.scalars(parked).one(),
            "invoice_id": invoice_id,
            "held_item_id": session.scalars(
                select(BillingItem.id).where(BillingItem.state == ItemState.HELD)
            ).one(),
            **standing,
            "exclusion_id": exclusion.id,
            "document_template_id": template.id,
            "due_account_id": due_account_id,
            "position": 1,
            "credit_note_id": note.id,
            "payment_id": payment.id,
            "paying_account_id": payment.billing_account_id,
            "document_id": invoice_id,
            "installed_order_id": session.scalars(
                select(WorkOrder.id).where(WorkOrder.state == WorkOrderState.DONE).limit(1)
            ).one(),
            "due_on": "2026-03-20",
            "running_contract_id": running.contract_id,
            "running_line_id": session.scalars(
                select(Line.id).where(Line.contract_id == running.contract_id)
            ).one(),
            "running_plan_id": session.scalars(
                select(RatePlanVersion.rate_plan_id)
                .join(Line, Line.rate_plan_version_id == RatePlanVersion.id)
                .where(Line.contract_id == running.contract_id)
            ).one(),
            "kind": "price",
            "closed_on": "2026-03-20",
            "month": "2026-03",
            "ledger_account": "sales",
        }


def hold_up_closings(story: Story) -> dict[str, UUID]:
    """Earlier closings of an account that is parked: one at work, one stopped, one that nobody approved, one
    whose invoices are drafts."""
    with story.begin() as uow:
        parked = select(BillingItem.billing_account_id).where(BillingItem.state == ItemState.PARKED).limit(1)
        account_id = uow.session.scalars(parked).one()
        common = {"opened_at": uow.now, "opened_by": "story", "chunk_count": 1}
        runs = {
            "working_run_id": BillingRun(closed_on=date(2026, 1, 31), **common),
            "stopped_run_id": BillingRun(
                closed_on=date(2025, 12, 31), stopped_at=uow.now, stopped_by="story", **common
            ),
            "unapproved_run_id": BillingRun(closed_on=date(2025, 11, 30), awaits_approval=True, **common),
            "draft_run_id": BillingRun(
                closed_on=date(2025, 10, 31), drafts_until=date(2026, 12, 31), **common
            ),
        }
        uow.session.add_all(runs.values())
        uow.session.flush()
        uow.session.add_all(
            BillingItem(billing_run_id=run.id, billing_account_id=account_id, chunk=1)
            for run in runs.values()
        )
        uow.announce(ChunkOpened(runs["working_run_id"].id, 1))
        return {name: run.id for name, run in runs.items()}


def hear_late_of_a_second_machine(story: Story, closed_on: str) -> UUID:
    """Two machines are installed today; of the second we hear after the closing of this day. The contract."""
    technician_id = technician_of(story)
    with story.begin() as uow:
        contract = promised(uow, [Rented(9800, machines=2)], "喫茶おくれ")
        open_installation_orders(uow, contract.id)
        order = _ready_order(uow, contract.id)
        on_site = uow.now
        _install(uow, order, technician_id, at=on_site, machines=1)
    story.everything_happens()
    story.on(closed_on)
    close(story, closed_on)
    with story.begin() as uow:
        _install(uow, _ready_order(uow, contract.id), technician_id, at=on_site, machines=1)
    story.everything_happens()
    return contract.id


def _ready_order(uow: UnitOfWork, contract_id: UUID) -> WorkOrder:
    ready = WorkOrder.state == WorkOrderState.READY
    return uow.session.scalars(select(WorkOrder).where(WorkOrder.contract_id == contract_id, ready)).one()


def _install(uow: UnitOfWork, order: WorkOrder, technician_id: UUID, *, at: datetime, machines: int) -> None:
    """So many of the job's machines are scanned and stay; what is left is for another visit."""
    send_out(uow, order, technician_id)
    slots = [item.slot_id for item in order.items]
    held = select(Unit.tag).join(Reservation).where(Reservation.slot_id.in_(slots)).limit(machines)

    def tell(kind: CommandType, **payload: object) -> None:
        command = Command(
            id=new_id(),
            device="phone",
            seq=None,
            type=kind,
            work_order_id=order.id,
            payload=payload,
            base=None,
            at=at,
        )
        answer = apply_command(uow, technician_id, command)
        assert answer.status == "applied", answer

    tell(CommandType.ARRIVE)
    for tag in uow.session.scalars(held).all():
        tell(CommandType.SCAN, code=tag)
    tell(CommandType.COMPLETE, leaves_rest=len(slots) > machines)
