"""What is agreed beyond a plain rent, events of all kinds, and a ledger for each kind of charge."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0010_agreed_terms"
down_revision = "0009_billing"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


_TAX_CLASSES = ("standard", "reduced", "exempt", "out_of_scope")
_ANCHORS = ("anniversary", "calendar", "closing", "fixed_day")
_PRORATIONS = ("actual", "fixed30", "full", "free")
_COSTS = ("initial", "delivery", "installation", "removal", "relocation", "early_termination")
_IN_SERVICE = "(state = 'in_service') = (started_on IS NOT NULL)"
_IN_SERVICE_OR_CLOSED = "(state IN ('in_service', 'closed')) = (started_on IS NOT NULL)"
_KINDS_BEFORE = "kind IN ('recurring')"
_KINDS = "kind IN ('recurring', 'one_off', 'usage', 'overrun', 'penalty')"
_EVENTS_BEFORE = "kind IN ('start')"
_EVENTS = "kind IN ('start', 'stop', 'qty', 'price', 'pause', 'resume', 'kept', 'withdrawal')"
_STATES_BEFORE = "state IN ('planned', 'awaiting_install', 'in_service')"
_STATES = "state IN ('planned', 'awaiting_install', 'in_service', 'closed')"
# Table, constraint, what it was, what it is from now on.
_WIDER = (
    ("line_event", "ck_line_event_lineeventkind", _EVENTS_BEFORE, _EVENTS),
    ("slot", "ck_slot_slotstate", _STATES_BEFORE, _STATES),
    ("slot", "ck_slot_ck_slot_in_service_from_a_day", _IN_SERVICE, _IN_SERVICE_OR_CLOSED),
    ("billing_claim", "ck_billing_claim_billingkind", _KINDS_BEFORE, _KINDS),
    ("billed_segment", "ck_billed_segment_billingkind", _KINDS_BEFORE, _KINDS),
    ("billed_span", "ck_billed_span_billingkind", _KINDS_BEFORE, _KINDS),
)
# Written once, each with its primary key.
_LEDGERS = {
    "line_discount": ("id",),
    "line_anchor": ("contract_line_id", "since"),
    "one_off": ("id",),
    "usage_record": ("id",),
    "amendment": ("id",),
}
_AMENDMENTS = (
    "price",
    "revision",
    "quantity",
    "suspension",
    "option_added",
    "option_removed",
    "anchor",
    "correction",
    "withdrawal",
    "termination",
)


def upgrade() -> None:
    _agreed_tables()
    _happened_tables()
    op.add_column("contract", sa.Column("ends_on", sa.Date(), nullable=True))
    op.add_column("slot", sa.Column("ended_on", sa.Date(), nullable=True))
    for column in (
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("replaces_on", sa.Date(), nullable=True),
        sa.Column("replaces_seq", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False, server_default=""),
    ):
        op.add_column("line_event", column)
    op.create_index(
        "uq_line_event_replaced",
        "line_event",
        ["contract_line_id", "replaces_on", "replaces_seq"],
        unique=True,
    )
    for added in (
        sa.Column("units", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("discount", sa.String(length=100), nullable=False, server_default=""),
        sa.Column("about", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("rate_bp", sa.Integer(), nullable=True),
        sa.Column("slots", sa.JSON(), nullable=True),
    ):
        op.add_column("billed_segment", added)
    _recheck({(table, name): (before, after) for table, name, before, after in _WIDER})
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE billed_span DROP CONSTRAINT ex_billed_span_overrun_apart")
    _recheck({(table, name): (after, before) for table, name, before, after in _WIDER})
    for name in ("slots", "rate_bp", "about", "discount", "units"):
        op.drop_column("billed_segment", name)
    op.drop_index("uq_line_event_replaced", table_name="line_event")
    for name in ("reason", "replaces_seq", "replaces_on", "value"):
        op.drop_column("line_event", name)
    op.drop_column("slot", "ended_on")
    op.drop_column("contract", "ends_on")
    op.drop_index("ix_amendment_of_contract", table_name="amendment")
    op.drop_table("amendment")
    op.drop_index("ix_usage_record_of_line", table_name="usage_record")
    op.drop_table("usage_record")
    op.drop_index("ix_one_off_slot_id", table_name="one_off")
    op.drop_index("ix_one_off_contract_line_id", table_name="one_off")
    op.drop_table("one_off")
    op.drop_table("agreed_cost")
    op.drop_table("line_anchor")
    op.drop_table("line_discount")
    op.drop_table("line_terms")


def _line(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    return (
        sa.Column("contract_line_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_line_id"], ["contract_line.id"], name=f"fk_{table}_contract_line_id"
        ),
    )


def _agreed_tables() -> None:
    op.create_table(
        "line_terms",
        *_line("line_terms"),
        sa.Column("anchor", _one_of("anchorkind", *_ANCHORS), nullable=False),
        sa.Column("anchored_on", sa.Date(), nullable=True),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("period_days", sa.Integer(), nullable=True),
        sa.Column("timing", _one_of("timing", "advance", "arrears"), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("stub", _one_of("stubpolicy", "short", "merge_next", "free"), nullable=False),
        sa.Column("proration", _one_of("proration", *_PRORATIONS), nullable=False),
        sa.Column("stop_proration", _one_of("stop_proration", *_PRORATIONS), nullable=True),
        sa.Column("change_proration", _one_of("change_proration", *_PRORATIONS), nullable=True),
        sa.Column("retrieval_day_counts", sa.Boolean(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=True),
        sa.Column("cuts_at_rate_changes", sa.Boolean(), nullable=False),
        sa.Column("overrun_fee", sa.BigInteger(), nullable=True),
        sa.Column("usage", sa.JSON(), nullable=True),
        sa.Column("leaving", sa.JSON(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("months IN (1, 2, 3, 6, 12)", name="ck_line_terms_months_of_a_period"),
        sa.CheckConstraint("period_days >= 1", name="ck_line_terms_days_of_a_period"),
        sa.CheckConstraint("lead_days >= 0", name="ck_line_terms_lead_not_negative"),
        sa.CheckConstraint("overrun_fee >= 0", name="ck_line_terms_overrun_not_negative"),
        sa.PrimaryKeyConstraint("contract_line_id", name="pk_line_terms"),
    )
    op.create_table(
        "line_discount",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_line("line_discount"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("periods", sa.Integer(), nullable=True),
        sa.CheckConstraint("basis_points BETWEEN 0 AND 10000", name="ck_line_discount_part_of_the_whole"),
        sa.CheckConstraint("amount >= 0", name="ck_line_discount_amount_not_negative"),
        sa.CheckConstraint("ends_on > starts_on", name="ck_line_discount_ends_after_start"),
        sa.CheckConstraint("periods >= 1", name="ck_line_discount_periods_at_least_one"),
        sa.PrimaryKeyConstraint("id", name="pk_line_discount"),
        sa.UniqueConstraint("contract_line_id", "name", name="uq_line_discount_contract_line_id_name"),
    )
    op.create_table(
        "line_anchor",
        *_line("line_anchor"),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("kind", _one_of("anchorkind", *_ANCHORS), nullable=False),
        sa.Column("anchored_on", sa.Date(), nullable=False),
        sa.Column("restarts", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("contract_line_id", "since", name="pk_line_anchor"),
    )
    op.create_table(
        "agreed_cost",
        *_line("agreed_cost"),
        sa.Column("cost", _one_of("cost", *_COSTS), nullable=False),
        sa.Column("unit_price_millionths", sa.BigInteger(), nullable=False),
        sa.Column("tax_class", _one_of("taxclass", *_TAX_CLASSES), nullable=False),
        sa.CheckConstraint("unit_price_millionths >= 0", name="ck_agreed_cost_price_not_negative"),
        sa.PrimaryKeyConstraint("contract_line_id", "cost", name="pk_agreed_cost"),
    )


def _happened_tables() -> None:
    op.create_table(
        "one_off",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_line("one_off"),
        sa.Column("slot_id", sa.Uuid(), nullable=True),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("cost", _one_of("cost", *_COSTS), nullable=False),
        sa.Column("unit_price_millionths", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("tax_class", _one_of("taxclass", *_TAX_CLASSES), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="ck_one_off_quantity_not_negative"),
        sa.CheckConstraint("unit_price_millionths >= 0", name="ck_one_off_price_not_negative"),
        sa.CheckConstraint(
            "quantity >= 1 OR replaces_id IS NOT NULL", name="ck_one_off_nothing_in_place_of_something"
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name="fk_one_off_slot_id"),
        sa.ForeignKeyConstraint(["replaces_id"], ["one_off.id"], name="fk_one_off_replaces_id"),
        sa.PrimaryKeyConstraint("id", name="pk_one_off"),
        sa.UniqueConstraint("replaces_id", name="uq_one_off_replaces_id"),
        sa.UniqueConstraint(
            "contract_line_id",
            "slot_id",
            "cost",
            "source_id",
            name="uq_one_off_contract_line_id_slot_id_cost_source_id",
        ),
    )
    op.create_index("ix_one_off_contract_line_id", "one_off", ["contract_line_id"])
    op.create_index("ix_one_off_slot_id", "one_off", ["slot_id"])
    op.create_table(
        "usage_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_line("usage_record"),
        sa.Column("external_id", sa.String(length=100), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="ck_usage_record_quantity_not_negative"),
        sa.PrimaryKeyConstraint("id", name="pk_usage_record"),
        sa.UniqueConstraint(
            "contract_line_id", "external_id", name="uq_usage_record_contract_line_id_external_id"
        ),
    )
    op.create_index("ix_usage_record_of_line", "usage_record", ["contract_line_id", "occurred_on"])
    op.create_table(
        "amendment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("contract_line_id", sa.Uuid(), nullable=True),
        sa.Column("kind", _one_of("amendmentkind", *_AMENDMENTS), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="fk_amendment_contract_id"),
        sa.ForeignKeyConstraint(
            ["contract_line_id"], ["contract_line.id"], name="fk_amendment_contract_line_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_amendment"),
    )
    op.create_index("ix_amendment_of_contract", "amendment", ["contract_id", "id"])


def _recheck(changes: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """Lets other values in.

    SQLite cannot alter a CHECK; copying the tables would drop their triggers, and rows point at them. So the
    text of the schema is changed, as its manual allows where no stored row changes its form.
    """
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        for (table, name), (_before, after) in changes.items():
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({after})")
        return
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    for (table, _name), (before, after) in changes.items():
        changed = bind.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
            "WHERE type = 'table' AND name = ? AND instr(sql, ?) > 0",
            (f"({before})", f"({after})", table, f"({before})"),
        )
        if changed.rowcount != 1:
            raise RuntimeError(f"{table} is not as it was made")
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = OFF")


def _guard_on_sqlite() -> None:
    for table, keys in _LEDGERS.items():
        is_known = " AND ".join(f"{key} = NEW.{key}" for key in keys)
        guards = {
            f"{table}_update_refused": f"UPDATE ON {table}",
            f"{table}_delete_refused": f"DELETE ON {table}",
            # INSERT OR REPLACE would go round both triggers above.
            f"{table}_is_new": f"INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {is_known})",  # noqa: S608
        }
        for name, what in guards.items():
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {what} "
                f"BEGIN SELECT RAISE(ABORT, '{table} rows are written once'); END"
            )


def _guard_on_postgresql() -> None:
    op.execute(
        "ALTER TABLE billed_span ADD CONSTRAINT ex_billed_span_overrun_apart EXCLUDE USING gist "
        "(uuidrange(slot_id, slot_id, '[]') WITH &&, daterange(start_on, end_on) WITH &&) "
        "WHERE (is_active AND kind = 'overrun')"
    )
    for table in _LEDGERS:
        op.execute(
            f"CREATE TRIGGER {table}_refused BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_refuse()"
        )
