"""Invoices may stay drafts for some days after a closing was opened."""

import sqlalchemy as sa
from alembic import op

revision = "0019_grace"
down_revision = "0018_owed"


def upgrade() -> None:
    op.add_column("billing_run", sa.Column("drafts_until", sa.Date()))
    op.add_column("billing_limits", sa.Column("grace_days", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("billing_limits", "grace_days")
    op.drop_column("billing_run", "drafts_until")
