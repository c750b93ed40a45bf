"""Skills, equipment models and rate plans."""

import sqlalchemy as sa
from alembic import op

revision = "0003_catalog"
down_revision = "0002_customers"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "skill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_skill"),
        sa.UniqueConstraint("code", name="uq_skill_code"),
    )
    op.create_table(
        "equipment_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("search_name", sa.String(length=400), nullable=False),
        sa.Column("maker", sa.String(length=100), nullable=False),
        sa.Column("category", sa.String(length=10), nullable=False),
        sa.Column("state", _one_of("offerstate", "offered", "withdrawn"), nullable=False),
        sa.Column("install_minutes", sa.Integer(), nullable=False),
        sa.Column("repair_minutes", sa.Integer(), nullable=False),
        sa.Column("purchase_price", sa.BigInteger(), nullable=True),
        sa.Column("litres", sa.Integer(), nullable=True),
        sa.Column("weight_grams", sa.Integer(), nullable=True),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "install_minutes BETWEEN 0 AND 1440", name="ck_equipment_model_install_minutes_in_a_day"
        ),
        sa.CheckConstraint(
            "repair_minutes BETWEEN 0 AND 1440", name="ck_equipment_model_repair_minutes_in_a_day"
        ),
        sa.ForeignKeyConstraint(["photo_id"], ["stored_file.id"], name="fk_equipment_model_photo_id"),
        sa.PrimaryKeyConstraint("id", name="pk_equipment_model"),
        sa.UniqueConstraint("code", name="uq_equipment_model_code"),
    )
    op.create_table(
        "equipment_model_skill",
        sa.Column("equipment_model_id", sa.Uuid(), nullable=False),
        sa.Column("skill_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_model_id"], ["equipment_model.id"], name="fk_equipment_model_skill_equipment_model_id"
        ),
        sa.ForeignKeyConstraint(["skill_id"], ["skill.id"], name="fk_equipment_model_skill_skill_id"),
        sa.PrimaryKeyConstraint("equipment_model_id", "skill_id", name="pk_equipment_model_skill"),
    )
    op.create_table(
        "rate_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("equipment_model_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", _one_of("offerstate", "offered", "withdrawn"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_model_id"], ["equipment_model.id"], name="fk_rate_plan_equipment_model_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rate_plan"),
        sa.UniqueConstraint("equipment_model_id", "code", name="uq_rate_plan_equipment_model_id_code"),
    )
    op.create_table(
        "rate_plan_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rate_plan_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
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
        sa.Column("minimum_months", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(start_policy = 'after_trial') = (trial_days > 0)", name="ck_rate_plan_version_trial_has_days"
        ),
        sa.CheckConstraint(
            "minimum_months BETWEEN 0 AND 120", name="ck_rate_plan_version_minimum_months_in_ten_years"
        ),
        sa.CheckConstraint("monthly_fee >= 0", name="ck_rate_plan_version_fee_not_negative"),
        sa.ForeignKeyConstraint(["rate_plan_id"], ["rate_plan.id"], name="fk_rate_plan_version_rate_plan_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rate_plan_version"),
        sa.UniqueConstraint(
            "rate_plan_id", "valid_from", name="uq_rate_plan_version_rate_plan_id_valid_from"
        ),
    )


def downgrade() -> None:
    op.drop_table("rate_plan_version")
    op.drop_table("rate_plan")
    op.drop_table("equipment_model_skill")
    op.drop_table("equipment_model")
    op.drop_table("skill")
