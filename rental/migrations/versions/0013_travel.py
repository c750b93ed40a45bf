"""Ways measured on roads, kept; and which ways of a plan are only estimated."""

import sqlalchemy as sa
from alembic import op

revision = "0013_travel"
down_revision = "0012_closings"


def upgrade() -> None:
    op.create_table(
        "travel_pair",
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("from_place", sa.String(length=24), nullable=False),
        sa.Column("to_place", sa.String(length=24), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("metres", sa.Integer(), nullable=False),
        sa.Column("is_possible", sa.Boolean(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "from_place", "to_place", name="pk_travel_pair"),
    )
    for table, name in (("plan_stop", "travel_is_estimated"), ("plan_route", "home_is_estimated")):
        op.add_column(table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("plan_route", "home_is_estimated")
    op.drop_column("plan_stop", "travel_is_estimated")
    op.drop_table("travel_pair")
