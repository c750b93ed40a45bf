"""Invoices of which something is owed are found by the day they are due."""

import sqlalchemy as sa
from alembic import op

revision = "0018_owed"
down_revision = "0017_consolidation"

_IS_OWED = sa.text("balance > 0")


def upgrade() -> None:
    op.create_index(
        "ix_invoice_owed", "invoice", ["due_on", "id"], sqlite_where=_IS_OWED, postgresql_where=_IS_OWED
    )


def downgrade() -> None:
    op.drop_index("ix_invoice_owed", "invoice")
