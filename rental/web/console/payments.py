"""Payments: the list, one of them with what it settled, recording one, taking one back, its receipt."""

import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select

from rental.billing.book_models import Document
from rental.billing.document_queries import credit_note_called, documents_about
from rental.billing.models import Invoice
from rental.billing.payment_models import Payment
from rental.billing.payment_queries import (
    MOST_SHOWN,
    open_invoices_of,
    open_item,
    payment_totals,
    payment_with_all,
    payments_matching,
)
from rental.billing.payments import apply_payment, record_payment, release_invoice, take_back_payment
from rental.billing.receipts import issue_receipt
from rental.billing.rules.payments import (
    ARRIVING,
    LARGEST_FEE,
    NOTHING,
    REASON_MAX_LENGTH,
    REFERENCE_MAX_LENGTH,
    NothingAllocated,
    PaymentMethod,
    Share,
    largest_fee,
    oldest_first,
)
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.money import Money
from rental.core.paging import Order
from rental.core.uow import begin
from rental.customers.models import BillingAccount
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChoiceField,
    DayField,
    KeyField,
    LineField,
    Needed,
    SearchField,
    YenField,
    choices,
    choices_of,
    filled_in,
)
from rental.web.formats import yen
from rental.web.guards import current_actor, requires
from rental.web.problems import put_into_form
from rental.web.refusals import refusal
from rental.web.sentences import state_label
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.today import today

bp = Blueprint("payments", __name__)

_OLDEST, _BELOW = "oldest", "below"
_ALL = "all"
_CASH = re.compile(r"cash_([0-9a-f]{32})")


class PaymentFilter(FilterForm):
    """Words and a way of payment."""

    q = SearchField(_l("Number, payer or reference"), validators=[AtMost(100)])
    method = ChoiceField(_l("Way of payment"))

    def __init__(self) -> None:
        super().__init__()
        self.method.choices = [*choices(("", _("All ways"))), *choices_of(PaymentMethod, state_label)]
        self.method.data = self.method.data or ""


class SharesForm(FlaskForm):
    """An amount and a fee for each invoice that may be settled; the fields are those of the account."""

    request_key = KeyField(_l("Form"), validators=[Needed()])

    @property
    def shares(self) -> list[Share]:
        """What was written at the invoices, without those at which nothing was."""
        found = []
        for item in self:
            named = _CASH.fullmatch(item.name)
            if named:
                fee_name = f"fee_{named[1]}"
                cash = item.data or NOTHING
                fee = self[fee_name].data or NOTHING if fee_name in self else NOTHING
                if cash or fee:
                    found.append(Share(UUID(named[1]), cash, fee))
        return found

    def say_at_first_invoice(self, message: str) -> None:
        """What is wrong with the amounts together stands at the first of them."""
        first = next((item for item in self if _CASH.fullmatch(item.name)), None)
        if first is None:
            self.form_errors.append(message)
        else:
            first.errors = [*first.errors, message]


class PaymentForm(SharesForm):
    """What arrived, when and how; and what it is for."""

    received_on = DayField(_l("Money received on"), validators=[Needed()])
    amount = YenField(_l("Amount received"), validators=[Needed()], minimum=1)
    method = ChoiceField(_l("Way of payment"))
    reference = LineField(_l("Reference of the bank"), validators=[AtMost(REFERENCE_MAX_LENGTH)])
    distribution = ChoiceField(_l("What it is for"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.method.choices = choices_of(ARRIVING, state_label)
        self.distribution.choices = choices(
            (_OLDEST, _("The invoices longest due first")), (_BELOW, _("The amounts below"))
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """Whoever says which invoices names one, and nobody's amounts are passed over."""
        if not super().validate(extra_validators):
            return False
        if self.distribution.data == _BELOW and not self.shares:
            self.say_at_first_invoice(_("Write an amount at one of the invoices."))
            return False
        written = [item for item in self if item.name.startswith(("cash_", "fee_")) and item.data]
        if self.distribution.data == _OLDEST and written:
            written[0].errors = [_("Choose “The amounts below”, or leave the amounts of the invoices empty.")]
            return False
        return True

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "received_on": filled_in(self.received_on),
            "amount": filled_in(self.amount),
            "method": PaymentMethod(self.method.data),
            "reference": self.reference.data or "",
            "shares": self.shares if self.distribution.data == _BELOW else None,
        }


class TakeBackForm(FlaskForm):
    """The whole payment or what one invoice got of it, and why."""

    what = ChoiceField(_l("What is taken back"))
    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(REASON_MAX_LENGTH)])


def _form_of(
    kind: type[SharesForm], invoices: Sequence[Invoice], *, largest: Money = LARGEST_FEE, **given: Any
) -> Any:
    """The form with a field for each of these invoices, and one for its fee where a bank may take one."""
    fields: dict[str, YenField] = {}
    for invoice in invoices:
        name = invoice.id.hex
        fields[f"cash_{name}"] = YenField(_l("For %(invoice)s", invoice=invoice.number))
        if largest:
            fields[f"fee_{name}"] = YenField(
                _l("Transfer fee we bear, %(invoice)s", invoice=invoice.number), maximum=largest.minor_units
            )
    return type(f"{kind.__name__}OfAccount", (kind,), fields)(**given)


def _offered(billing_account_id: UUID) -> list[Invoice]:
    """The open invoices, and those that were on the form that was sent: one may be settled since."""
    invoices = list(open_invoices_of(reading(), billing_account_id, limit=MOST_SHOWN))
    sent = {UUID(named[1]) for named in map(_CASH.fullmatch, request.form) if named}
    return [*invoices, *_settled_since(billing_account_id, sent - {each.id for each in invoices})]


def _settled_since(billing_account_id: UUID, ids: Collection[UUID]) -> Sequence[Invoice]:
    if not ids:
        return ()
    statement = select(Invoice).where(
        Invoice.billing_account_id == billing_account_id, Invoice.id.in_(sorted(ids)[:MOST_SHOWN])
    )
    return reading().scalars(statement.order_by(Invoice.number)).all()


@bp.get("/payments")
@requires(Permission.INVOICES_READ)
def index() -> ResponseReturnValue:
    filters = PaymentFilter()
    headings = [
        Heading("number", _("Payment"), Order((Payment.number,))),
        Heading(
            "received_on", _("Money received on"), Order((Payment.received_on, Payment.id)), numeric=True
        ),
        Heading("payer", _("Payer")),
        Heading("method", _("Way of payment")),
        Heading("amount", _("Amount"), Order((Payment.amount, Payment.id)), numeric=True),
        Heading("unapplied", _("Not used yet"), Order((Payment.unapplied, Payment.id)), numeric=True),
    ]
    if not filters.validate():
        table = empty_table("payments", headings, filters)
        return render_template("console/payments.html", table=table, totals=None), 422
    method = PaymentMethod(filters.method.data) if filters.method.data else None
    statement = payments_matching(words=filters.q.data or "", method=method)
    table = read_table(
        reading(), "payments", statement, headings, default_sort="-received_on", filters=filters
    )
    return render_template("console/payments.html", table=table, totals=payment_totals(reading(), statement))


@bp.get("/billing-accounts/<uuid:billing_account_id>/payments/new")
@requires(Permission.INVOICES_ISSUE)
def ask(billing_account_id: UUID) -> ResponseReturnValue:
    """Asked from an invoice, the form proposes just that one."""
    account = found(reading(), BillingAccount, billing_account_id)
    invoices = _offered(account.id)
    given: dict[str, Any] = {"request_key": new_key(), "received_on": today()}
    asked = request.args.get("invoice", "")
    for invoice in invoices:
        if str(invoice.id) == asked:
            amount = {"amount": invoice.balance, f"cash_{invoice.id.hex}": invoice.balance}
            given |= {**amount, "distribution": _BELOW}
    return _payment_page(account, invoices, _form_of(PaymentForm, invoices, formdata=None, **given))


@bp.post("/billing-accounts/<uuid:billing_account_id>/payments/new")
@requires(Permission.INVOICES_ISSUE)
def record(billing_account_id: UUID) -> ResponseReturnValue:
    account = found(reading(), BillingAccount, billing_account_id)
    invoices = _offered(account.id)
    form = _form_of(PaymentForm, invoices)
    if not form.validate_on_submit():
        return _payment_page(account, invoices, form), 422
    try:
        payment_id = make_once(form, partial(record_payment, billing_account_id=account.id, **form.facts))
    except DomainError as error:
        status = put_into_form(form, error)
        return _payment_page(account, invoices, form), status
    flash(_("The payment is recorded."), "success")
    return redirect(url_for(".show", payment_id=payment_id), 303)


@bp.get("/payments/<uuid:payment_id>")
@requires(Permission.INVOICES_READ)
def show(payment_id: UUID) -> ResponseReturnValue:
    return _page_of(payment_id)


@bp.post("/payments/<uuid:payment_id>/allocations")
@requires(Permission.INVOICES_ISSUE)
def apply(payment_id: UUID) -> ResponseReturnValue:
    payment = found(reading(), Payment, payment_id)
    form = _shares_form(payment, _offered(payment.billing_account_id))
    if not form.validate_on_submit():
        return _page_of(payment_id, form), 422
    try:
        make_once(form, partial(apply_payment, payment_id=payment_id, shares=form.shares))
    except NothingAllocated as error:
        form.say_at_first_invoice(refusal(error))
        return _page_of(payment_id, form), 422
    except DomainError as error:
        status = put_into_form(form, error)
        return _page_of(payment_id, form), status
    flash(_("The invoices are settled by it."), "success")
    return redirect(url_for(".show", payment_id=payment_id), 303)


@bp.get("/payments/<uuid:payment_id>/take-back")
@requires(Permission.INVOICES_ISSUE)
def ask_take_back(payment_id: UUID) -> ResponseReturnValue:
    payment = _payment(payment_id)
    return _take_back_page(payment, _take_back_form(payment, formdata=None, what=_ALL))


@bp.post("/payments/<uuid:payment_id>/take-back")
@requires(Permission.INVOICES_ISSUE)
def take_back(payment_id: UUID) -> ResponseReturnValue:
    payment = _payment(payment_id)
    form = _take_back_form(payment)
    if not form.validate_on_submit():
        return _take_back_page(payment, form), 422
    try:
        with begin(current_actor()) as uow:
            if form.what.data == _ALL:
                take_back_payment(uow, payment_id, reason=form.reason.data or "")
            else:
                release_invoice(uow, payment_id, UUID(form.what.data), reason=form.reason.data or "")
    except DomainError as error:
        status = put_into_form(form, error)
        return _take_back_page(payment, form), status
    flash(_("It is taken back. What it settled is owed again."), "success")
    return redirect(url_for(".show", payment_id=payment_id), 303)


@bp.post("/payments/<uuid:payment_id>/receipt")
@requires(Permission.INVOICES_ISSUE)
def issue_receipt_of(payment_id: UUID) -> ResponseReturnValue:
    """Asked for again, it is the same receipt."""
    with begin(current_actor()) as uow:
        document_id = issue_receipt(uow, payment_id).id
    return redirect(url_for("documents.open_document", document_id=document_id), 303)


def _payment(payment_id: UUID) -> Payment:
    payment = payment_with_all(reading(), payment_id)
    if payment is None:
        raise NotFound(kind="payment")
    return payment


def _page_of(payment_id: UUID, form: SharesForm | None = None) -> str:
    payment = _payment(payment_id)
    invoices = _offered(payment.billing_account_id) if payment.unapplied else []
    return render_template(
        "console/payment.html",
        payment=payment,
        receipt=_receipt_of(payment),
        credit_note=credit_note_called(reading(), payment.reference) if payment.is_kept_credit else None,
        can_be_taken_back=_can_be_taken_back(payment),
        form=form or _proposal(payment, invoices),
        invoices=invoices,
    )


def _can_be_taken_back(payment: Payment) -> bool:
    """A payment as a whole; of what a credit note keeps, what it settled."""
    if payment.is_kept_credit:
        return any(each.taken_back_on is None for each in payment.allocations)
    return payment.taken_back_on is None


def _proposal(payment: Payment, invoices: Sequence[Invoice]) -> SharesForm:
    """What is left goes to the invoices longest due, unless the clerk writes something else."""
    shares = oldest_first(payment.unapplied, map(open_item, invoices))
    given = {f"cash_{share.invoice_id.hex}": share.cash for share in shares}
    return _shares_form(payment, invoices, formdata=None, request_key=new_key(), **given)


def _shares_form(payment: Payment, invoices: Sequence[Invoice], **given: Any) -> SharesForm:
    form: SharesForm = _form_of(SharesForm, invoices, largest=largest_fee(payment.method), **given)
    return form


def _receipt_of(payment: Payment) -> Document | None:
    return next(iter(documents_about(reading(), payment.id)), None)


def _payment_page(account: BillingAccount, invoices: Sequence[Invoice], form: PaymentForm) -> str:
    return render_template(
        "console/payment_new.html", account=account, invoices=invoices, form=form, most_shown=MOST_SHOWN
    )


def _take_back_form(payment: Payment, **given: Any) -> TakeBackForm:
    form = TakeBackForm(**given)
    settled: dict[UUID, str] = {}
    for each in payment.allocations:
        if each.taken_back_on is None:
            settled[each.invoice_id] = each.invoice.number
    whole = (_ALL, _("The whole payment of %(amount)s: the money went back", amount=yen(payment.amount)))
    form.what.choices = choices(
        *(() if payment.is_kept_credit else (whole,)),
        *(
            (str(invoice_id), _("Only what settled %(invoice)s: the money stays", invoice=number))
            for invoice_id, number in settled.items()
        ),
    )
    return form


def _take_back_page(payment: Payment, form: TakeBackForm) -> str:
    return render_template("console/payment_take_back.html", payment=payment, form=form)
