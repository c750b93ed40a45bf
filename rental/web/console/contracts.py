"""Contracts: the ledger, a new draft, what a contract promises, and turning it into a promise."""

from collections.abc import Iterator
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from rental.contracts import drafting
from rental.contracts.activation import activate_contract
from rental.contracts.models import Contract
from rental.contracts.queries import Totals, contracts_matching, state_counts, totals_of
from rental.contracts.rules import ContractState
from rental.core.db import found, reading, reading_snapshot
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.paging import Order, page_of
from rental.core.uow import begin
from rental.customers.models import Customer
from rental.customers.queries import customers_matching
from rental.fieldwork.work_orders import open_installation_orders
from rental.identity.permissions import Permission
from rental.web.console.contract_forms import (
    ActivationForm,
    CancelForm,
    ChangeContractForm,
    LineForm,
    NewContractForm,
    business_day,
)
from rental.web.console.contract_page import contract_page
from rental.web.console.new_rows import make_once
from rental.web.console.spreadsheets import csv_file
from rental.web.fields import AtMost, ChoiceField, DayField, SearchField, choices, choices_of
from rental.web.guards import current_actor, requires
from rental.web.problems import answer_form_errors, put_into_form
from rental.web.sentences import state_label
from rental.web.tables import FilterForm, Heading, empty_table, read_table

bp = Blueprint("contracts", __name__, url_prefix="/contracts")
_CUSTOMERS_SHOWN = 20
_ROWS_AT_ONCE = 500


class ContractFilter(FilterForm):
    """Words, a state, an end."""

    tab_name = "state"
    q = SearchField(_l("Number or customer"), validators=[AtMost(100)])
    ends_before = DayField(_l("Ends before"))
    state = ChoiceField(_l("State"))

    def __init__(self) -> None:
        super().__init__()
        self.state.choices = [*choices(("", _("All states"))), *choices_of(ContractState, state_label)]
        self.state.data = self.state.data or ""

    @property
    def statement(self) -> Select[Contract]:
        """What is asked for, in no order yet."""
        return contracts_matching(
            words=self.q.data or "",
            state=ContractState(self.state.data) if self.state.data else None,
            ends_before=self.ends_before.data,
        )


class CustomerSearch(FilterForm):
    """Whose contract it will be."""

    q = SearchField(_l("Name, number or telephone"), validators=[AtMost(100)])


@bp.get("")
@requires(Permission.CONTRACTS_READ)
def index() -> ResponseReturnValue:
    filters = ContractFilter()
    headings = [
        Heading("number", _("Contract"), Order((Contract.number,))),
        Heading("customer", _("Customer")),
        Heading("monthly_fee", _("Monthly fee"), Order((Contract.monthly_fee, Contract.id)), numeric=True),
        Heading("slot_count", _("Slots"), Order((Contract.slot_count, Contract.id)), numeric=True),
        Heading("last_on", _("Term ends"), numeric=True),
        Heading("state", _("State")),
    ]
    counts = state_counts(reading())
    if not filters.validate():
        table, totals = empty_table("contracts", headings, filters), Totals()
        return render_template("console/contracts.html", table=table, totals=totals, counts=counts), 422
    table = read_table(
        reading(), "contracts", filters.statement, headings, default_sort="-number", filters=filters
    )
    totals = totals_of(reading(), filters.statement)
    return render_template("console/contracts.html", table=table, totals=totals, counts=counts)


@bp.get("/contracts.csv")
@requires(Permission.CONTRACTS_READ)
def download() -> ResponseReturnValue:
    filters = ContractFilter()
    if not filters.validate():
        return answer_form_errors(filters)
    return _as_file(filters.statement)


def _as_file(statement: Select[Contract]) -> Response:
    head = [
        _("Contract"),
        _("Customer number"),
        _("Customer"),
        _("State"),
        _("Monthly fee"),
        _("Slots"),
        _("Wanted day"),
        _("Effective from"),
        _("Term ends"),
        _("Months"),
        _("Renewal"),
        _("Prices"),
        _("Note"),
    ]
    return csv_file(f"contracts-{business_day()}.csv", head, _rows_of_file(statement))


def _rows_of_file(statement: Select[Contract]) -> Iterator[list[object]]:
    """Every contract of the statement as it was at one moment, read a few hundred at a time."""
    with reading_snapshot() as session:
        after: str | None = None
        while True:
            page = page_of(session, statement, Order((Contract.number,)), after=after, limit=_ROWS_AT_ONCE)
            yield from (_row_of_file(contract) for contract in page.rows)
            session.expunge_all()
            after = page.next_cursor
            if after is None:
                return


def _row_of_file(contract: Contract) -> list[object]:
    term = contract.terms[-1]
    return [
        contract.number,
        contract.customer.number,
        contract.customer.name,
        state_label(contract.state),
        contract.monthly_fee.minor_units,
        contract.slot_count,
        contract.wanted_on,
        contract.effective_on,
        term.last_on,
        term.months,
        state_label(term.renewal),
        state_label(contract.billing_account.price_mode),
        contract.note,
    ]


@bp.get("/new")
@requires(Permission.CONTRACTS_MANAGE)
def ask() -> ResponseReturnValue:
    customer = _customer_asked_for()
    if customer is None:
        return _choose_customer()
    form = NewContractForm(
        customer.id, request_key=new_key(), months=24, wanted_on=business_day(), notice_days=90
    )
    return render_template("console/contract_new.html", form=form, customer=customer)


@bp.post("/new")
@requires(Permission.CONTRACTS_MANAGE)
def draft() -> ResponseReturnValue:
    customer = _customer_asked_for()
    if customer is None:
        return _choose_customer(), 422
    form = NewContractForm(customer.id)
    if not form.validate_on_submit():
        return render_template("console/contract_new.html", form=form, customer=customer), 422
    try:
        contract_id = make_once(
            form,
            lambda uow: drafting.draft_contract(uow, customer.id, form.chosen_account_id, **form.facts),
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return render_template("console/contract_new.html", form=form, customer=customer), status
    flash(_("The draft is written. Add what is agreed, line by line."), "success")
    return redirect(url_for(".show", contract_id=contract_id), 303)


@bp.get("/<uuid:contract_id>")
@requires(Permission.CONTRACTS_READ)
def show(contract_id: UUID) -> ResponseReturnValue:
    return contract_page(contract_id)


@bp.post("/<uuid:contract_id>")
@requires(Permission.CONTRACTS_MANAGE)
def change(contract_id: UUID) -> ResponseReturnValue:
    found(reading(), Contract, contract_id)
    form = ChangeContractForm()
    if not form.validate_on_submit():
        return contract_page(contract_id, facts_form=form), 422
    try:
        with begin(current_actor()) as uow:
            drafting.change_draft(uow, contract_id, version=form.version.data or 0, **form.facts)
    except DomainError as error:
        status = put_into_form(form, error)
        return contract_page(contract_id, facts_form=form), status
    flash(_("Saved."), "success")
    return _back_to(contract_id)


@bp.post("/<uuid:contract_id>/lines")
@requires(Permission.CONTRACTS_MANAGE)
def add_line(contract_id: UUID) -> ResponseReturnValue:
    contract = found(reading(), Contract, contract_id)
    form = LineForm(contract.customer_id)
    if not form.validate_on_submit():
        return contract_page(contract_id, line_form=form), 422
    try:
        make_once(form, lambda uow: drafting.add_line(uow, contract_id, **form.facts))
    except DomainError as error:
        status = put_into_form(form, error)
        return contract_page(contract_id, line_form=form), status
    flash(_("The line is added."), "success")
    return _back_to(contract_id)


@bp.post("/<uuid:contract_id>/lines/<uuid:line_id>/remove")
@requires(Permission.CONTRACTS_MANAGE)
def remove_line(contract_id: UUID, line_id: UUID) -> ResponseReturnValue:
    with begin(current_actor()) as uow:
        drafting.remove_line(uow, contract_id, line_id)
    flash(_("The line is removed."), "success")
    return _back_to(contract_id)


@bp.post("/<uuid:contract_id>/activate")
@requires(Permission.CONTRACTS_MANAGE)
def activate(contract_id: UUID) -> ResponseReturnValue:
    found(reading(), Contract, contract_id)
    form = ActivationForm()
    if not form.validate_on_submit():
        return contract_page(contract_id, activation_form=form), 422
    try:
        with begin(current_actor()) as uow:
            activate_contract(uow, contract_id, form.effective_on.data or business_day())
    except DomainError as error:
        status = put_into_form(form, error)
        return contract_page(contract_id, activation_form=form), status
    flash(_("Units are held. Installation orders are being prepared."), "success")
    return _back_to(contract_id)


@bp.post("/<uuid:contract_id>/cancel")
@requires(Permission.CONTRACTS_MANAGE)
def cancel(contract_id: UUID) -> ResponseReturnValue:
    found(reading(), Contract, contract_id)
    form = CancelForm()
    if not form.validate_on_submit():
        return contract_page(contract_id, cancel_form=form), 422
    with begin(current_actor()) as uow:
        drafting.cancel_draft(uow, contract_id, reason=form.reason.data)
    flash(_("The draft is cancelled. Its number stays with it."), "success")
    return _back_to(contract_id)


@bp.post("/<uuid:contract_id>/work-orders")
@requires(Permission.WORK_ORDERS_PLAN)
def open_orders(contract_id: UUID) -> ResponseReturnValue:
    """For slots that wait and whose work order was cancelled."""
    with begin(current_actor()) as uow:
        open_installation_orders(uow, contract_id)
    flash(_("Every slot that waits for a machine has a work order now."), "success")
    return _back_to(contract_id)


def _back_to(contract_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show", contract_id=contract_id), 303)


def _customer_asked_for() -> Customer | None:
    """The customer of the address; none as long as nobody was chosen."""
    try:
        customer_id = UUID(request.args.get("customer_id", ""))
    except ValueError:
        return None
    return found(reading(), Customer, customer_id)


def _choose_customer() -> str:
    search = CustomerSearch()
    matching = customers_matching(words=search.q.data or "" if search.validate() else "")
    customers = reading().scalars(matching.order_by(Customer.number.desc()).limit(_CUSTOMERS_SHOWN)).all()
    return render_template(
        "console/contract_customer.html", search=search, customers=customers, limit=_CUSTOMERS_SHOWN
    )
