"""Numbering rules, places, units with their movements, reservations and label codes."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0004_stock"
down_revision = "0003_catalog"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


_PLACES = (
    ("SUPPLIER", "supplier", "仕入先"),
    ("RECEIVING", "receiving", "入荷場"),
    ("SCRAP", "scrap", "廃棄"),
)


def _add_first_places() -> None:
    """Where units come from, arrive, and end: no company does without these; it may give them other names."""
    table = sa.table(
        "stock_location",
        sa.column("id", sa.Uuid()),
        *(sa.column(name, sa.String()) for name in ("code", "name", "kind", "warehouse")),
        sa.column("version", sa.Integer()),
    )
    rows = [
        {"id": uuid4(), "code": code, "name": name, "kind": kind, "warehouse": "", "version": 1}
        for code, kind, name in _PLACES
    ]
    op.bulk_insert(table, rows)


def upgrade() -> None:
    with op.batch_alter_table("counter") as table:
        table.alter_column("series", existing_type=sa.String(), type_=sa.String(length=200), nullable=False)
    op.create_table(
        "label_print",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("format_key", sa.String(length=40), nullable=False),
        sa.Column("label_count", sa.BigInteger(), nullable=False),
        sa.Column("start_position", sa.Integer(), nullable=False),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("printed_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_label_print"),
    )
    op.create_table(
        "numbering_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("equipment_model_id", sa.Uuid(), nullable=True),
        sa.Column("pattern", sa.String(length=80), nullable=False),
        sa.Column("company_code", sa.String(length=10), nullable=False),
        sa.Column("branch_code", sa.String(length=10), nullable=False),
        sa.Column("reset_on", sa.String(length=80), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_model_id"], ["equipment_model.id"], name="fk_numbering_rule_equipment_model_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_numbering_rule"),
        sa.UniqueConstraint(
            "equipment_model_id", "valid_from", name="uq_numbering_rule_equipment_model_id_valid_from"
        ),
    )
    op.create_index(
        "uq_numbering_rule_company_valid_from",
        "numbering_rule",
        ["valid_from"],
        unique=True,
        postgresql_where=sa.text("equipment_model_id IS NULL"),
        sqlite_where=sa.text("equipment_model_id IS NULL"),
    )
    op.create_table(
        "stock_location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            _one_of("locationkind", "supplier", "receiving", "bin", "van", "site", "scrap"),
            nullable=False,
        ),
        sa.Column("warehouse", sa.String(length=100), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(kind = 'site') = (site_id IS NOT NULL)", name="ck_stock_location_site_has_site"),
        sa.CheckConstraint(
            "technician_id IS NULL OR kind = 'van'", name="ck_stock_location_only_vans_have_technicians"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_stock_location_site_id"),
        sa.ForeignKeyConstraint(["technician_id"], ["account.id"], name="fk_stock_location_technician_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stock_location"),
        sa.UniqueConstraint("code", name="uq_stock_location_code"),
        sa.UniqueConstraint("site_id", name="uq_stock_location_site_id"),
    )
    op.create_index("ix_stock_location_technician_id", "stock_location", ["technician_id"])
    op.create_table(
        "receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("equipment_model_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_name", sa.String(length=100), nullable=False),
        sa.Column("delivery_note", sa.String(length=60), nullable=False),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unit_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_model_id"], ["equipment_model.id"], name="fk_receipt_equipment_model_id"
        ),
        sa.ForeignKeyConstraint(["location_id"], ["stock_location.id"], name="fk_receipt_location_id"),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        sa.UniqueConstraint("number", name="uq_receipt_number"),
    )
    op.create_index("ix_receipt_equipment_model_id", "receipt", ["equipment_model_id"])
    op.create_index("ix_receipt_received_at", "receipt", ["received_at"])
    op.create_table(
        "unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("equipment_model_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("serial_number", sa.String(length=60), nullable=False),
        sa.Column("normalised_serial", sa.String(length=60), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            _one_of("unitstate", "received", "available", "reserved", "in_transit", "installed", "retired"),
            nullable=False,
        ),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("movement_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_model_id"], ["equipment_model.id"], name="fk_unit_equipment_model_id"
        ),
        sa.ForeignKeyConstraint(["location_id"], ["stock_location.id"], name="fk_unit_location_id"),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name="fk_unit_receipt_id"),
        sa.PrimaryKeyConstraint("id", name="pk_unit"),
        sa.UniqueConstraint(
            "equipment_model_id", "normalised_serial", name="uq_unit_equipment_model_id_normalised_serial"
        ),
        sa.UniqueConstraint("tag", name="uq_unit_tag"),
    )
    op.create_index("ix_unit_by_location", "unit", ["location_id", "tag"])
    op.create_index("ix_unit_by_receiving", "unit", ["received_on", "id"])
    op.create_index("ix_unit_by_state", "unit", ["state", "tag"])
    op.create_index("ix_unit_free", "unit", ["equipment_model_id", "state", "received_on", "id"])
    op.create_index("ix_unit_normalised_serial", "unit", ["normalised_serial"])
    op.create_index("ix_unit_receipt_id", "unit", ["receipt_id"])
    op.create_table(
        "label_code",
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("state", _one_of("labelcodestate", "active", "revoked"), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("print_count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'revoked') = (revoked_at IS NOT NULL)", name="ck_label_code_revoked_has_time"
        ),
        sa.CheckConstraint("(unit_id IS NULL) <> (location_id IS NULL)", name="ck_label_code_one_thing"),
        sa.ForeignKeyConstraint(["location_id"], ["stock_location.id"], name="fk_label_code_location_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_label_code_unit_id"),
        sa.PrimaryKeyConstraint("code", name="pk_label_code"),
    )
    op.create_index("ix_label_code_location_id", "label_code", ["location_id"])
    op.create_index("ix_label_code_unit_id", "label_code", ["unit_id"])
    op.create_index(
        "uq_label_code_active_location",
        "label_code",
        ["location_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
        sqlite_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_label_code_active_unit",
        "label_code",
        ["unit_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
        sqlite_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "movement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            _one_of(
                "movementkind",
                "receipt",
                "shelving",
                "transfer",
                "loading",
                "unloading",
                "installation",
                "retirement",
            ),
            nullable=False,
        ),
        sa.Column("from_location_id", sa.Uuid(), nullable=False),
        sa.Column("to_location_id", sa.Uuid(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.CheckConstraint("from_location_id <> to_location_id", name="ck_movement_goes_somewhere"),
        sa.ForeignKeyConstraint(
            ["from_location_id"], ["stock_location.id"], name="fk_movement_from_location_id"
        ),
        sa.ForeignKeyConstraint(["to_location_id"], ["stock_location.id"], name="fk_movement_to_location_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_movement_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_movement"),
        sa.UniqueConstraint("op_id", "unit_id", name="uq_movement_op_id_unit_id"),
        sa.UniqueConstraint("unit_id", "seq", name="uq_movement_unit_id_seq"),
    )
    op.create_index("ix_movement_to", "movement", ["to_location_id", "recorded_at"])
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("state", _one_of("reservationstate", "held", "used", "released"), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_reservation_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reservation"),
    )
    op.create_index(
        "uq_reservation_held_slot",
        "reservation",
        ["slot_id"],
        unique=True,
        postgresql_where=sa.text("state = 'held'"),
        sqlite_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "uq_reservation_held_unit",
        "reservation",
        ["unit_id"],
        unique=True,
        postgresql_where=sa.text("state = 'held'"),
        sqlite_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "unit_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column(
            "from_state",
            _one_of("from_state", "received", "available", "reserved", "in_transit", "installed", "retired"),
            nullable=True,
        ),
        sa.Column(
            "to_state",
            _one_of("to_state", "received", "available", "reserved", "in_transit", "installed", "retired"),
            nullable=False,
        ),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("movement_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["movement_id"], ["movement.id"], name="fk_unit_step_movement_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_unit_step_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_unit_step"),
    )
    op.create_index("ix_unit_step_of_unit", "unit_step", ["unit_id", "id"])
    _add_first_places()


def downgrade() -> None:
    op.drop_index("ix_unit_step_of_unit", table_name="unit_step")
    op.drop_table("unit_step")
    op.drop_index(
        "uq_reservation_held_unit",
        table_name="reservation",
        postgresql_where=sa.text("state = 'held'"),
        sqlite_where=sa.text("state = 'held'"),
    )
    op.drop_index(
        "uq_reservation_held_slot",
        table_name="reservation",
        postgresql_where=sa.text("state = 'held'"),
        sqlite_where=sa.text("state = 'held'"),
    )
    op.drop_table("reservation")
    op.drop_index("ix_movement_to", table_name="movement")
    op.drop_table("movement")
    op.drop_index(
        "uq_label_code_active_unit",
        table_name="label_code",
        postgresql_where=sa.text("state = 'active'"),
        sqlite_where=sa.text("state = 'active'"),
    )
    op.drop_index(
        "uq_label_code_active_location",
        table_name="label_code",
        postgresql_where=sa.text("state = 'active'"),
        sqlite_where=sa.text("state = 'active'"),
    )
    op.drop_index("ix_label_code_unit_id", table_name="label_code")
    op.drop_index("ix_label_code_location_id", table_name="label_code")
    op.drop_table("label_code")
    op.drop_index("ix_unit_receipt_id", table_name="unit")
    op.drop_index("ix_unit_normalised_serial", table_name="unit")
    op.drop_index("ix_unit_free", table_name="unit")
    op.drop_index("ix_unit_by_state", table_name="unit")
    op.drop_index("ix_unit_by_receiving", table_name="unit")
    op.drop_index("ix_unit_by_location", table_name="unit")
    op.drop_table("unit")
    op.drop_index("ix_receipt_received_at", table_name="receipt")
    op.drop_index("ix_receipt_equipment_model_id", table_name="receipt")
    op.drop_table("receipt")
    op.drop_index("ix_stock_location_technician_id", table_name="stock_location")
    op.drop_table("stock_location")
    op.drop_index(
        "uq_numbering_rule_company_valid_from",
        table_name="numbering_rule",
        postgresql_where=sa.text("equipment_model_id IS NULL"),
        sqlite_where=sa.text("equipment_model_id IS NULL"),
    )
    op.drop_table("numbering_rule")
    op.drop_table("label_print")
    with op.batch_alter_table("counter") as table:
        table.alter_column("series", existing_type=sa.String(), type_=sa.String(length=80), nullable=False)
