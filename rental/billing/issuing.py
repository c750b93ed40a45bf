"""Who issues our invoices, as it stands on them."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.models import CompanyProfile
from rental.billing.rules.runs import NoIssuer
from rental.core.errors import ChangedMeanwhile
from rental.core.text import tidy
from rental.core.uow import UnitOfWork
from rental.customers import rules
from rental.customers.rules import CustomerKind, Missing

BANK_ACCOUNT_MAX_LENGTH = 400
_SHOWN = ("name", "registration_number", "postal_code", "address", "phone", "email", "bank_account")


def company_profile(session: Session) -> CompanyProfile | None:
    """What is known of ourselves."""
    return session.scalar(select(CompanyProfile))


def the_issuer(session: Session) -> dict[str, Any]:
    """What stands of us on an invoice. Raises NoIssuer."""
    profile = company_profile(session)
    if profile is None:
        raise NoIssuer
    return {name: getattr(profile, name) for name in _SHOWN}


def describe_company(
    uow: UnitOfWork,
    *,
    name: str,
    registration_number: str,
    address: str,
    bank_account: str,
    postal_code: str = "",
    phone: str = "",
    email: str = "",
    version: int = 0,
) -> CompanyProfile:
    """Say who issues invoices from now on; those that are finalised keep what stood there then.

    `version` is that of the profile that was looked at, 0 when there was none.
    Raises Missing, TooLong, NotARegistrationNumber, WrongCheckDigit and the like; ChangedMeanwhile.
    """
    profile = uow.session.scalar(select(CompanyProfile).with_for_update())
    if version != (profile.version if profile else 0):
        raise ChangedMeanwhile
    name, address, bank_account = tidy(name), tidy(address), tidy(bank_account)
    rules.require_line(name, "name", rules.NAME_MAX_LENGTH)
    rules.require_line(address, "address", rules.ADDRESS_MAX_LENGTH)
    number = rules.registration_number_of(registration_number, CustomerKind.CORPORATION)
    if number is None:
        raise Missing("registration_number")
    rules.require_line(bank_account, "bank_account", BANK_ACCOUNT_MAX_LENGTH)

    if profile is None:
        profile = CompanyProfile(id=1)
        uow.session.add(profile)
    profile.name, profile.address, profile.bank_account = name, address, bank_account
    profile.registration_number = number
    profile.postal_code = rules.postal_code_of(postal_code)
    profile.phone = rules.phone_of(phone)
    profile.email = rules.email_of(email)
    uow.session.flush()
    return profile
