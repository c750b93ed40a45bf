"""Billing accounts: who is sent a customer's invoices, and when they are due."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from rental.billing.queries import invoices_of_account
from rental.billing.statements import latest_entries, owing_of
from rental.core.db import found, reading
from rental.core.errors import DomainError
from rental.core.idempotency import new_key
from rental.core.money import Rounding
from rental.core.uow import begin
from rental.customers import accounts, rules
from rental.customers.models import BillingAccount, Customer
from rental.customers.rules import Consolidation, HolidayRule, PriceMode
from rental.identity.permissions import Permission
from rental.web.console.new_rows import make_once
from rental.web.fields import (
    AtMost,
    ChoiceField,
    EmailField,
    KeyField,
    LineField,
    Needed,
    ParagraphField,
    VersionField,
    choices,
    choices_of,
)
from rental.web.guards import current_actor, may, requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.wording.customers import day_of_month, months_later, payment_terms
from rental.web.wording.statements import address_of

bp = Blueprint("billing_accounts", __name__)

_MONTH_END = "31"


class BillingAccountForm(FlaskForm):
    """Addressee, terms of payment, rounding, and what has an invoice of its own."""

    name = LineField(_l("Addressee"), validators=[Needed(), AtMost(rules.NAME_MAX_LENGTH)])
    postal_code = LineField(_l("Postal code"), validators=[AtMost(20)])
    address = LineField(_l("Address"), validators=[Needed(), AtMost(rules.ADDRESS_MAX_LENGTH)])
    email = EmailField(_l("E-mail for invoices"), validators=[AtMost(254)])
    closing_day = ChoiceField(_l("Closing day"))
    term_months = ChoiceField(_l("Month of payment"))
    pay_day = ChoiceField(_l("Payment day"))
    holiday_rule = ChoiceField(_l("On a bank holiday"))
    tax_rounding = ChoiceField(_l("Rounding of tax"))
    charge_rounding = ChoiceField(_l("Rounding of charges"))
    consolidation = ChoiceField(_l("One invoice for"))
    note = ParagraphField(_l("Note"), validators=[AtMost(rules.NOTE_MAX_LENGTH)])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        days = choices(*((str(day), day_of_month(day)) for day in range(1, 32)))
        self.closing_day.choices = self.pay_day.choices = days
        self.term_months.choices = choices(*((str(count), months_later(count)) for count in range(7)))
        self.holiday_rule.choices = choices_of(HolidayRule, state_label)
        self.tax_rounding.choices = self.charge_rounding.choices = choices_of(Rounding, state_label)
        self.consolidation.choices = choices_of(Consolidation, state_label)

    @property
    def facts(self) -> dict[str, Any]:
        return {
            **{name: self[name].data for name in ("name", "postal_code", "address", "email", "note")},
            **{name: int(self[name].data) for name in ("closing_day", "term_months", "pay_day")},
            "holiday_rule": HolidayRule(self.holiday_rule.data),
            "tax_rounding": Rounding(self.tax_rounding.data),
            "charge_rounding": Rounding(self.charge_rounding.data),
            "consolidation": Consolidation(self.consolidation.data),
        }


class NewBillingAccountForm(BillingAccountForm):
    """A new billing account. The key makes a form sent twice one account."""

    price_mode = ChoiceField(_l("Prices"))
    request_key = KeyField(_l("Form"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.price_mode.choices = choices_of(PriceMode, state_label)

    @property
    def facts(self) -> dict[str, Any]:
        return {**super().facts, "price_mode": PriceMode(self.price_mode.data)}


class ChangeBillingAccountForm(BillingAccountForm):
    """A known billing account, as it was when the form was opened."""

    version = VersionField(_l("Version"), validators=[Needed()])


@bp.get("/customers/<uuid:customer_id>/billing-accounts/new")
@requires(Permission.CUSTOMERS_MANAGE)
def ask(customer_id: UUID) -> ResponseReturnValue:
    customer = found(reading(), Customer, customer_id)
    form = NewBillingAccountForm(
        request_key=new_key(),
        name=customer.name,
        closing_day=_MONTH_END,
        term_months="1",
        pay_day=_MONTH_END,
        holiday_rule=HolidayRule.NEXT.value,
        tax_rounding=Rounding.DOWN.value,
        charge_rounding=Rounding.DOWN.value,
        consolidation=Consolidation.PER_ACCOUNT.value,
        price_mode=PriceMode.EXCLUSIVE.value,
    )
    return _new_page(customer_id, form)


@bp.post("/customers/<uuid:customer_id>/billing-accounts/new")
@requires(Permission.CUSTOMERS_MANAGE)
def open_account(customer_id: UUID) -> ResponseReturnValue:
    form = NewBillingAccountForm()
    if not form.validate_on_submit():
        return _new_page(customer_id, form), 422
    try:
        account_id = make_once(
            form, lambda uow: accounts.open_billing_account(uow, customer_id, **form.facts)
        )
    except DomainError as error:
        status = put_into_form(form, error)
        return _new_page(customer_id, form), status
    flash(_("The billing account is added."), "success")
    return redirect(url_for(".show", billing_account_id=account_id), 303)


@bp.get("/billing-accounts/<uuid:billing_account_id>")
@requires(Permission.CUSTOMERS_READ)
def show(billing_account_id: UUID) -> ResponseReturnValue:
    return _page(billing_account_id)


@bp.post("/billing-accounts/<uuid:billing_account_id>")
@requires(Permission.CUSTOMERS_MANAGE)
def change(billing_account_id: UUID) -> ResponseReturnValue:
    found(reading(), BillingAccount, billing_account_id)
    form = ChangeBillingAccountForm()
    if not form.validate_on_submit():
        return _page(billing_account_id, form), 422
    try:
        with begin(current_actor()) as uow:
            accounts.change_billing_account(
                uow, billing_account_id, version=form.version.data or 0, **form.facts
            )
    except DomainError as error:
        status = put_into_form(form, error)
        return _page(billing_account_id, form), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", billing_account_id=billing_account_id), 303)


def _new_page(customer_id: UUID, form: NewBillingAccountForm) -> str:
    customer = found(reading(), Customer, customer_id)
    return render_template("console/billing_account_new.html", customer=customer, form=form)


def _page(billing_account_id: UUID, form: ChangeBillingAccountForm | None = None) -> str:
    account = found(reading(), BillingAccount, billing_account_id)
    form = form or ChangeBillingAccountForm(formdata=None, obj=account)
    return render_template(
        "console/billing_account.html",
        account=account,
        form=form,
        terms=payment_terms(account),
        **(_money_of(account.id) if may(Permission.INVOICES_READ) else {}),
    )


def _money_of(billing_account_id: UUID) -> dict[str, Any]:
    """What only those see who may see invoices."""
    return {
        "invoices": invoices_of_account(reading(), billing_account_id),
        "latest": latest_entries(reading(), billing_account_id).rows,
        "owing": owing_of(reading(), billing_account_id),
        "address_of": address_of,
    }
