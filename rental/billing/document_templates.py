"""Templates of documents: a look is data, chosen for the company and for single accounts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.rules.looks import NAME_MAX_LENGTH, Look, NameTaken, tidied
from rental.billing.template_models import AccountTemplate, DocumentTemplate
from rental.core.db import found
from rental.core.errors import ChangedMeanwhile
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.customers.models import BillingAccount
from rental.customers.rules import require_line


def add_template(uow: UnitOfWork, *, name: str, look: Look) -> DocumentTemplate:
    """A new look that nobody has yet. Raises Missing, TooLong, TooManyLines, NameTaken."""
    template = DocumentTemplate()
    _describe(uow, template, name, look)
    uow.session.add(template)
    uow.session.flush()
    return template


def change_template(
    uow: UnitOfWork, template_id: UUID, *, name: str, look: Look, version: int
) -> DocumentTemplate:
    """The look of documents that are issued from now on; those that are issued keep theirs.

    Raises ChangedMeanwhile, Missing, TooLong, TooManyLines, NameTaken.
    """
    template = locked(uow, DocumentTemplate, template_id)
    if version != template.version:
        raise ChangedMeanwhile
    _describe(uow, template, name, look)
    uow.session.flush()
    return template


def choose_for_company(uow: UnitOfWork, template_id: UUID | None) -> None:
    """Documents look so where their account has no template of its own; None: as they come with us."""
    chosen = locked(uow, DocumentTemplate, template_id) if template_id else None
    for template in uow.session.scalars(select(DocumentTemplate).where(DocumentTemplate.is_default)).all():
        template.is_default = False
    uow.session.flush()
    if chosen is not None:
        chosen.is_default = True
        uow.session.flush()


def choose_for_account(uow: UnitOfWork, billing_account_id: UUID, template_id: UUID | None) -> None:
    """Documents of this account look so; None: as the company's."""
    account = locked(uow, BillingAccount, billing_account_id)
    choice = uow.session.get(AccountTemplate, account.id)
    if template_id is None:
        if choice is not None:
            uow.session.delete(choice)
    else:
        template = found(uow.session, DocumentTemplate, template_id)
        if choice is None:
            uow.session.add(AccountTemplate(billing_account_id=account.id, document_template_id=template.id))
        else:
            choice.document_template_id = template.id
    uow.session.flush()


def templates(session: Session) -> Sequence[DocumentTemplate]:
    """Every template, by its name."""
    return session.scalars(select(DocumentTemplate).order_by(DocumentTemplate.name)).all()


def template_of_account(session: Session, billing_account_id: UUID) -> UUID | None:
    """The account's own template, if it has one."""
    return session.scalar(
        select(AccountTemplate.document_template_id).where(
            AccountTemplate.billing_account_id == billing_account_id
        )
    )


def looks_of(session: Session, account_ids: Collection[UUID]) -> Mapping[UUID, dict[str, Any]]:
    """What is kept with documents of these accounts of their look; nothing where nobody chose one."""
    default = session.scalar(select(DocumentTemplate).where(DocumentTemplate.is_default))
    own = dict(
        session.execute(
            select(AccountTemplate.billing_account_id, DocumentTemplate)
            .join(DocumentTemplate, DocumentTemplate.id == AccountTemplate.document_template_id)
            .where(AccountTemplate.billing_account_id.in_(account_ids))
        ).all()
    )
    looks: dict[UUID, dict[str, Any]] = {}
    for account_id in account_ids:
        template = own.get(account_id, default)
        looks[account_id] = look_of(template).part_of_snapshot() if template else {}
    return looks


def look_of(template: DocumentTemplate) -> Look:
    """What a template says."""
    return Look(
        template.language, template.logo, template.note, template.has_unit_price, template.has_details
    )


def _describe(uow: UnitOfWork, template: DocumentTemplate, name: str, look: Look) -> None:
    name, look = tidy(name), tidied(look)
    require_line(name, "name", NAME_MAX_LENGTH)
    with uow.session.no_autoflush:
        known = uow.session.scalar(select(DocumentTemplate.id).where(DocumentTemplate.name == name))
    if known is not None and known != template.id:
        raise NameTaken(name=name)
    template.name, template.language = name, look.language
    template.logo, template.note = look.logo, look.note
    template.has_unit_price, template.has_details = look.has_unit_price, look.has_details
