"""Customers: who they are, and whom we talk to there."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField

from rental.billing.queries import invoices_of_customer
from rental.contracts.queries import contracts_of_customer, machine_counts
from rental.core.db import found, reading
from rental.core.errors import DomainError, NotFound
from rental.core.idempotency import new_key
from rental.core.paging import Order
from rental.core.uow import begin
from rental.customers import accounts, rules
from rental.customers.models import Contact, Customer
from rental.customers.queries import (
    billing_accounts_of,
    contacts_of,
    customers_matching,
    site_counts,
    sites_of,
)
from rental.customers.rules import CustomerKind
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
    SearchField,
    VersionField,
    choices,
    choices_of,
)
from rental.web.guards import current_actor, may, requires
from rental.web.problems import put_into_form
from rental.web.sentences import state_label
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.wording.customers import payment_terms

bp = Blueprint("customers", __name__, url_prefix="/customers")


class CustomerFilter(FilterForm):
    """Words, and a kind of customer."""

    q = SearchField(_l("Name, number or telephone"), validators=[AtMost(100)])
    kind = ChoiceField(_l("Kind"))

    def __init__(self) -> None:
        super().__init__()
        self.kind.choices = [*choices(("", _("All kinds"))), *choices_of(CustomerKind, state_label)]
        self.kind.data = self.kind.data or ""


class CustomerForm(FlaskForm):
    """What we know about a customer."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(rules.NAME_MAX_LENGTH)])
    name_kana = LineField(_l("Reading"), validators=[AtMost(rules.KANA_MAX_LENGTH)])
    kind = ChoiceField(_l("Kind"))
    registration_number = LineField(_l("Registration number"), validators=[AtMost(30)])
    note = ParagraphField(_l("Note"), validators=[AtMost(rules.NOTE_MAX_LENGTH)])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices_of(CustomerKind, state_label)

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "name": self.name.data,
            "name_kana": self.name_kana.data,
            "kind": CustomerKind(self.kind.data),
            "registration_number": self.registration_number.data,
            "note": self.note.data,
        }


class NewCustomerForm(CustomerForm):
    """A new customer. The key makes a form sent twice one customer."""

    request_key = KeyField(_l("Form"), validators=[Needed()])


class ChangeCustomerForm(CustomerForm):
    """A known customer, as they were when the form was opened."""

    version = VersionField(_l("Version"), validators=[Needed()])


class ContactForm(FlaskForm):
    """Somebody at the customer's."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(rules.NAME_MAX_LENGTH)])
    name_kana = LineField(_l("Reading"), validators=[AtMost(rules.KANA_MAX_LENGTH)])
    department = LineField(_l("Department"), validators=[AtMost(rules.NAME_MAX_LENGTH)])
    title = LineField(_l("Title"), validators=[AtMost(rules.NAME_MAX_LENGTH)])
    email = EmailField(_l("E-mail"), validators=[AtMost(254)])
    phone = LineField(_l("Telephone"), validators=[AtMost(40)])
    is_primary = BooleanField(_l("Asked first"))

    @property
    def facts(self) -> dict[str, Any]:
        names = ("name", "name_kana", "department", "title", "email", "phone", "is_primary")
        return {name: self[name].data for name in names}


class NewContactForm(ContactForm):
    """A new contact."""

    request_key = KeyField(_l("Form"), validators=[Needed()])


class ChangeContactForm(ContactForm):
    """A known contact."""

    version = VersionField(_l("Version"), validators=[Needed()])


@bp.get("")
@requires(Permission.CUSTOMERS_READ)
def index() -> ResponseReturnValue:
    filters = CustomerFilter()
    headings = [
        Heading("name", _("Name"), Order((Customer.name, Customer.id))),
        Heading("number", _("Number"), Order((Customer.number,))),
        Heading("kind", _("Kind")),
        Heading("sites", _("Sites"), numeric=True),
        Heading("created_at", _("Since"), Order((Customer.created_at, Customer.id))),
    ]
    if not filters.validate():
        table = empty_table("customers", headings, filters)
        return render_template("console/customers.html", table=table, counts={}), 422
    statement = customers_matching(
        words=filters.q.data or "", kind=CustomerKind(filters.kind.data) if filters.kind.data else None
    )
    table = read_table(reading(), "customers", statement, headings, default_sort="-number", filters=filters)
    counts = site_counts(reading(), [customer.id for customer in table.rows])
    return render_template("console/customers.html", table=table, counts=counts)


@bp.get("/new")
@requires(Permission.CUSTOMERS_MANAGE)
def ask() -> ResponseReturnValue:
    form = NewCustomerForm(request_key=new_key(), kind=CustomerKind.CORPORATION.value)
    return render_template("console/customer_form.html", form=form, customer=None)


@bp.post("/new")
@requires(Permission.CUSTOMERS_MANAGE)
def register() -> ResponseReturnValue:
    form = NewCustomerForm()
    if not form.validate_on_submit():
        return render_template("console/customer_form.html", form=form, customer=None), 422
    try:
        customer_id = make_once(form, lambda uow: accounts.register_customer(uow, **form.facts))
    except DomainError as error:
        status = put_into_form(form, error)
        return render_template("console/customer_form.html", form=form, customer=None), status
    flash(_("The customer is registered. Add a site and a billing account next."), "success")
    return redirect(url_for(".show", customer_id=customer_id), 303)


@bp.get("/<uuid:customer_id>")
@requires(Permission.CUSTOMERS_READ)
def show(customer_id: UUID) -> ResponseReturnValue:
    customer = found(reading(), Customer, customer_id)
    return render_template(
        "console/customer.html",
        customer=customer,
        contacts=contacts_of(reading(), customer.id),
        billing_accounts=billing_accounts_of(reading(), customer.id),
        sites=sites_of(reading(), customer.id),
        machine_counts=machine_counts(reading(), customer.id),
        contracts=contracts_of_customer(reading(), customer.id),
        payment_terms=payment_terms,
        invoices=invoices_of_customer(reading(), customer.id) if may(Permission.INVOICES_READ) else (),
    )


@bp.get("/<uuid:customer_id>/change")
@requires(Permission.CUSTOMERS_MANAGE)
def ask_change(customer_id: UUID) -> ResponseReturnValue:
    customer = found(reading(), Customer, customer_id)
    form = ChangeCustomerForm(obj=customer)
    return render_template("console/customer_form.html", form=form, customer=customer)


@bp.post("/<uuid:customer_id>/change")
@requires(Permission.CUSTOMERS_MANAGE)
def change(customer_id: UUID) -> ResponseReturnValue:
    customer = found(reading(), Customer, customer_id)
    form = ChangeCustomerForm()
    if not form.validate_on_submit():
        return render_template("console/customer_form.html", form=form, customer=customer), 422
    try:
        with begin(current_actor()) as uow:
            accounts.change_customer(uow, customer_id, version=form.version.data or 0, **form.facts)
    except DomainError as error:
        status = put_into_form(form, error)
        return render_template("console/customer_form.html", form=form, customer=customer), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", customer_id=customer_id), 303)


@bp.get("/<uuid:customer_id>/contacts/new")
@requires(Permission.CUSTOMERS_MANAGE)
def ask_contact(customer_id: UUID) -> ResponseReturnValue:
    is_first = not contacts_of(reading(), customer_id)
    return _contact_page(customer_id, NewContactForm(request_key=new_key(), is_primary=is_first))


@bp.post("/<uuid:customer_id>/contacts/new")
@requires(Permission.CUSTOMERS_MANAGE)
def add_contact(customer_id: UUID) -> ResponseReturnValue:
    form = NewContactForm()
    if not form.validate_on_submit():
        return _contact_page(customer_id, form), 422
    try:
        make_once(form, lambda uow: accounts.add_contact(uow, customer_id, **form.facts))
    except DomainError as error:
        status = put_into_form(form, error)
        return _contact_page(customer_id, form), status
    flash(_("The contact is added."), "success")
    return redirect(url_for(".show", customer_id=customer_id), 303)


@bp.get("/<uuid:customer_id>/contacts/<uuid:contact_id>")
@requires(Permission.CUSTOMERS_MANAGE)
def ask_contact_change(customer_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    contact = _contact_of(customer_id, contact_id)
    return _contact_page(customer_id, ChangeContactForm(obj=contact), contact)


@bp.post("/<uuid:customer_id>/contacts/<uuid:contact_id>")
@requires(Permission.CUSTOMERS_MANAGE)
def change_contact(customer_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    contact = _contact_of(customer_id, contact_id)
    form = ChangeContactForm()
    if not form.validate_on_submit():
        return _contact_page(customer_id, form, contact), 422
    try:
        with begin(current_actor()) as uow:
            accounts.change_contact(uow, contact_id, version=form.version.data or 0, **form.facts)
    except DomainError as error:
        status = put_into_form(form, error)
        return _contact_page(customer_id, form, contact), status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", customer_id=customer_id), 303)


@bp.post("/<uuid:customer_id>/contacts/<uuid:contact_id>/remove")
@requires(Permission.CUSTOMERS_MANAGE)
def remove_contact(customer_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    _contact_of(customer_id, contact_id)
    with begin(current_actor()) as uow:
        accounts.remove_contact(uow, contact_id)
    flash(_("The contact is removed."), "success")
    return redirect(url_for(".show", customer_id=customer_id), 303)


def _contact_of(customer_id: UUID, contact_id: UUID) -> Contact:
    """The contact at the address's own customer; anybody else's is not there."""
    contact = found(reading(), Contact, contact_id)
    if contact.customer_id != customer_id:
        raise NotFound(kind="contact")
    return contact


def _contact_page(customer_id: UUID, form: ContactForm, contact: Contact | None = None) -> str:
    customer = found(reading(), Customer, customer_id)
    return render_template("console/contact_form.html", customer=customer, contact=contact, form=form)
