"""Closings that a person stops, approves or looks at; the company's limits; what moved recurring revenue."""

import sqlalchemy as sa
from alembic import op

revision = "0012_closings"
down_revision = "0011_documents"

_MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")


def upgrade() -> None:
    op.add_column("billing_run", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("billing_run", sa.Column("stopped_by", sa.String(length=200), nullable=True))
    op.add_column(
        "billing_run", sa.Column("awaits_approval", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("billing_run", sa.Column("asked_by_id", sa.Uuid(), nullable=True))
    op.add_column("billing_run", sa.Column("approved_by", sa.String(length=200), nullable=True))
    with op.batch_alter_table("billing_run") as table:
        table.alter_column("awaits_approval", server_default=None)
    with op.batch_alter_table("billing_item") as table:
        table.drop_constraint("itemstate", type_="check")
        table.create_check_constraint("itemstate", "state IN ('todo', 'done', 'parked', 'held')")
        table.add_column(sa.Column("asked_by_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("approved_total", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("approved_by", sa.String(length=200), nullable=True))
    op.create_table(
        "billing_limits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=True),
        sa.Column("times_from", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_billing_limits_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_limits"),
    )
    op.create_table(
        "recurring_movement",
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column(
            "movement",
            sa.Enum(*_MOVEMENTS, name="movement", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="ck_recurring_movement_moves_something"),
        sa.CheckConstraint("revenue >= 0", name="ck_recurring_movement_never_below_nothing"),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name="fk_recurring_movement_slot_id"),
        sa.PrimaryKeyConstraint("slot_id", "month", name="pk_recurring_movement"),
    )
    op.create_index("ix_recurring_movement_month", "recurring_movement", ["month"])


def downgrade() -> None:
    op.drop_index("ix_recurring_movement_month", table_name="recurring_movement")
    op.drop_table("recurring_movement")
    op.drop_table("billing_limits")
    op.execute("UPDATE billing_item SET state = 'parked' WHERE state = 'held'")
    with op.batch_alter_table("billing_item") as table:
        table.drop_column("approved_by")
        table.drop_column("approved_total")
        table.drop_column("asked_by_id")
        table.drop_constraint("itemstate", type_="check")
        table.create_check_constraint("itemstate", "state IN ('todo', 'done', 'parked')")
    for name in ("approved_by", "asked_by_id", "awaits_approval", "stopped_by", "stopped_at"):
        op.drop_column("billing_run", name)
