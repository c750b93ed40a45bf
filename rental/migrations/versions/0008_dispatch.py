"""Bases, technicians with skills and shifts, and the routes of a day."""

import sqlalchemy as sa
from alembic import op

revision = "0008_dispatch"
down_revision = "0007_ledgers"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "operating_base",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180",
            name="ck_operating_base_position_on_earth",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_operating_base"),
        sa.UniqueConstraint("code", name="uq_operating_base_code"),
    )
    op.create_table(
        "route_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("not_before", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            _one_of("planstate", "requested", "running", "draft", "published", "superseded", "failed"),
            nullable=False,
        ),
        sa.Column("requested_by_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.String(length=200), nullable=True),
        sa.Column("seconds_allowed", sa.Integer(), nullable=False),
        sa.Column("inputs_hash", sa.String(length=64), nullable=True),
        sa.Column("travel_source", sa.String(length=100), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("cost_parts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("fault_count", sa.Integer(), nullable=True),
        sa.Column(
            "failure", _one_of("planfailure", "nobody_at_work", "bad_facts", "check_failed"), nullable=True
        ),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'failed') = (failure IS NOT NULL)", name="ck_route_plan_failed_has_reason"
        ),
        sa.CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name="ck_route_plan_published_at_known"
        ),
        sa.CheckConstraint(
            "state NOT IN ('draft', 'published', 'superseded')"
            " OR (cost IS NOT NULL AND inputs_hash IS NOT NULL AND fault_count = 0)",
            name="ck_route_plan_kept_was_checked",
        ),
        sa.CheckConstraint("not_before BETWEEN 0 AND 1440", name="ck_route_plan_not_before_within_a_day"),
        sa.CheckConstraint("seconds_allowed BETWEEN 1 AND 120", name="ck_route_plan_seconds_of_patience"),
        sa.ForeignKeyConstraint(["requested_by_id"], ["account.id"], name="fk_route_plan_requested_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_route_plan"),
        sa.UniqueConstraint("number", name="uq_route_plan_number"),
    )
    op.create_index("ix_route_plan_of_day", "route_plan", ["planned_on", "number"])
    op.create_table(
        "technician",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("base_id", sa.Uuid(), nullable=False),
        sa.Column("hourly_cost", sa.BigInteger(), nullable=False),
        sa.Column("max_overtime", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("hourly_cost >= 0", name="ck_technician_cost_not_negative"),
        sa.CheckConstraint("max_overtime BETWEEN 0 AND 240", name="ck_technician_overtime_of_a_day"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_technician_account_id"),
        sa.ForeignKeyConstraint(["base_id"], ["operating_base.id"], name="fk_technician_base_id"),
        sa.PrimaryKeyConstraint("account_id", name="pk_technician"),
    )
    op.create_index("ix_technician_base_id", "technician", ["base_id"])
    op.create_table(
        "day_off",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("off_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["technician.account_id"], name="fk_day_off_account_id"),
        sa.PrimaryKeyConstraint("account_id", "off_on", name="pk_day_off"),
    )
    op.create_table(
        "plan_progress",
        sa.Column("route_plan_id", sa.Uuid(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["route_plan_id"], ["route_plan.id"], name="fk_plan_progress_route_plan_id"),
        sa.PrimaryKeyConstraint("route_plan_id", "milliseconds", name="pk_plan_progress"),
    )
    op.create_table(
        "plan_route",
        sa.Column("route_plan_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "absence", _one_of("absence", "not_set_up", "day_off", "no_shift", "shift_over"), nullable=True
        ),
        sa.Column("base_id", sa.Uuid(), nullable=True),
        sa.Column("shift_starts", sa.Integer(), nullable=True),
        sa.Column("shift_ends", sa.Integer(), nullable=True),
        sa.Column("leaves", sa.Integer(), nullable=True),
        sa.Column("returns", sa.Integer(), nullable=True),
        sa.Column("break_starts", sa.Integer(), nullable=True),
        sa.Column("break_ends", sa.Integer(), nullable=True),
        sa.Column("home_minutes", sa.Integer(), nullable=False),
        sa.Column("home_metres", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(absence IS NULL) = (shift_starts IS NOT NULL)", name="ck_plan_route_at_work_or_absent"
        ),
        sa.ForeignKeyConstraint(["base_id"], ["operating_base.id"], name="fk_plan_route_base_id"),
        sa.ForeignKeyConstraint(["route_plan_id"], ["route_plan.id"], name="fk_plan_route_route_plan_id"),
        sa.ForeignKeyConstraint(["technician_id"], ["account.id"], name="fk_plan_route_technician_id"),
        sa.PrimaryKeyConstraint("route_plan_id", "technician_id", name="pk_plan_route"),
        sa.UniqueConstraint("route_plan_id", "position", name="uq_plan_route_route_plan_id_position"),
    )
    op.create_table(
        "shift",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("break_minutes", sa.Integer(), nullable=False),
        sa.Column("break_from", sa.Integer(), nullable=False),
        sa.Column("break_until", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "break_minutes = 0 OR (break_minutes BETWEEN 1 AND 120 AND starts <= break_from"
            " AND break_from <= break_until AND break_until + break_minutes <= ends)",
            name="ck_shift_break_within_shift",
        ),
        sa.CheckConstraint(
            "starts >= 0 AND starts < ends AND ends <= 1440", name="ck_shift_shift_within_a_day"
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="ck_shift_weekday_of_a_week"),
        sa.ForeignKeyConstraint(["account_id"], ["technician.account_id"], name="fk_shift_account_id"),
        sa.PrimaryKeyConstraint("account_id", "weekday", name="pk_shift"),
    )
    op.create_table(
        "technician_skill",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("skill_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name="ck_technician_skill_level_of_three"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["technician.account_id"], name="fk_technician_skill_account_id"
        ),
        sa.ForeignKeyConstraint(["skill_id"], ["skill.id"], name="fk_technician_skill_skill_id"),
        sa.PrimaryKeyConstraint("account_id", "skill_id", name="pk_technician_skill"),
    )
    op.create_table(
        "plan_stop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("route_plan_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("is_fixed", sa.Boolean(), nullable=False),
        sa.Column("arrives", sa.Integer(), nullable=False),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("travel_minutes", sa.Integer(), nullable=False),
        sa.Column("travel_metres", sa.Integer(), nullable=False),
        sa.CheckConstraint("arrives <= starts AND starts <= ends", name="ck_plan_stop_times_in_order"),
        sa.ForeignKeyConstraint(["route_plan_id"], ["route_plan.id"], name="fk_plan_stop_route_plan_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_plan_stop_site_id"),
        sa.ForeignKeyConstraint(["technician_id"], ["account.id"], name="fk_plan_stop_technician_id"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_plan_stop_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_stop"),
        sa.UniqueConstraint(
            "route_plan_id",
            "technician_id",
            "position",
            name="uq_plan_stop_route_plan_id_technician_id_position",
        ),
    )
    op.create_table(
        "plan_left_out",
        sa.Column("route_plan_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            _one_of(
                "leftoutreason",
                "no_position",
                "closed",
                "no_skill",
                "pinned",
                "forbidden",
                "unreachable",
                "too_long",
                "window",
                "no_time",
                "not_worth",
            ),
            nullable=False,
        ),
        sa.Column(
            "cure",
            _one_of("curekind", "overtime", "other_time", "other_person", "higher_value"),
            nullable=True,
        ),
        sa.Column("cure_yen", sa.BigInteger(), nullable=True),
        sa.Column("cure_technician_id", sa.Uuid(), nullable=True),
        sa.Column("cure_starts", sa.Integer(), nullable=True),
        sa.Column("cure_minutes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cure_technician_id"], ["account.id"], name="fk_plan_left_out_cure_technician_id"
        ),
        sa.ForeignKeyConstraint(["route_plan_id"], ["route_plan.id"], name="fk_plan_left_out_route_plan_id"),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name="fk_plan_left_out_work_order_id"),
        sa.PrimaryKeyConstraint("route_plan_id", "work_order_id", name="pk_plan_left_out"),
    )
    op.create_table(
        "plan_stop_order",
        sa.Column("plan_stop_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["plan_stop_id"], ["plan_stop.id"], name="fk_plan_stop_order_plan_stop_id"),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name="fk_plan_stop_order_work_order_id"
        ),
        sa.PrimaryKeyConstraint("plan_stop_id", "work_order_id", name="pk_plan_stop_order"),
    )


def downgrade() -> None:
    op.drop_table("plan_stop_order")
    op.drop_table("plan_left_out")
    op.drop_table("plan_stop")
    op.drop_table("technician_skill")
    op.drop_table("shift")
    op.drop_table("plan_route")
    op.drop_table("plan_progress")
    op.drop_table("day_off")
    op.drop_index("ix_technician_base_id", table_name="technician")
    op.drop_table("technician")
    op.drop_index("ix_route_plan_of_day", table_name="route_plan")
    op.drop_table("route_plan")
    op.drop_table("operating_base")
