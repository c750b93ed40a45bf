"""Whether prices agreed with an account hold the tax."""

from alembic import op

revision = "0020_price_mode"
down_revision = "0019_grace"


def upgrade() -> None:
    """Every fee agreed so far is without tax."""
    op.execute(
        "ALTER TABLE billing_account ADD COLUMN price_mode VARCHAR(40) DEFAULT 'exclusive' NOT NULL "
        "CONSTRAINT pricemode CHECK (price_mode IN ('exclusive', 'inclusive'))"
    )


def downgrade() -> None:
    op.drop_column("billing_account", "price_mode")
