"""What an account is sent an invoice of its own for: all it owes, each contract, or each site."""

from alembic import op

revision = "0017_consolidation"
down_revision = "0016_papers"


def upgrade() -> None:
    """Whoever was billed so far had one document a closing, and keeps it."""
    op.execute(
        "ALTER TABLE billing_account ADD COLUMN consolidation VARCHAR(40) DEFAULT 'per_account' NOT NULL "
        "CONSTRAINT consolidation CHECK (consolidation IN ('per_account', 'per_contract', 'per_site'))"
    )


def downgrade() -> None:
    op.drop_column("billing_account", "consolidation")
