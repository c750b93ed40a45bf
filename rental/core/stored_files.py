"""Which files are kept, under which name and type they are handed out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from rental.core.db import Base
from rental.core.ids import new_id
from rental.core.uow import UnitOfWork


class StoredFile(Base):
    """That these bytes are kept, under which name and type they are handed out."""

    __tablename__ = "stored_file"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    byte_count: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    download_name: Mapped[str] = mapped_column(String(200))
    stored_at: Mapped[datetime]


def keep_file(uow: UnitOfWork, content: bytes, *, media_type: str, download_name: str) -> StoredFile:
    """The bytes are stored first, the row with the rest of the transaction: a row never lacks its bytes."""
    file = StoredFile(
        id=new_id(),
        sha256=uow.files.put(content),
        byte_count=len(content),
        media_type=media_type,
        download_name=download_name,
        stored_at=uow.now,
    )
    uow.session.add(file)
    uow.session.flush()
    return file
