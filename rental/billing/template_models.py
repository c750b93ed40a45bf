"""How documents look: the company's templates, and which accounts have one of their own."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rental.billing.rules.looks import LOGO_MAX_LENGTH, NAME_MAX_LENGTH, NOTE_MAX_LENGTH, PaperLanguage
from rental.core.db import Base, text_enum
from rental.core.ids import new_id
from rental.customers.models import BillingAccount


class DocumentTemplate(Base):
    """A look by its name. One at most is the company's; without it documents look as they come with us."""

    __tablename__ = "document_template"
    __table_args__ = (
        Index(
            "ix_document_template_default",
            "is_default",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME_MAX_LENGTH), unique=True)
    language: Mapped[PaperLanguage] = mapped_column(text_enum(PaperLanguage))
    logo: Mapped[str] = mapped_column(String(LOGO_MAX_LENGTH))
    note: Mapped[str] = mapped_column(String(NOTE_MAX_LENGTH))
    has_unit_price: Mapped[bool]
    has_details: Mapped[bool]
    is_default: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class AccountTemplate(Base):
    """That the documents of an account look other than the company's."""

    __tablename__ = "account_template"

    billing_account_id: Mapped[UUID] = mapped_column(ForeignKey(BillingAccount.id), primary_key=True)
    document_template_id: Mapped[UUID] = mapped_column(ForeignKey(DocumentTemplate.id), index=True)

    template: Mapped[DocumentTemplate] = relationship()
