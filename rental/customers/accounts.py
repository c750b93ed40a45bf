"""Taking a customer into the books: who they are, whom we talk to, who is sent the invoices."""

from uuid import UUID

from rental.core.db import found
from rental.core.errors import ChangedMeanwhile
from rental.core.money import Rounding
from rental.core.numbering import next_number
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers import queries, rules
from rental.customers.models import BillingAccount, Contact, Customer
from rental.customers.rules import Consolidation, CustomerKind, HolidayRule, PriceMode


def register_customer(
    uow: UnitOfWork,
    *,
    name: str,
    kind: CustomerKind,
    name_kana: str = "",
    registration_number: str = "",
    note: str = "",
) -> Customer:
    """A new customer, with the next number of the series `customer`."""
    customer = Customer(created_at=uow.now)
    _describe_customer(customer, name, name_kana, kind, registration_number, note)

    customer.number = f"C{next_number(uow, 'customer'):05}"
    _index_customer(customer)
    uow.session.add(customer)
    uow.session.flush()
    return customer


def change_customer(
    uow: UnitOfWork,
    customer_id: UUID,
    *,
    version: int,
    name: str,
    kind: CustomerKind,
    name_kana: str = "",
    registration_number: str = "",
    note: str = "",
) -> Customer:
    """The customer's facts as they are now. Raises ChangedMeanwhile."""
    customer = locked(uow, Customer, customer_id)
    if customer.version != version:
        raise ChangedMeanwhile
    _describe_customer(customer, name, name_kana, kind, registration_number, note)
    _index_customer(customer)
    uow.session.flush()
    return customer


def add_contact(
    uow: UnitOfWork,
    customer_id: UUID,
    *,
    name: str,
    name_kana: str = "",
    department: str = "",
    title: str = "",
    email: str = "",
    phone: str = "",
    is_primary: bool = False,
) -> Contact:
    """Somebody to talk to; as the primary contact they take the place of the one before."""
    customer = locked(uow, Customer, customer_id)
    contact = Contact(customer_id=customer.id)
    _describe_contact(contact, name, name_kana, department, title, email, phone)
    if is_primary:
        _let_go_of_primary(uow, customer.id)

    contact.is_primary = is_primary
    uow.session.add(contact)
    uow.session.flush()
    return contact


def change_contact(
    uow: UnitOfWork,
    contact_id: UUID,
    *,
    version: int,
    name: str,
    name_kana: str = "",
    department: str = "",
    title: str = "",
    email: str = "",
    phone: str = "",
    is_primary: bool = False,
) -> Contact:
    """The contact as they are now. Raises ChangedMeanwhile."""
    locked(uow, Customer, found(uow.session, Contact, contact_id).customer_id)
    contact = locked(uow, Contact, contact_id)
    if contact.version != version:
        raise ChangedMeanwhile
    _describe_contact(contact, name, name_kana, department, title, email, phone)
    if is_primary and not contact.is_primary:
        _let_go_of_primary(uow, contact.customer_id)
    contact.is_primary = is_primary
    uow.session.flush()
    return contact


def remove_contact(uow: UnitOfWork, contact_id: UUID) -> None:
    """We talk to this person no more; the audit log keeps who they were."""
    contact = locked(uow, Contact, contact_id)
    uow.session.delete(contact)
    uow.session.flush()


def open_billing_account(
    uow: UnitOfWork,
    customer_id: UUID,
    *,
    name: str,
    address: str,
    postal_code: str = "",
    closing_day: int = 31,
    term_months: int = 1,
    pay_day: int = 31,
    holiday_rule: HolidayRule = HolidayRule.NEXT,
    tax_rounding: Rounding = Rounding.DOWN,
    charge_rounding: Rounding = Rounding.DOWN,
    consolidation: Consolidation = Consolidation.PER_ACCOUNT,
    price_mode: PriceMode = PriceMode.EXCLUSIVE,
    email: str = "",
    note: str = "",
) -> BillingAccount:
    """A new addressee of invoices; unless agreed otherwise closed at month end and paid a month later, in one
    invoice."""
    customer = found(uow.session, Customer, customer_id)
    account = BillingAccount(customer_id=customer.id, created_at=uow.now)
    _describe_addressee(account, name, postal_code, address, email, note)
    _agree_terms(account, closing_day, term_months, pay_day, holiday_rule)
    account.tax_rounding, account.charge_rounding = tax_rounding, charge_rounding
    account.consolidation, account.price_mode = consolidation, price_mode

    account.number = f"B{next_number(uow, 'billing_account'):05}"
    uow.session.add(account)
    uow.session.flush()
    return account


def change_billing_account(
    uow: UnitOfWork,
    billing_account_id: UUID,
    *,
    version: int,
    name: str,
    address: str,
    postal_code: str,
    closing_day: int,
    term_months: int,
    pay_day: int,
    holiday_rule: HolidayRule,
    tax_rounding: Rounding,
    charge_rounding: Rounding,
    consolidation: Consolidation,
    email: str = "",
    note: str = "",
) -> BillingAccount:
    """The agreement as it is now; invoices already issued keep theirs. Raises ChangedMeanwhile."""
    account = locked(uow, BillingAccount, billing_account_id)
    if account.version != version:
        raise ChangedMeanwhile
    _describe_addressee(account, name, postal_code, address, email, note)
    _agree_terms(account, closing_day, term_months, pay_day, holiday_rule)
    account.tax_rounding, account.charge_rounding = tax_rounding, charge_rounding
    account.consolidation = consolidation
    uow.session.flush()
    return account


def _describe_customer(
    customer: Customer, name: str, name_kana: str, kind: CustomerKind, registration_number: str, note: str
) -> None:
    rules.require_line(tidy(name), "name", rules.NAME_MAX_LENGTH)
    rules.require_room(tidy(name_kana), "name_kana", rules.KANA_MAX_LENGTH)
    rules.require_room(note, "note", rules.NOTE_MAX_LENGTH)
    customer.registration_number = rules.registration_number_of(registration_number, kind)
    customer.name, customer.name_kana = tidy(name), tidy(name_kana)
    customer.kind, customer.note = kind, note


def _index_customer(customer: Customer) -> None:
    customer.search_name = rules.search_form(
        customer.name, customer.name_kana, customer.number, customer.registration_number or ""
    )


def _describe_contact(
    contact: Contact, name: str, name_kana: str, department: str, title: str, email: str, phone: str
) -> None:
    rules.require_line(tidy(name), "name", rules.NAME_MAX_LENGTH)
    rules.require_room(tidy(name_kana), "name_kana", rules.KANA_MAX_LENGTH)
    rules.require_room(tidy(department), "department", rules.NAME_MAX_LENGTH)
    rules.require_room(tidy(title), "title", rules.NAME_MAX_LENGTH)
    contact.email, contact.phone = rules.email_of(email), rules.phone_of(phone)
    contact.name, contact.name_kana = tidy(name), tidy(name_kana)
    contact.department, contact.title = tidy(department), tidy(title)


def _let_go_of_primary(uow: UnitOfWork, customer_id: UUID) -> None:
    """Saved before the next one takes the place: the database allows only one."""
    for contact in queries.contacts_of(uow.session, customer_id):
        contact.is_primary = False
    uow.session.flush()


def _describe_addressee(
    account: BillingAccount, name: str, postal_code: str, address: str, email: str, note: str
) -> None:
    rules.require_line(tidy(name), "name", rules.NAME_MAX_LENGTH)
    rules.require_line(tidy(address), "address", rules.ADDRESS_MAX_LENGTH)
    rules.require_room(note, "note", rules.NOTE_MAX_LENGTH)
    account.postal_code, account.email = rules.postal_code_of(postal_code), rules.email_of(email)
    account.name, account.address, account.note = tidy(name), tidy(address), note


def _agree_terms(
    account: BillingAccount, closing_day: int, term_months: int, pay_day: int, holiday_rule: HolidayRule
) -> None:
    rules.require_payment_terms(closing_day=closing_day, term_months=term_months, pay_day=pay_day)
    account.closing_day, account.term_months, account.pay_day = closing_day, term_months, pay_day
    account.holiday_rule = holiday_rule
