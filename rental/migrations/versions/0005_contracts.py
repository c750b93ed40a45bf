"""Contracts, their lines and slots, and which unit filled a slot when."""

import sqlalchemy as sa
from alembic import op

revision = "0005_contracts"
down_revision = "0004_stock"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state", _one_of("contractstate", "draft", "active", "cancelled_before_start"), nullable=False
        ),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("wanted_on", sa.Date(), nullable=False),
        sa.Column("monthly_fee", sa.BigInteger(), nullable=False),
        sa.Column("slot_count", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'active') = (effective_on IS NOT NULL)", name="ck_contract_active_from_a_day"
        ),
        sa.ForeignKeyConstraint(
            ["billing_account_id"], ["billing_account.id"], name="fk_contract_billing_account_id"
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_contract_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contract"),
        sa.UniqueConstraint("number", name="uq_contract_number"),
    )
    op.create_index("ix_contract_billing_account_id", "contract", ["billing_account_id"])
    op.create_index("ix_contract_by_state", "contract", ["state", "number"])
    op.create_index("ix_contract_customer_id", "contract", ["customer_id"])
    op.create_table(
        "contract_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column(
            "from_state", _one_of("from_state", "draft", "active", "cancelled_before_start"), nullable=True
        ),
        sa.Column(
            "to_state", _one_of("to_state", "draft", "active", "cancelled_before_start"), nullable=False
        ),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="fk_contract_step_contract_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contract_step"),
    )
    op.create_index("ix_contract_step_of_contract", "contract_step", ["contract_id", "id"])
    op.create_table(
        "term",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("renewal", _one_of("renewalpolicy", "auto", "confirm", "expire"), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("(starts_on IS NULL) = (ends_on IS NULL)", name="ck_term_both_days_or_none"),
        sa.CheckConstraint("ends_on > starts_on", name="ck_term_ends_after_start"),
        sa.CheckConstraint("months BETWEEN 1 AND 120", name="ck_term_months_in_ten_years"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="fk_term_contract_id"),
        sa.PrimaryKeyConstraint("id", name="pk_term"),
        sa.UniqueConstraint("contract_id", "sequence", name="uq_term_contract_id_sequence"),
    )
    op.create_index("ix_term_ends_on", "term", ["ends_on"])
    op.create_table(
        "contract_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("equipment_model_id", sa.Uuid(), nullable=False),
        sa.Column("rate_plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("monthly_fee", sa.BigInteger(), nullable=False),
        sa.Column(
            "tax_class", _one_of("taxclass", "standard", "reduced", "exempt", "out_of_scope"), nullable=False
        ),
        sa.Column(
            "start_policy",
            _one_of("startpolicy", "contract_start", "installation", "next_month", "after_trial"),
            nullable=False,
        ),
        sa.Column(
            "stop_policy",
            _one_of("stoppolicy", "contract_end", "retrieval", "agreed_end", "month_end"),
            nullable=False,
        ),
        sa.Column("trial_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("monthly_fee >= 0", name="ck_contract_line_fee_not_negative"),
        sa.CheckConstraint("quantity >= 1", name="ck_contract_line_at_least_one"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="fk_contract_line_contract_id"),
        sa.ForeignKeyConstraint(
            ["equipment_model_id"], ["equipment_model.id"], name="fk_contract_line_equipment_model_id"
        ),
        sa.ForeignKeyConstraint(
            ["rate_plan_version_id"], ["rate_plan_version.id"], name="fk_contract_line_rate_plan_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_contract_line"),
        sa.UniqueConstraint("contract_id", "position", name="uq_contract_line_contract_id_position"),
    )
    op.create_index("ix_contract_line_equipment_model_id", "contract_line", ["equipment_model_id"])
    op.create_table(
        "slot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_line_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", _one_of("slotstate", "planned", "awaiting_install", "in_service"), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'in_service') = (started_on IS NOT NULL)", name="ck_slot_in_service_from_a_day"
        ),
        sa.ForeignKeyConstraint(["contract_line_id"], ["contract_line.id"], name="fk_slot_contract_line_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_slot_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_slot"),
        sa.UniqueConstraint("contract_line_id", "position", name="uq_slot_contract_line_id_position"),
    )
    op.create_index("ix_slot_site_id", "slot", ["site_id"])
    op.create_table(
        "line_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_line_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", _one_of("lineeventkind", "start"), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_line_id"], ["contract_line.id"], name="fk_line_event_contract_line_id"
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name="fk_line_event_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_line_event"),
        sa.UniqueConstraint(
            "contract_line_id", "effective_on", "seq", name="uq_line_event_contract_line_id_effective_on_seq"
        ),
    )
    op.create_index("ix_line_event_slot_id", "line_event", ["slot_id"])
    op.create_table(
        "placement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", _one_of("placementreason", "installed"), nullable=False),
        sa.Column("install_movement_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("removed_at > placed_at", name="ck_placement_ends_after_start"),
        sa.ForeignKeyConstraint(
            ["install_movement_id"], ["movement.id"], name="fk_placement_install_movement_id"
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name="fk_placement_slot_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_placement_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_placement"),
        sa.UniqueConstraint("install_movement_id", name="uq_placement_install_movement_id"),
    )
    op.create_index("ix_placement_slot_id", "placement", ["slot_id"])
    op.create_index("ix_placement_unit_id", "placement", ["unit_id"])
    op.create_index(
        "uq_placement_open_slot",
        "placement",
        ["slot_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "uq_placement_open_unit",
        "placement",
        ["unit_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_placement_open_unit",
        table_name="placement",
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.drop_index(
        "uq_placement_open_slot",
        table_name="placement",
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.drop_index("ix_placement_unit_id", table_name="placement")
    op.drop_index("ix_placement_slot_id", table_name="placement")
    op.drop_table("placement")
    op.drop_index("ix_line_event_slot_id", table_name="line_event")
    op.drop_table("line_event")
    op.drop_index("ix_slot_site_id", table_name="slot")
    op.drop_table("slot")
    op.drop_index("ix_contract_line_equipment_model_id", table_name="contract_line")
    op.drop_table("contract_line")
    op.drop_index("ix_term_ends_on", table_name="term")
    op.drop_table("term")
    op.drop_index("ix_contract_step_of_contract", table_name="contract_step")
    op.drop_table("contract_step")
    op.drop_index("ix_contract_customer_id", table_name="contract")
    op.drop_index("ix_contract_by_state", table_name="contract")
    op.drop_index("ix_contract_billing_account_id", table_name="contract")
    op.drop_table("contract")
