"""What the accounts of the books are called: each company has words of its own for them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from rental.billing.book_models import LedgerAccountName
from rental.billing.rules.journals import LedgerAccount
from rental.core.errors import ChangedMeanwhile
from rental.core.text import tidy
from rental.core.uow import UnitOfWork
from rental.customers.rules import require_line

# As long as the accounting programs take.
NAME_MAX_LENGTH = 24


def account_names(session: Session) -> Sequence[LedgerAccountName]:
    """Every account with its name, in the order in which the product knows them."""
    names = {row.account: row for row in session.scalars(select(LedgerAccountName))}
    return [names[account] for account in LedgerAccount if account in names]


def name_of(session: Session, account: LedgerAccount) -> LedgerAccountName:
    """What one account is called."""
    return session.get_one(LedgerAccountName, account)


def rename_account(uow: UnitOfWork, account: LedgerAccount, *, name: str, version: int) -> LedgerAccountName:
    """The account is called so from now on. `version` is that of the name that was looked at.

    Two accounts may share a name: a company may keep them as one. Raises Missing, TooLong, ChangedMeanwhile.
    """
    statement = select(LedgerAccountName).where(LedgerAccountName.account == account).with_for_update()
    row = uow.session.scalars(statement).one()
    if version != row.version:
        raise ChangedMeanwhile
    name = tidy(name)
    require_line(name, "name", NAME_MAX_LENGTH)
    row.name = name
    uow.session.flush()
    return row
