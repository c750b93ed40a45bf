"""A contract's page: what was agreed, what comes next, and everything that happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import render_template, request

from rental.billing.payment_queries import deposit_held
from rental.billing.queries import invoices_of_contract
from rental.contracts.activation import check_draft
from rental.contracts.line_agreements import agreements_of
from rental.contracts.models import Contract, LineEvent, Slot
from rental.contracts.queries import contract_with_all, line_events_of
from rental.contracts.rules import ContractState, SlotState
from rental.core.db import reading
from rental.core.errors import NotFound
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.fieldwork.models import WorkOrder
from rental.fieldwork.queries import work_orders_of_contract
from rental.fieldwork.rules import OVER
from rental.identity.permissions import Permission
from rental.inventory.models import Unit
from rental.inventory.queries import units_held_for
from rental.web.console.agreed_words import Fact, agreed_words, in_short
from rental.web.console.contract_forms import (
    ActivationForm,
    CancelForm,
    ChangeContractForm,
    LineForm,
    business_day,
)
from rental.web.console.contract_timeline import SHOWN, EntryKind, kinds_of, timeline_of
from rental.web.console.rent_meter import fee_changes, fee_on, rent_on
from rental.web.guards import may
from rental.web.refusals import refusal


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the slots of a contract are, and who goes there next."""

    slot_count: int
    in_service_count: int
    waiting_count: int
    without_order_count: int
    next_visit_on: date | None


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """The terms of a line in one line, and each of them; `fee` is what one machine costs now."""

    in_short: str
    facts: Sequence[Fact]
    fee: Money


def contract_page(
    contract_id: UUID,
    *,
    facts_form: ChangeContractForm | None = None,
    line_form: LineForm | None = None,
    activation_form: ActivationForm | None = None,
    cancel_form: CancelForm | None = None,
) -> str:
    """The page, with the form that was sent last as it was sent. Raises NotFound."""
    contract = contract_with_all(reading(), contract_id)
    if contract is None:
        raise NotFound(kind="contract")
    orders = work_orders_of_contract(reading(), contract_id)
    slots = [slot for line in contract.lines for slot in line.slots]
    is_edited = contract.state is ContractState.DRAFT and may(Permission.CONTRACTS_MANAGE)
    readiness = check_draft(reading(), contract_id) if contract.state is ContractState.DRAFT else None
    events = line_events_of(reading(), contract_id) if contract.state is ContractState.ACTIVE else []
    shown = request.args.get("show", "")
    kinds = kinds_of(shown)
    entries = timeline_of(reading(), contract, orders, kinds)
    return render_template(
        "console/contract.html",
        contract=contract,
        term=contract.terms[-1],
        notice_until=_notice_until(contract),
        progress=progress_of(slots, orders),
        fee_in_service=rent_on(business_day(), events, fees_of(contract)),
        held=units_held_for(reading(), [slot.id for slot in slots]) if slots else {},
        unit_in=unit_in,
        agreed=agreed_lines(contract, events),
        readiness=readiness,
        obstacles=[refusal(obstacle) for obstacle in readiness.obstacles] if readiness else [],
        entries=entries[:SHOWN],
        more_count=max(0, len(entries) - SHOWN),
        kinds=list(EntryKind),
        invoices=invoices_of_contract(reading(), contract_id) if may(Permission.INVOICES_READ) else (),
        deposit=deposit_held(reading(), contract_id) if may(Permission.INVOICES_READ) else None,
        shown=shown if len(kinds) == 1 else "",
        is_edited=is_edited,
        **(_forms(contract, facts_form, line_form, activation_form, cancel_form) if is_edited else {}),
    )


def agreed_lines(contract: Contract, events: Sequence[LineEvent]) -> dict[UUID, AgreedLine]:
    """What is agreed about each line, in words, and what it costs now."""
    agreements = agreements_of(reading(), contract.lines)
    changes = fee_changes(events, fees_of(contract))
    now = business_day()
    return {
        line.id: AgreedLine(
            in_short(agreements[line.id]),
            agreed_words(
                agreements[line.id],
                closing_day=contract.billing_account.closing_day,
                minimum_months=line.rate_plan_version.minimum_months,
                changes=changes.get(line.id, ()),
            ),
            fee_on(now, line.monthly_fee, changes.get(line.id, ())),
        )
        for line in contract.lines
    }


def fees_of(contract: Contract) -> dict[UUID, Money]:
    """What one machine of each line cost a month at first."""
    return {line.id: line.monthly_fee for line in contract.lines}


def _forms(
    contract: Contract,
    facts_form: ChangeContractForm | None,
    line_form: LineForm | None,
    activation_form: ActivationForm | None,
    cancel_form: CancelForm | None,
) -> dict[str, object]:
    term, today = contract.terms[-1], business_day()
    return {
        "facts_form": facts_form
        or ChangeContractForm(
            formdata=None,
            months=term.months,
            wanted_on=contract.wanted_on,
            renewal=term.renewal.value,
            notice_days=term.notice_days,
            note=contract.note,
            version=contract.version,
        ),
        "line_form": line_form
        or LineForm(contract.customer_id, formdata=None, quantity=1, request_key=new_key()),
        "activation_form": activation_form
        or ActivationForm(formdata=None, effective_on=max(today, contract.wanted_on)),
        "cancel_form": cancel_form or CancelForm(formdata=None),
    }


def progress_of(slots: Sequence[Slot], orders: Sequence[WorkOrder]) -> Progress:
    """Counted from the slots and the work orders that are not over."""
    open_orders = [order for order in orders if order.state not in OVER]
    ordered = {item.slot_id for order in open_orders for item in order.items}
    waiting = [slot for slot in slots if slot.state is SlotState.AWAITING_INSTALL]
    in_service = [slot for slot in slots if slot.state is SlotState.IN_SERVICE]
    return Progress(
        slot_count=len(slots),
        in_service_count=len(in_service),
        waiting_count=len(waiting),
        without_order_count=sum(slot.id not in ordered for slot in waiting),
        next_visit_on=min((order.visit.planned_on for order in open_orders if order.visit), default=None),
    )


def unit_in(slot: Slot) -> Unit | None:
    """The unit that fills the slot at present."""
    return next((placement.unit for placement in slot.placements if placement.removed_at is None), None)


def _notice_until(contract: Contract) -> date | None:
    """The last day on which notice ends the contract with its term."""
    term = contract.terms[-1]
    return term.ends_on - timedelta(days=term.notice_days + 1) if term.ends_on else None
