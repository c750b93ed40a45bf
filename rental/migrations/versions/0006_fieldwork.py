"""Work orders, visits, and the commands of people on site."""

import sqlalchemy as sa
from alembic import op

revision = "0006_fieldwork"
down_revision = "0005_contracts"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


_KNOWN_NOTICES = ("password_set", "roles_changed", "signed_in_somewhere_new", "check_found_problems")


def _let_notices_be(*kinds: str) -> None:
    """SQLite loses its CHECK when the table is copied; PostgreSQL must be told to drop it."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("noticekind", "notice", type_="check")
    with op.batch_alter_table("notice") as table:
        table.create_check_constraint("noticekind", sa.column("kind").in_(kinds))


def upgrade() -> None:
    op.create_table(
        "field_device",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_field_device_account_id"),
        sa.PrimaryKeyConstraint("account_id", "device", name="pk_field_device"),
    )
    op.create_table(
        "field_command",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("base_revision", sa.Integer(), nullable=True),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("device_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", _one_of("commandstatus", "applied", "conflict", "rejected"), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "device"],
            ["field_device.account_id", "field_device.device"],
            name="fk_field_command_account_id_device",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_field_command_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_field_command"),
        sa.UniqueConstraint("account_id", "device", "seq", name="uq_field_command_account_id_device_seq"),
    )
    op.create_index("ix_field_command_by_status", "field_command", ["status", "received_at"])
    op.create_index("ix_field_command_of_order", "field_command", ["work_order_id", "received_at"])
    op.create_table(
        "conflict_decision",
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", _one_of("conflictoutcome", "noted", "corrected"), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_conflict_decision_account_id"),
        sa.ForeignKeyConstraint(["command_id"], ["field_command.id"], name="fk_conflict_decision_command_id"),
        sa.PrimaryKeyConstraint("command_id", name="pk_conflict_decision"),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            _one_of("visitstate", "planned", "published", "en_route", "on_site", "left", "cancelled"),
            nullable=False,
        ),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_at BETWEEN 0 AND 1439", name="ck_visit_starts_within_a_day"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_visit_site_id"),
        sa.ForeignKeyConstraint(["technician_id"], ["account.id"], name="fk_visit_technician_id"),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
    )
    op.create_index("ix_visit_of_day", "visit", ["technician_id", "planned_on", "starts_at"])
    op.create_index("ix_visit_planned_on", "visit", ["planned_on"])
    op.create_index("ix_visit_site_id", "visit", ["site_id"])
    op.create_table(
        "work_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", _one_of("workorderkind", "installation"), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            _one_of(
                "workorderstate",
                "draft",
                "ready",
                "planned",
                "dispatched",
                "en_route",
                "on_site",
                "blocked",
                "done",
                "cancelled",
            ),
            nullable=False,
        ),
        sa.Column("wanted_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("follows_id", sa.Uuid(), nullable=True),
        sa.Column(
            "block_reason",
            _one_of("blockreason", "absent", "no_way_in", "faulty_unit", "no_power", "customer", "time"),
            nullable=True,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'blocked') = (block_reason IS NOT NULL)", name="ck_work_order_blocked_has_reason"
        ),
        sa.CheckConstraint("minutes BETWEEN 0 AND 1440", name="ck_work_order_minutes_in_a_day"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="fk_work_order_contract_id"),
        sa.ForeignKeyConstraint(["follows_id"], ["work_order.id"], name="fk_work_order_follows_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_work_order_site_id"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_work_order_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_work_order"),
        sa.UniqueConstraint("number", name="uq_work_order_number"),
    )
    op.create_index("ix_work_order_by_state", "work_order", ["state", "wanted_on", "number"])
    op.create_index("ix_work_order_contract_id", "work_order", ["contract_id"])
    op.create_index("ix_work_order_finished_at", "work_order", ["finished_at"])
    op.create_index("ix_work_order_site_id", "work_order", ["site_id"])
    op.create_index("ix_work_order_visit_id", "work_order", ["visit_id"])
    op.create_table(
        "work_order_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name="fk_work_order_note_work_order_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_note"),
    )
    op.create_index("ix_work_order_note_work_order_id", "work_order_note", ["work_order_id"])
    op.create_table(
        "work_order_photo",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("photokind", "before", "after", "nameplate", "damage"), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_work_order_photo_file_id"),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name="fk_work_order_photo_work_order_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_photo"),
    )
    op.create_index("ix_work_order_photo_work_order_id", "work_order_photo", ["work_order_id"])
    op.create_table(
        "work_order_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column(
            "from_state",
            _one_of(
                "from_state",
                "draft",
                "ready",
                "planned",
                "dispatched",
                "en_route",
                "on_site",
                "blocked",
                "done",
                "cancelled",
            ),
            nullable=True,
        ),
        sa.Column(
            "to_state",
            _one_of(
                "to_state",
                "draft",
                "ready",
                "planned",
                "dispatched",
                "en_route",
                "on_site",
                "blocked",
                "done",
                "cancelled",
            ),
            nullable=False,
        ),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name="fk_work_order_step_work_order_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_step"),
    )
    op.create_index("ix_work_order_step_of_order", "work_order_step", ["work_order_id", "id"])
    op.create_table(
        "work_order_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_model_id", sa.Uuid(), nullable=False),
        sa.Column("state", _one_of("itemstate", "open", "scanned", "installed", "left"), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state NOT IN ('scanned', 'installed') OR unit_id IS NOT NULL",
            name="ck_work_order_item_scanned_has_unit",
        ),
        sa.ForeignKeyConstraint(
            ["equipment_model_id"], ["equipment_model.id"], name="fk_work_order_item_equipment_model_id"
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name="fk_work_order_item_slot_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_work_order_item_unit_id"),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name="fk_work_order_item_work_order_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_item"),
        sa.UniqueConstraint("work_order_id", "position", name="uq_work_order_item_work_order_id_position"),
    )
    op.create_index("ix_work_order_item_slot_id", "work_order_item", ["slot_id"])
    op.create_index("ix_work_order_item_unit_id", "work_order_item", ["unit_id"])
    op.create_index(
        "uq_work_order_item_to_do",
        "work_order_item",
        ["slot_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'scanned')"),
        sqlite_where=sa.text("state IN ('open', 'scanned')"),
    )
    _let_notices_be(*_KNOWN_NOTICES, "visit_published")


def downgrade() -> None:
    op.execute("DELETE FROM notice WHERE kind = 'visit_published'")
    _let_notices_be(*_KNOWN_NOTICES)
    op.drop_index(
        "uq_work_order_item_to_do",
        table_name="work_order_item",
        postgresql_where=sa.text("state IN ('open', 'scanned')"),
        sqlite_where=sa.text("state IN ('open', 'scanned')"),
    )
    op.drop_index("ix_work_order_item_unit_id", table_name="work_order_item")
    op.drop_index("ix_work_order_item_slot_id", table_name="work_order_item")
    op.drop_table("work_order_item")
    op.drop_index("ix_work_order_step_of_order", table_name="work_order_step")
    op.drop_table("work_order_step")
    op.drop_index("ix_work_order_photo_work_order_id", table_name="work_order_photo")
    op.drop_table("work_order_photo")
    op.drop_index("ix_work_order_note_work_order_id", table_name="work_order_note")
    op.drop_table("work_order_note")
    op.drop_index("ix_work_order_visit_id", table_name="work_order")
    op.drop_index("ix_work_order_site_id", table_name="work_order")
    op.drop_index("ix_work_order_finished_at", table_name="work_order")
    op.drop_index("ix_work_order_contract_id", table_name="work_order")
    op.drop_index("ix_work_order_by_state", table_name="work_order")
    op.drop_table("work_order")
    op.drop_index("ix_visit_site_id", table_name="visit")
    op.drop_index("ix_visit_planned_on", table_name="visit")
    op.drop_index("ix_visit_of_day", table_name="visit")
    op.drop_table("visit")
    op.drop_table("conflict_decision")
    op.drop_index("ix_field_command_of_order", table_name="field_command")
    op.drop_index("ix_field_command_by_status", table_name="field_command")
    op.drop_table("field_command")
    op.drop_table("field_device")
