"""Gap-free numbers: a counter row changed in the transaction that uses the number.

Take the number as the last lock before the commit: whoever waits for the same series waits until then. When
the transaction is undone, so is the number, and the next one gets it.
"""

from sqlalchemy import BigInteger, String
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, mapped_column

from rental.core.db import Base
from rental.core.uow import UnitOfWork


class Counter(Base):
    """The number a series gives out next; the first is 1."""

    __tablename__ = "counter"
    __audited__ = False

    series: Mapped[str] = mapped_column(String(200), primary_key=True)
    next_number: Mapped[int] = mapped_column(BigInteger)


def next_number(uow: UnitOfWork, series: str) -> int:
    """The next number of the series, without gaps and without duplicates."""
    return next_block(uow, series, 1).start


def number_of_year(uow: UnitOfWork, series: str, head: str) -> str:
    """The next number of this year's series, as documents bear it: CN-2026-00000001."""
    year = uow.today.year
    return f"{head}-{year}-{next_number(uow, f'{series}:{year}'):08}"


def next_block(uow: UnitOfWork, series: str, count: int) -> range:
    """The next `count` numbers of the series, as one block. Raises ValueError when count is not positive."""
    if count < 1:
        raise ValueError("a block has at least one number")
    insert = insert_sqlite if uow.session.get_bind().dialect.name == "sqlite" else insert_postgresql
    after: int = uow.session.execute(
        insert(Counter)
        .values(series=series, next_number=1 + count)
        .on_conflict_do_update(
            index_elements=[Counter.series], set_={"next_number": Counter.next_number + count}
        )
        .returning(Counter.next_number)
    ).scalar_one()
    return range(after - count, after)
