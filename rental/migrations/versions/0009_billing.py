"""Closings, invoices, and the days of slots that they charge; who issues them."""

import sqlalchemy as sa
from alembic import op

revision = "0009_billing"
down_revision = "0008_dispatch"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


# Written once, each with its primary key.
_LEDGERS = {
    "invoice_line": ("id",),
    "invoice_tax": ("invoice_id", "tax_class", "rate_bp"),
    "billing_claim": ("contract_line_id", "kind", "period_start", "generation"),
    "billed_segment": ("id",),
}
# What a finalised invoice says never changes; its state, sending marks and document may follow.
_CONTENT = (
    "id, number, billing_account_id, billing_run_id, recipient_name, closed_on, issued_on, due_on, "
    "period_start, period_end, subtotal, tax, total, tax_rounding, charge_rounding, price_mode, snapshot, "
    "snapshot_sha256, finalised_at"
)
_SPAN_CONTENT = "id, slot_id, kind, start_on, end_on, billed_segment_id"
_SHARED_DAYS = (
    "SELECT 1 FROM billed_span other WHERE other.slot_id = NEW.slot_id AND other.kind = NEW.kind "
    "AND other.is_active AND other.id <> NEW.id AND other.start_on < NEW.end_on "
    "AND NEW.start_on < other.end_on"
)


def upgrade() -> None:
    op.create_table(
        "billing_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(length=200), nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_billing_run"),
        sa.UniqueConstraint("closed_on", name="uq_billing_run_closed_on"),
    )
    op.create_table(
        "company_profile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("registration_number", sa.String(length=14), nullable=False),
        sa.Column("postal_code", sa.String(length=8), nullable=True),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("bank_account", sa.String(length=400), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_company_profile_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_company_profile"),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("billing_account_id", sa.Uuid(), nullable=False),
        sa.Column("billing_run_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_name", sa.String(length=100), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("tax_rounding", _one_of("tax_rounding", "down", "up", "half_up"), nullable=False),
        sa.Column("charge_rounding", _one_of("charge_rounding", "down", "up", "half_up"), nullable=False),
        sa.Column("price_mode", _one_of("pricemode", "exclusive", "inclusive"), nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("snapshot_sha256", sa.String(length=64), nullable=False),
        sa.Column("finalised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", _one_of("invoicestate", "finalised", "sent"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_by", _one_of("sendingway", "mail", "post"), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="ck_invoice_sent_at_a_time"),
        sa.CheckConstraint("(sent_at IS NULL) = (sent_by IS NULL)", name="ck_invoice_sent_somehow"),
        sa.CheckConstraint("period_end > period_start", name="ck_invoice_ends_after_start"),
        sa.CheckConstraint("total = subtotal + tax", name="ck_invoice_total_adds_up"),
        sa.CheckConstraint("total >= 0", name="ck_invoice_nothing_negative"),
        sa.ForeignKeyConstraint(
            ["billing_account_id"], ["billing_account.id"], name="fk_invoice_billing_account_id"
        ),
        sa.ForeignKeyConstraint(["billing_run_id"], ["billing_run.id"], name="fk_invoice_billing_run_id"),
        sa.ForeignKeyConstraint(["document_id"], ["stored_file.id"], name="fk_invoice_document_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invoice"),
        sa.UniqueConstraint("number", name="uq_invoice_number"),
    )
    op.create_index("ix_invoice_billing_run_id", "invoice", ["billing_run_id"])
    op.create_index("ix_invoice_due_on", "invoice", ["due_on"])
    op.create_index("ix_invoice_issued_on", "invoice", ["issued_on"])
    op.create_index("ix_invoice_of_account", "invoice", ["billing_account_id", "closed_on"])
    op.create_table(
        "billing_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("billing_run_id", sa.Uuid(), nullable=False),
        sa.Column("billing_account_id", sa.Uuid(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("state", _one_of("itemstate", "todo", "done", "parked"), nullable=False),
        sa.Column("reason_code", sa.String(length=120), nullable=True),
        sa.Column("reason_params", sa.JSON(), nullable=True),
        sa.Column("contract_id", sa.Uuid(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'todo' AND finished_at IS NULL) OR (state <> 'todo' AND finished_at IS NOT NULL "
            "AND (invoice_id IS NOT NULL OR reason_code IS NOT NULL))",
            name="ck_billing_item_finished_for_a_reason",
        ),
        sa.ForeignKeyConstraint(
            ["billing_account_id"], ["billing_account.id"], name="fk_billing_item_billing_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["billing_run_id"], ["billing_run.id"], name="fk_billing_item_billing_run_id"
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="fk_billing_item_contract_id"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_billing_item_invoice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_item"),
        sa.UniqueConstraint(
            "billing_run_id", "billing_account_id", name="uq_billing_item_billing_run_id_billing_account_id"
        ),
    )
    op.create_index("ix_billing_item_billing_account_id", "billing_item", ["billing_account_id"])
    op.create_index("ix_billing_item_of_chunk", "billing_item", ["billing_run_id", "chunk"])
    op.create_table(
        "invoice_tax",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column(
            "tax_class", _one_of("taxclass", "standard", "reduced", "exempt", "out_of_scope"), nullable=False
        ),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_invoice_tax_invoice_id"),
        sa.PrimaryKeyConstraint("invoice_id", "tax_class", "rate_bp", name="pk_invoice_tax"),
    )
    op.create_table(
        "billing_claim",
        sa.Column("contract_line_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("billingkind", "recurring"), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("billing_run_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["billing_run_id"], ["billing_run.id"], name="fk_billing_claim_billing_run_id"
        ),
        sa.ForeignKeyConstraint(
            ["contract_line_id"], ["contract_line.id"], name="fk_billing_claim_contract_line_id"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
            name="fk_billing_claim_invoice_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint(
            "contract_line_id", "kind", "period_start", "generation", name="pk_billing_claim"
        ),
    )
    op.create_index("ix_billing_claim_invoice_id", "billing_claim", ["invoice_id"])
    op.create_table(
        "billing_schedule",
        sa.Column("contract_line_id", sa.Uuid(), nullable=False),
        sa.Column("next_due_on", sa.Date(), nullable=False),
        sa.Column("billed_through", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_line_id"], ["contract_line.id"], name="fk_billing_schedule_contract_line_id"
        ),
        sa.PrimaryKeyConstraint("contract_line_id", name="pk_billing_schedule"),
    )
    op.create_index("ix_billing_schedule_next_due_on", "billing_schedule", ["next_due_on"])
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("contract_line_id", sa.Uuid(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "tax_class", _one_of("taxclass", "standard", "reduced", "exempt", "out_of_scope"), nullable=False
        ),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("service_start", sa.Date(), nullable=False),
        sa.Column("service_end", sa.Date(), nullable=False),
        sa.Column("formula", sa.JSON(), nullable=False),
        sa.CheckConstraint("service_end > service_start", name="ck_invoice_line_ends_after_start"),
        sa.ForeignKeyConstraint(
            ["contract_line_id"], ["contract_line.id"], name="fk_invoice_line_contract_line_id"
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_invoice_line_invoice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_line"),
        sa.UniqueConstraint("invoice_id", "position", name="uq_invoice_line_invoice_id_position"),
    )
    op.create_index("ix_invoice_line_contract_line_id", "invoice_line", ["contract_line_id"])
    op.create_table(
        "billed_segment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_line_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("billingkind", "recurring"), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("monthly_fee", sa.BigInteger(), nullable=False),
        sa.Column(
            "tax_class", _one_of("taxclass", "standard", "reduced", "exempt", "out_of_scope"), nullable=False
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("full_amount", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("of_days", sa.Integer(), nullable=False),
        sa.Column("sign", sa.Integer(), nullable=False),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("invoice_line_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(sign = -1) = (reverses_id IS NOT NULL)", name="ck_billed_segment_credit_of_a_charge"
        ),
        sa.CheckConstraint("end_on > start_on", name="ck_billed_segment_ends_after_start"),
        sa.CheckConstraint("sign IN (-1, 1)", name="ck_billed_segment_charge_or_credit"),
        sa.ForeignKeyConstraint(
            ["contract_line_id"], ["contract_line.id"], name="fk_billed_segment_contract_line_id"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_line_id"], ["invoice_line.id"], name="fk_billed_segment_invoice_line_id"
        ),
        sa.ForeignKeyConstraint(["reverses_id"], ["billed_segment.id"], name="fk_billed_segment_reverses_id"),
        sa.PrimaryKeyConstraint("id", name="pk_billed_segment"),
        sa.UniqueConstraint("reverses_id", name="uq_billed_segment_reverses_id"),
    )
    op.create_index("ix_billed_segment_invoice_line_id", "billed_segment", ["invoice_line_id"])
    op.create_index("ix_billed_segment_of_line", "billed_segment", ["contract_line_id", "period_end"])
    op.create_table(
        "billed_span",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("billingkind", "recurring"), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("billed_segment_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("end_on > start_on", name="ck_billed_span_ends_after_start"),
        sa.ForeignKeyConstraint(
            ["billed_segment_id"], ["billed_segment.id"], name="fk_billed_span_billed_segment_id"
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name="fk_billed_span_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_billed_span"),
    )
    op.create_index("ix_billed_span_billed_segment_id", "billed_span", ["billed_segment_id"])
    op.create_index("ix_billed_span_of_slot", "billed_span", ["slot_id", "kind", "start_on"])
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def downgrade() -> None:
    op.drop_index("ix_billed_span_of_slot", table_name="billed_span")
    op.drop_index("ix_billed_span_billed_segment_id", table_name="billed_span")
    op.drop_table("billed_span")
    op.drop_index("ix_billed_segment_of_line", table_name="billed_segment")
    op.drop_index("ix_billed_segment_invoice_line_id", table_name="billed_segment")
    op.drop_table("billed_segment")
    op.drop_index("ix_invoice_line_contract_line_id", table_name="invoice_line")
    op.drop_table("invoice_line")
    op.drop_index("ix_billing_schedule_next_due_on", table_name="billing_schedule")
    op.drop_table("billing_schedule")
    op.drop_index("ix_billing_claim_invoice_id", table_name="billing_claim")
    op.drop_table("billing_claim")
    op.drop_table("invoice_tax")
    op.drop_index("ix_billing_item_of_chunk", table_name="billing_item")
    op.drop_index("ix_billing_item_billing_account_id", table_name="billing_item")
    op.drop_table("billing_item")
    op.drop_index("ix_invoice_of_account", table_name="invoice")
    op.drop_index("ix_invoice_issued_on", table_name="invoice")
    op.drop_index("ix_invoice_due_on", table_name="invoice")
    op.drop_index("ix_invoice_billing_run_id", table_name="invoice")
    op.drop_table("invoice")
    op.drop_table("company_profile")
    op.drop_table("billing_run")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TYPE uuidrange")


def _guard_on_sqlite() -> None:
    for table, keys in _LEDGERS.items():
        for verb in ("UPDATE", "DELETE"):
            _refuse(f"{table}_{verb.lower()}_refused", f"{verb} ON {table}", f"{table} rows are written once")
        is_known = " AND ".join(f"{key} = NEW.{key}" for key in keys)
        # INSERT OR REPLACE would go round both triggers above. A claim made twice is passed over.
        if table != "billing_claim":
            _refuse(
                f"{table}_is_new",
                f"INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {is_known})",  # noqa: S608
                f"{table} rows are written once",
            )
    _refuse("invoice_update_refused", f"UPDATE OF {_CONTENT} ON invoice", "a finalised invoice never changes")
    _refuse("invoice_delete_refused", "DELETE ON invoice", "a finalised invoice never changes")
    _refuse(
        "invoice_is_new",
        "INSERT ON invoice WHEN EXISTS (SELECT 1 FROM invoice WHERE id = NEW.id OR number = NEW.number)",
        "a finalised invoice never changes",
    )
    _refuse(
        "billed_span_update_refused", f"UPDATE OF {_SPAN_CONTENT} ON billed_span", "billed days never change"
    )
    _refuse("billed_span_delete_refused", "DELETE ON billed_span", "billed days never change")
    for verb in ("INSERT", "UPDATE"):
        _refuse(
            f"billed_span_{verb.lower()}_apart",
            f"{verb} ON billed_span WHEN NEW.is_active AND EXISTS ({_SHARED_DAYS})",
            "days of a slot are billed once",
        )


def _refuse(name: str, what: str, why: str) -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{why}'); END")


def _guard_on_postgresql() -> None:
    op.execute("CREATE TYPE uuidrange AS RANGE (subtype = uuid)")
    # One constraint per kind: a text has no range of its own, and there is no extension to compare it with.
    op.execute(
        "ALTER TABLE billed_span ADD CONSTRAINT ex_billed_span_recurring_apart EXCLUDE USING gist "
        "(uuidrange(slot_id, slot_id, '[]') WITH &&, daterange(start_on, end_on) WITH &&) "
        "WHERE (is_active AND kind = 'recurring')"
    )
    for table in (*_LEDGERS, "invoice", "billed_span"):
        verbs = "UPDATE OR DELETE"
        if table in ("invoice", "billed_span"):
            content = _CONTENT if table == "invoice" else _SPAN_CONTENT
            verbs = f"UPDATE OF {content} OR DELETE"
        op.execute(
            f"CREATE TRIGGER {table}_refused BEFORE {verbs} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_refuse()"
        )
