"""Whoever asks a witness what changed hears of every row that was saved, and of nothing else."""

import pytest
from sqlalchemy import update

from rental.core.uow import UnitOfWork
from rental.customers.accounts import add_contact, remove_contact
from rental.customers.models import Contact
from tests.web.company import Company
from tests.web.witness import Witness


def _add_somebody(company: Company, uow: UnitOfWork) -> Contact:
    return add_contact(uow, company.customer_rows["customer_id"], name="新人")  # type: ignore[arg-type]


def test_what_was_saved_is_told(company: Company, witness: Witness) -> None:
    assert witness.changed() == []
    with company.story.begin() as uow:
        contact_id = _add_somebody(company, uow).id
    assert set(witness.changed()) == {"contact", "audit_entry"}
    assert witness.changed(without=("contact", "audit_entry")) == []
    assert set(witness.changed()) == {"contact", "audit_entry"}

    witness.look()
    assert witness.changed() == []
    with company.story.begin() as uow:
        uow.session.execute(update(Contact).where(Contact.id == contact_id).values(name="改名"))
    assert witness.changed() == ["contact"]

    witness.look()
    with company.story.begin() as uow:
        remove_contact(uow, contact_id)
    assert set(witness.changed()) == {"contact", "audit_entry"}


def test_what_was_undone_is_no_change(company: Company, witness: Witness) -> None:
    with pytest.raises(LookupError), company.story.begin() as uow:
        _add_somebody(company, uow)
        raise LookupError
    assert witness.changed() == []
    with company.story.begin() as uow:
        uow.session.execute(update(Contact).values(name=Contact.name))
    assert witness.changed() == []
