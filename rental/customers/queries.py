"""Reading customers, their contacts and billing accounts, and their sites."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from rental.customers.models import BillingAccount, Contact, Customer, Site
from rental.customers.rules import CustomerKind, PositionSource, SiteState, kana_alike

# The most rows of one customer that a page shows; a chain has some thirty sites.
MOST_OF_ONE_CUSTOMER = 500
# Copied positions are not copied again, so that a mistake does not spread.
_FIRST_HAND = (PositionSource.ENTERED, PositionSource.SERVICE)


def customers_matching(*, words: str, kind: CustomerKind | None = None) -> Select[Customer]:
    """Customers with every word in name, kana, number or a contact's e-mail or phone, in no order yet."""
    statement = select(Customer)
    for word in kana_alike(words).split():
        reached = or_(
            Contact.email.icontains(word, autoescape=True), Contact.phone.contains(word, autoescape=True)
        )
        statement = statement.where(
            or_(
                Customer.search_name.contains(word, autoescape=True),
                Customer.id.in_(select(Contact.customer_id).where(reached)),
            )
        )
    if kind:
        statement = statement.where(Customer.kind == kind)
    return statement


def site_counts(session: Session, customer_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many active sites each of these customers has; customers with none are left out."""
    rows = session.execute(
        select(Site.customer_id, func.count())
        .where(Site.customer_id.in_(customer_ids), Site.state == SiteState.ACTIVE)
        .group_by(Site.customer_id)
    )
    return dict(rows.all())


def contacts_of(session: Session, customer_id: UUID) -> Sequence[Contact]:
    """Whom we talk to at this customer's, the one to ask first on top."""
    return session.scalars(
        select(Contact)
        .where(Contact.customer_id == customer_id)
        .order_by(Contact.is_primary.desc(), Contact.name, Contact.id)
        .limit(MOST_OF_ONE_CUSTOMER)
    ).all()


def billing_accounts_of(session: Session, customer_id: UUID) -> Sequence[BillingAccount]:
    """Who is sent this customer's invoices."""
    return session.scalars(
        select(BillingAccount)
        .where(BillingAccount.customer_id == customer_id)
        .order_by(BillingAccount.number)
        .limit(MOST_OF_ONE_CUSTOMER)
    ).all()


def sites_of(session: Session, customer_id: UUID) -> Sequence[Site]:
    """The sites of this customer, active ones first."""
    return session.scalars(
        select(Site)
        .where(Site.customer_id == customer_id)
        .order_by(Site.state, Site.number)
        .limit(MOST_OF_ONE_CUSTOMER)
    ).all()


def sites_matching(
    *, words: str, state: SiteState | None = None, has_position: bool | None = None
) -> Select[Site]:
    """Sites with every word in name, kana, number, address or the customer's name, in no order yet.

    Each comes with its customer.
    """
    statement = select(Site).join(Site.customer).options(contains_eager(Site.customer))
    for word in kana_alike(words).split():
        statement = statement.where(
            or_(
                Site.search_name.contains(word, autoescape=True),
                Customer.search_name.contains(word, autoescape=True),
            )
        )
    if state:
        statement = statement.where(Site.state == state)
    if has_position is not None:
        statement = statement.where(Site.latitude.is_not(None) if has_position else Site.latitude.is_(None))
    return statement


def placed_site_at(
    session: Session, normalised_address: str, *, other_than: UUID | None = None
) -> Site | None:
    """Another site at this very address whose position a person or a map service gave, the newest one."""
    statement = select(Site).where(
        Site.normalised_address == normalised_address, Site.position_source.in_(_FIRST_HAND)
    )
    if other_than:
        statement = statement.where(Site.id != other_than)
    return session.scalar(statement.order_by(Site.id.desc()).limit(1))
