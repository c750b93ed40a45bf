"""Accounts, their roles, their open sessions and the links that let them in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.identity.permissions import Permission, Role, permissions_of
from rental.identity.rules import AccountState, SessionKind


class Account(Base):
    """Somebody who signs in. No password hash until the set-up link was used."""

    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254))
    normalised_email: Mapped[str] = mapped_column(String(254), unique=True, info={"derived": True})
    name: Mapped[str] = mapped_column(String(100))
    search_name: Mapped[str] = mapped_column(String(300), info={"derived": True})
    state: Mapped[AccountState] = mapped_column(text_enum(AccountState), default=AccountState.INVITED)
    language: Mapped[str] = mapped_column(String(5), default="ja")
    theme: Mapped[str] = mapped_column(String(10), default="system")
    density: Mapped[str] = mapped_column(String(10), default="standard")
    password_hash: Mapped[str | None] = mapped_column(String(200), info={"secret": True})
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    role_rows: Mapped[list["AccountRole"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="AccountRole.role"
    )

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(row.role for row in self.role_rows)

    def may(self, permission: Permission) -> bool:
        return permission in permissions_of(self.roles)


class AccountRole(Base):
    """One role of one account."""

    __tablename__ = "account_role"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    role: Mapped[Role] = mapped_column(text_enum(Role), primary_key=True)


class AccountSession(Base):
    """A signed-in browser or phone. The cookie holds the token, this row only its hash."""

    __tablename__ = "account_session"
    __audited__ = False
    __table_args__ = (Index("ix_account_session_open", "account_id", "ended_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[SessionKind] = mapped_column(text_enum(SessionKind))
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))
    opened_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined")


class SetUpLink(Base):
    """A one-time link to choose a password. `used_at` is set when it was used or taken back."""

    __tablename__ = "set_up_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info={"secret": True})
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()


class SignInThrottle(Base):
    """Refused sign-ins in a row for one e-mail at one address, or for one address over all e-mails."""

    __tablename__ = "sign_in_throttle"
    __audited__ = False

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failure_count: Mapped[int]
    last_failed_at: Mapped[datetime] = mapped_column(index=True)
    wait_until: Mapped[datetime]
