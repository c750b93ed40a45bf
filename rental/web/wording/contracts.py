"""Words of the contracts package."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from rental.contracts.queries import Totals
from rental.contracts.rules import (
    ContractState,
    LineEventKind,
    PlacementReason,
    RenewalPolicy,
    SlotState,
)
from rental.web.formats import day, yen

REFUSALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "contracts.not_a_draft": lambda _params: _(
        "This contract is not a draft any more. What is agreed stays as it was agreed."
    ),
    "contracts.foreign_billing_account": lambda _params: _(
        "This billing account belongs to another customer. Choose one of this customer's."
    ),
    "contracts.foreign_site": lambda _params: _(
        "This site belongs to another customer. Choose one of this customer's."
    ),
    "contracts.plan_not_offered": lambda params: _(
        "The plan %(plan)s, or its model, is not offered any more. Choose another plan.", **params
    ),
    "contracts.fee_with_tax_needed": lambda _params: _(
        "Prices agreed with this billing account hold the tax, and the fee of the plan does not. Write the "
        "fee with the tax in it."
    ),
    "contracts.nothing_agreed": lambda _params: _("Nothing is agreed yet. Add at least one line."),
    "contracts.term_too_short": lambda params: _(
        "The plan %(plan)s asks for at least %(minimum_months)s months, and %(months)s are agreed. "
        "Make the term longer, or choose another plan.",
        **params,
    ),
    "contracts.quantity_out_of_range": lambda params: _(
        "Write a number of machines from 1 to %(maximum)s.", **params
    ),
    "contracts.ends_before_start": lambda params: (
        _("This ends before it began. Choose %(start)s or a later day.", start=day(params["start"]))
        if params["start"]
        else _("This has not begun yet, so it cannot end.")
    ),
    "contracts.too_long_ago": lambda params: _(
        "This is too long ago. Choose %(earliest)s or a later day.", earliest=day(params["earliest"])
    ),
}

ENTITIES = {
    "contract": _l("Contract"),
    "term": _l("Contract term"),
    "contract_line": _l("Contract line"),
    "slot": _l("Slot"),
    "placement": _l("Placement"),
    "line_event": _l("Change of what a line owes"),
    "line_terms": _l("Terms of a contract line"),
    "line_discount": _l("Discount of a contract line"),
    "line_anchor": _l("New start of a line's periods"),
    "agreed_cost": _l("Agreed price of a cost"),
    "one_off": _l("Cost paid for once"),
}

ATTRIBUTES = {
    "customer_id": _l("Customer"),
    "billing_account_id": _l("Billing account"),
    "contract_id": _l("Contract"),
    "contract_line_id": _l("Contract line"),
    "rate_plan_version_id": _l("Version of a rate plan"),
    "effective_on": _l("Effective from"),
    "wanted_on": _l("Wanted day"),
    "note": _l("Note"),
    "months": _l("Number of months"),
    "starts_on": _l("First day"),
    "ends_on": _l("Day after the end"),
    "renewal": _l("Renewal"),
    "notice_days": _l("Days of notice"),
    "position": _l("Position"),
    "quantity": _l("Quantity"),
    "started_on": _l("Rent runs from"),
    "placed_at": _l("Installed at"),
    "removed_at": _l("Removed at"),
    "reason": _l("Reason"),
    "install_movement_id": _l("Movement to the site"),
    "source": _l("Caused by"),
    "source_id": _l("Caused by"),
    "recorded_at": _l("Recorded at"),
    "kind": _l("Kind"),
    "seq": _l("Order"),
    "value": _l("Value"),
    "replaces_on": _l("Replaces the change of"),
    "replaces_seq": _l("Replaces the change at place"),
    "replaces_id": _l("Replaces"),
    "ended_on": _l("Day after the last one in service"),
    "anchor": _l("Periods begin"),
    "anchored_on": _l("Periods are counted from"),
    "since": _l("From"),
    "restarts": _l("A new period begins at once"),
    "period_days": _l("Days of a period"),
    "timing": _l("When it is billed"),
    "lead_days": _l("Days before the period"),
    "stub": _l("Days before the first whole period"),
    "proration": _l("Part of a period at the start"),
    "stop_proration": _l("Part of a period at the end"),
    "change_proration": _l("Part of a period at a change"),
    "retrieval_day_counts": _l("The day of retrieval is billed"),
    "rate_bp": _l("Tax rate agreed, in hundredths of a per cent"),
    "cuts_at_rate_changes": _l("Periods are cut where the tax rate changes"),
    "overrun_fee": _l("Monthly fee after the agreed end"),
    "usage": _l("Price of usage"),
    "leaving": _l("Price of leaving early"),
    "name": _l("Name"),
    "basis_points": _l("Hundredths of a per cent"),
    "amount": _l("Amount"),
    "periods": _l("Periods"),
    "cost": _l("Cost"),
    "unit_price_millionths": _l("Price in millionths of a yen"),
    "happened_on": _l("Day"),
}

STATES: dict[type[StrEnum], dict[Any, Any]] = {
    ContractState: {
        ContractState.DRAFT: _l("Draft"),
        ContractState.ACTIVE: _l("Active"),
        ContractState.CANCELLED: _l("Cancelled before start"),
    },
    SlotState: {
        SlotState.PLANNED: _l("Planned"),
        SlotState.AWAITING_INSTALL: _l("Waits for installation"),
        SlotState.IN_SERVICE: _l("In service"),
        SlotState.CLOSED: _l("Closed"),
    },
    RenewalPolicy: {
        RenewalPolicy.AUTO: _l("It goes on by itself"),
        RenewalPolicy.CONFIRM: _l("We ask the customer"),
        RenewalPolicy.EXPIRE: _l("It is over"),
    },
    LineEventKind: {
        LineEventKind.START: _l("Rent starts"),
        LineEventKind.STOP: _l("Rent ends"),
        LineEventKind.QUANTITY: _l("Quantity changes"),
        LineEventKind.PRICE: _l("Fee changes"),
        LineEventKind.PAUSE: _l("Rent pauses"),
        LineEventKind.RESUME: _l("Rent goes on"),
        LineEventKind.KEPT: _l("Kept after the agreed end"),
        LineEventKind.WITHDRAWAL: _l("Taken back"),
    },
    PlacementReason: {PlacementReason.INSTALLED: _l("Installed")},
}

CHIPS: dict[type[StrEnum], dict[Any, str]] = {
    ContractState: {
        ContractState.DRAFT: "plan",
        ContractState.ACTIVE: "done",
        ContractState.CANCELLED: "stop",
    },
    SlotState: {
        SlotState.PLANNED: "plan",
        SlotState.AWAITING_INSTALL: "move",
        SlotState.IN_SERVICE: "done",
        SlotState.CLOSED: "stop",
    },
    RenewalPolicy: {
        RenewalPolicy.AUTO: "done",
        RenewalPolicy.CONFIRM: "hold",
        RenewalPolicy.EXPIRE: "stop",
    },
    LineEventKind: {
        LineEventKind.START: "done",
        LineEventKind.STOP: "stop",
        LineEventKind.QUANTITY: "move",
        LineEventKind.PRICE: "move",
        LineEventKind.PAUSE: "hold",
        LineEventKind.RESUME: "done",
        LineEventKind.KEPT: "hold",
        LineEventKind.WITHDRAWAL: "stop",
    },
    PlacementReason: {PlacementReason.INSTALLED: "site"},
}


def monthly_fees(totals: Totals) -> str:
    """What contracts cost a month together; fees that hold the tax stand by themselves."""
    if not totals.monthly_fee_with_tax:
        return yen(totals.monthly_fee)
    return _(
        "%(fee)s + %(with_tax)s with tax",
        fee=yen(totals.monthly_fee),
        with_tax=yen(totals.monthly_fee_with_tax),
    )
