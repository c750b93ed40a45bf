"""Delivery notes (納品書): which machines were put where, from what was scanned on site."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from rental.billing.book_models import Document
from rental.billing.issuing import the_issuer
from rental.billing.register import Paper, issue_paper, recipient_of
from rental.billing.rules.papers import NothingDelivered, PaperKind, Template
from rental.core.numbering import number_of_year
from rental.core.uow import UnitOfWork, locked
from rental.fieldwork.models import WorkOrder, WorkOrderItem
from rental.fieldwork.rules import OVER, ItemState, WorkOrderKind

SERIES = "delivery_note"


def issue_delivery_note(uow: UnitOfWork, work_order_id: UUID) -> Document:
    """The delivery note of an installation that is over, for the machines that stayed; issued once.

    Raises NothingDelivered, NoIssuer.
    """
    order = locked(uow, WorkOrder, work_order_id)
    known = uow.session.scalar(
        select(Document).where(Document.source_id == order.id, Document.kind == PaperKind.DELIVERY_NOTE)
    )
    if known is not None:
        return known
    delivered = [item for item in order.items if item.state is ItemState.INSTALLED]
    is_installed = order.kind is WorkOrderKind.INSTALLATION and order.state in OVER
    if not is_installed or not delivered or order.finished_at is None:
        raise NothingDelivered(work_order=order.number)

    account = order.contract.billing_account
    snapshot = {
        "form": 1,
        "issued_on": uow.today.isoformat(),
        "delivered_on": uow.business_day(order.finished_at).isoformat(),
        "contract": order.contract.number,
        "work_order": order.number,
        "site": {"name": order.site.name, "address": order.site.address},
        "issuer": the_issuer(uow.session),
        "recipient": recipient_of(account),
        "lines": [_line(item) for item in delivered],
    }
    number = number_of_year(uow, SERIES, "DN")
    paper = Paper(
        PaperKind.DELIVERY_NOTE,
        Template.DELIVERY_NOTE,
        number,
        order.id,
        None,
        uow.today,
        {**snapshot, "number": number},
    )
    return issue_paper(uow, account, paper)


def _line(item: WorkOrderItem) -> dict[str, Any]:
    return {
        "model": item.equipment_model.name,
        "model_code": item.equipment_model.code,
        "serial_number": item.unit.serial_number if item.unit else "",
        "tag": item.unit.tag if item.unit else "",
    }
