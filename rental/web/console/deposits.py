"""The deposit of a contract: what happened to it, and its next movement."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.billing.book_models import Document
from rental.billing.deposits import offset_deposit, receive_deposit, refund_deposit
from rental.billing.document_queries import documents_about
from rental.billing.payment_models import DepositEntry
from rental.billing.payment_queries import MOST_SHOWN, deposit_entries_of, open_invoices_of
from rental.billing.rules.deposits import DepositKind
from rental.contracts.models import Contract
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.fields import ChoiceField, DayField, KeyField, Needed, YenField, choices, filled_in
from rental.web.formats import yen
from rental.web.guards import requires
from rental.web.problems import put_into_form
from rental.web.today import today

bp = Blueprint("deposits", __name__, url_prefix="/contracts/<uuid:contract_id>/deposit")


class DepositForm(FlaskForm):
    """What happens to the deposit next. The invoice is asked for where one is paid with it."""

    request_key = KeyField(_l("Form"), validators=[Needed()])
    kind = ChoiceField(_l("What happens"))
    amount = YenField(_l("Amount"), validators=[Needed()], minimum=1)
    received_on = DayField(_l("Day"), validators=[Needed()])
    invoice_id = ChoiceField(_l("Invoice that is paid with it"))

    def __init__(self, contract: Contract, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(
            (DepositKind.RECEIVED.value, _("The customer leaves a deposit")),
            (DepositKind.OFFSET.value, _("It pays an invoice")),
            (DepositKind.REFUNDED.value, _("It is paid back")),
        )
        invoices = open_invoices_of(reading(), contract.billing_account_id, limit=MOST_SHOWN)
        self.invoice_id.choices = choices(
            ("", _("None")),
            *(
                (str(each.id), _("%(invoice)s, %(owed)s owed", invoice=each.number, owed=yen(each.balance)))
                for each in invoices
            ),
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """An offset names its invoice."""
        is_valid = bool(super().validate(extra_validators))
        if self.kind.data == DepositKind.OFFSET and not self.invoice_id.data and not self.invoice_id.errors:
            self.invoice_id.errors = [_("Choose the invoice that the deposit pays.")]
            return False
        return is_valid


@bp.get("")
@requires(Permission.INVOICES_READ)
def show(contract_id: UUID) -> ResponseReturnValue:
    contract = found(reading(), Contract, contract_id)
    form = DepositForm(contract, formdata=None, request_key=new_key(), received_on=today())
    return _page(contract, form)


@bp.post("")
@requires(Permission.INVOICES_ISSUE)
def enter(contract_id: UUID) -> ResponseReturnValue:
    contract = found(reading(), Contract, contract_id)
    form = DepositForm(contract)
    if not form.validate_on_submit():
        return _page(contract, form), 422
    try:
        make_once(form, lambda uow: _moved(uow, contract_id, form))
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(contract, form), status
    flash(_("The deposit is changed."), "success")
    return redirect(url_for(".show", contract_id=contract_id), 303)


def _moved(uow: UnitOfWork, contract_id: UUID, form: DepositForm) -> DepositEntry:
    kind = DepositKind(form.kind.data)
    amount: Money = filled_in(form.amount)
    moved_on: date = filled_in(form.received_on)
    if kind is DepositKind.RECEIVED:
        return receive_deposit(uow, contract_id, amount=amount, received_on=moved_on)
    if kind is DepositKind.REFUNDED:
        return refund_deposit(uow, contract_id, amount=amount, refunded_on=moved_on)
    return offset_deposit(uow, contract_id, invoice_id=UUID(form.invoice_id.data), amount=amount)


def _page(contract: Contract, form: DepositForm) -> str:
    entries = deposit_entries_of(reading(), contract.id)
    return render_template(
        "console/deposit.html",
        contract=contract,
        entries=entries,
        held=entries[-1].balance if entries else Money(0),
        notes={entry.id: _note_of(entry) for entry in entries if entry.kind is DepositKind.RECEIVED},
        form=form,
    )


def _note_of(entry: DepositEntry) -> Document | None:
    return next(iter(documents_about(reading(), entry.id)), None)
