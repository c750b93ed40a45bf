"""The terms of a line of a draft: set or changed as a whole, before the contract is a promise."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from rental.billing.agreements import agree_on_line
from rental.contracts.drafting import NotADraft
from rental.contracts.line_agreements import agreements_of
from rental.contracts.models import Contract, Line
from rental.contracts.rules import ContractState
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.console.line_terms_filling import form_of
from rental.web.console.line_terms_form import COSTS, ROWS, LineTermsForm, counts_in, line_terms_form
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form

bp = Blueprint("line_terms", __name__, url_prefix="/contracts/<uuid:contract_id>/lines/<uuid:line_id>/terms")

# How the names of the fields of each part begin that can be folded.
PARTS = {
    "discount": ("discount_",),
    "leaving": ("leaving_",),
    "usage": ("usage_", "tier_", "package_", "included", "aggregation"),
    "cost": ("cost_",),
}


@bp.get("")
@requires(Permission.CONTRACTS_MANAGE)
def ask(contract_id: UUID, line_id: UUID) -> ResponseReturnValue:
    contract, line = _line_of_draft(contract_id, line_id)
    agreement = agreements_of(reading(), [line])[line.id]
    return _page(contract, line, form_of(agreement, version=contract.version))


@bp.post("")
@requires(Permission.CONTRACTS_MANAGE)
def agree(contract_id: UUID, line_id: UUID) -> ResponseReturnValue:
    contract, line = _line_of_draft(contract_id, line_id)
    counts = counts_in(request.form)
    more = request.form.get("more")
    if more in ROWS:
        return _page(contract, line, line_terms_form(counts | {more: _rows_shown(more, counts) + 1}))
    form = line_terms_form(counts)
    if not form.validate_on_submit():
        return _page(contract, line, form), 422
    try:
        with begin(current_actor()) as uow:
            agree_on_line(uow, line_id, form.agreement, version=form.version.data or 0)
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(contract, line, form), status
    flash(_("The terms of the line are saved."), "success")
    address = url_for("contracts.show", contract_id=contract_id, _anchor=f"line-{line.position}")
    return redirect(address, 303)


def _line_of_draft(contract_id: UUID, line_id: UUID) -> tuple[Contract, Line]:
    """Raises NotFound for another contract's line, NotADraft for what is a promise already."""
    contract, line = found(reading(), Contract, contract_id), found(reading(), Line, line_id)
    if line.contract_id != contract.id:
        raise NotFound(kind="contract_line")
    if contract.state is not ContractState.DRAFT:
        raise NotADraft
    return contract, line


def _rows_shown(kind: str, counts: dict[str, int]) -> int:
    return max(ROWS[kind].at_first, counts[kind])


def _opened(form: LineTermsForm) -> list[str]:
    """The parts in which something is filled in, wrong, or about to be: the others are folded."""
    more = {"tier": "usage"}.get(request.form.get("more", ""), request.form.get("more"))
    chosen = {
        "discount": bool(form.filled_rows("discount")),
        "leaving": bool(form.leaving_model.data),
        "usage": bool(form.usage_model.data),
        "cost": any(form[f"cost_{cost.value}"].data is not None for cost in COSTS),
    }
    return [part for part, is_chosen in chosen.items() if is_chosen or part == more or _is_wrong(form, part)]


def _is_wrong(form: LineTermsForm, part: str) -> bool:
    names = PARTS[part]
    return any(item.errors for item in form if item.name.startswith(names))


def _page(contract: Contract, line: Line, form: LineTermsForm) -> str:
    return render_template(
        "console/line_terms.html",
        contract=contract,
        line=line,
        form=form,
        costs=[form[f"cost_{cost.value}"] for cost in COSTS],
        opened=_opened(form),
        closing_day=contract.billing_account.closing_day,
        can_grow={kind: form.row_counts[kind] < rows.most for kind, rows in ROWS.items()},
    )
