"""A customer with two contracts, each with a line at two sites, and the invoices that tell them apart."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from rental.contracts.activation import activate_contract
from rental.contracts.drafting import add_line, draft_contract
from rental.core.money import Money
from rental.core.uow import UnitOfWork
from rental.customers.accounts import change_billing_account
from rental.customers.models import BillingAccount
from rental.customers.rules import Consolidation
from tests.factories.billed import install_by_scan, invoices_of, make_issuer, technician_of
from tests.factories.rented import make_customer, make_model, make_plan, make_site, stock
from tests.support.story import Story


class Chain(NamedTuple):
    """A customer of two sites; machines of any fee can be rented by its one account."""

    account_id: UUID
    site_ids: tuple[UUID, UUID]
    customer_id: UUID
    plan_id: UUID


class Asked(NamedTuple):
    """What one invoice is for, and what it asks for in yen: without tax, the tax."""

    closed_on: date
    title: str
    subtotal: int
    tax: int


def chain_of_two_sites(story: Story, consolidation: Consolidation = Consolidation.PER_ACCOUNT) -> Chain:
    """The customer, with nothing rented yet."""
    with story.begin() as uow:
        make_issuer(uow)
        model = make_model(uow)
        plan = make_plan(uow, model)
        stock(uow, model, 12)
        customer, account, first = make_customer(uow, "喫茶ふたつ")
        second = make_site(uow, customer, "新宿店")
        chain = Chain(account.id, (first.id, second.id), customer.id, plan.id)
    agree_on(story, chain, consolidation)
    return chain


def agree_on(story: Story, chain: Chain, consolidation: Consolidation) -> None:
    """From now on the account is sent invoices like this."""
    with story.begin() as uow:
        account = uow.session.get_one(BillingAccount, chain.account_id)
        change_billing_account(
            uow,
            account.id,
            version=account.version,
            name=account.name,
            postal_code=account.postal_code or "",
            address=account.address,
            closing_day=account.closing_day,
            term_months=account.term_months,
            pay_day=account.pay_day,
            holiday_rule=account.holiday_rule,
            tax_rounding=account.tax_rounding,
            charge_rounding=account.charge_rounding,
            consolidation=consolidation,
        )


def sign(uow: UnitOfWork, chain: Chain, fees: Sequence[int]) -> UUID:
    """A contract with a machine for the first fee at the first site, and for the second at the second."""
    contract = draft_contract(uow, chain.customer_id, chain.account_id, months=24, wanted_on=uow.today)
    for site_id, fee in zip(chain.site_ids, fees, strict=True):
        add_line(
            uow,
            contract.id,
            rate_plan_version_id=chain.plan_id,
            site_id=site_id,
            quantity=1,
            monthly_fee=Money(fee),
        )
    uow.session.expire_all()
    return activate_contract(uow, contract.id, uow.today).id


def start(story: Story, chain: Chain, *contracts: Sequence[int]) -> list[UUID]:
    """Contracts with these fees are signed, and their machines installed, today."""
    technician = technician_of(story)
    signed = []
    for fees in contracts:
        with story.begin() as uow:
            signed.append(sign(uow, chain, fees))
            install_by_scan(uow, signed[-1], technician)
    story.everything_happens()
    return signed


def asked_of(story: Story, account_id: UUID) -> list[Asked]:
    """What the account was asked for, invoice by invoice."""
    return [
        Asked(
            invoice.closed_on,
            _title(invoice.snapshot.get("for")),
            invoice.subtotal.minor_units,
            invoice.tax.minor_units,
        )
        for invoice in invoices_of(story, account_id)
    ]


def _title(said: dict[str, str] | None) -> str:
    return f"{said['kind']} {said['number']} {said['name']}".rstrip() if said else ""
