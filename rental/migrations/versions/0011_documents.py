"""Journals, months of revenue, credit notes, the register of documents, and what is left to pay."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011_documents"
down_revision = "0010_agreed_terms"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


_TAX_CLASSES = ("standard", "reduced", "exempt", "out_of_scope")
# What the accounts are called until the company says otherwise.
_ACCOUNTS = {
    "receivable": "売掛金",
    "sales": "売上高",
    "other_income": "雑収入",
    "contract_liability": "前受収益",
    "tax_received": "仮受消費税",
    "refunds_payable": "未払金",
    "advance_received": "前受金",
}
_KINDS = ("sale", "return")
# Written once, each with its primary key.
_LEDGERS = {
    "journal_entry": ("source_id", "kind"),
    "journal_line": ("source_id", "kind", "position"),
    "revenue_schedule": ("invoice_line_id", "month"),
    "revenue_correction": ("credit_note_id", "invoice_line_id", "month"),
    "credit_note": ("id",),
    "credit_note_line": ("credit_note_id", "position"),
    "credit_note_tax": ("credit_note_id", "tax_class", "rate_bp"),
    "document_content": ("document_id",),
}
# The drawing of a document is kept once it is made; everything else was said when it was issued.
_CONTENT = (
    "id, kind, number, source_id, billing_account_id, counterparty, dated_on, amount, sha256, version, "
    "supersedes_id, reason, registered_at, registered_by"
)
_DRAWINGS = {"document": "file_id", "invoice": "document_id"}


def upgrade() -> None:
    _add_balance()
    accounts = op.create_table(
        "ledger_account_name",
        sa.Column("account", _one_of("ledgeraccount", *_ACCOUNTS), nullable=False),
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_ledger_account_name"),
    )
    op.bulk_insert(
        accounts, [{"account": account, "name": name, "version": 1} for account, name in _ACCOUNTS.items()]
    )
    _create_journal()
    _create_credit_notes()
    _create_register()
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()
    _enter_earlier_invoices()


def downgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    drop = "DROP TRIGGER invoice_drawn_once"
    op.execute(drop if on_sqlite else f"{drop} ON invoice")
    for table in (
        "document_content",
        "document",
        "revenue_correction",
        "credit_note_tax",
        "credit_note_line",
        "credit_note",
        "revenue_schedule",
        "journal_line",
        "journal_entry",
        "ledger_account_name",
    ):
        op.drop_table(table)
    if not on_sqlite:
        op.drop_constraint("ck_invoice_balance_of_total", "invoice")
    op.execute("ALTER TABLE invoice DROP COLUMN balance")


def _add_balance() -> None:
    """What is left to pay of earlier invoices is all of them: nothing was ever noted as paid."""
    limits = "CONSTRAINT ck_invoice_balance_of_total CHECK (balance BETWEEN 0 AND total)"
    op.execute(f"ALTER TABLE invoice ADD COLUMN balance BIGINT NOT NULL DEFAULT 0 {limits}")
    op.execute("UPDATE invoice SET balance = total")


def _create_journal() -> None:
    op.create_table(
        "journal_entry",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("journalkind", *_KINDS), nullable=False),
        sa.Column("source_type", _one_of("journalsource", "invoice", "credit_note"), nullable=False),
        sa.Column("entry_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "kind", name="pk_journal_entry"),
    )
    op.create_index("ix_journal_entry_entry_on", "journal_entry", ["entry_on"])
    op.create_table(
        "journal_line",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("journalkind", *_KINDS), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("debit", _one_of("debit", *_ACCOUNTS), nullable=False),
        sa.Column("credit", _one_of("credit", *_ACCOUNTS), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_class", _one_of("taxclass", *_TAX_CLASSES), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_journal_line_of_something"),
        sa.CheckConstraint("debit <> credit", name="ck_journal_line_between_two_accounts"),
        sa.ForeignKeyConstraint(
            ["source_id", "kind"],
            ["journal_entry.source_id", "journal_entry.kind"],
            name="fk_journal_line_entry",
        ),
        sa.PrimaryKeyConstraint("source_id", "kind", "position", name="pk_journal_line"),
    )
    op.create_table(
        "revenue_schedule",
        sa.Column("invoice_line_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_line_id"], ["invoice_line.id"], name="fk_revenue_schedule_invoice_line_id"
        ),
        sa.PrimaryKeyConstraint("invoice_line_id", "month", name="pk_revenue_schedule"),
    )


def _create_credit_notes() -> None:
    op.create_table(
        "credit_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind", _one_of("creditkind", "price_reduction", "return", "error", "goodwill"), nullable=False
        ),
        sa.Column(
            "effect", _one_of("crediteffect", "reduce_balance", "refund", "customer_credit"), nullable=False
        ),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("tax_rounding", _one_of("rounding", "down", "up", "half_up"), nullable=False),
        sa.Column("price_mode", _one_of("pricemode", "exclusive", "inclusive"), nullable=False),
        sa.Column("has_document", sa.Boolean(), nullable=False),
        sa.Column("finalised_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total = subtotal + tax", name="ck_credit_note_total_adds_up"),
        sa.CheckConstraint("total > 0", name="ck_credit_note_of_something"),
        sa.CheckConstraint("has_document OR total < 10000", name="ck_credit_note_document_where_needed"),
        sa.CheckConstraint("reason <> ''", name="ck_credit_note_for_a_reason"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_credit_note_invoice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_note"),
        sa.UniqueConstraint("number", name="uq_credit_note_number"),
    )
    op.create_index("ix_credit_note_invoice_id", "credit_note", ["invoice_id"])
    op.create_index("ix_credit_note_issued_on", "credit_note", ["issued_on"])
    op.create_table(
        "credit_note_line",
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("invoice_line_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="ck_credit_note_line_of_something"),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["credit_note.id"], name="fk_credit_note_line_credit_note_id"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_line_id"], ["invoice_line.id"], name="fk_credit_note_line_invoice_line_id"
        ),
        sa.PrimaryKeyConstraint("credit_note_id", "position", name="pk_credit_note_line"),
        sa.UniqueConstraint(
            "credit_note_id", "invoice_line_id", name="uq_credit_note_line_credit_note_id_invoice_line_id"
        ),
    )
    op.create_index("ix_credit_note_line_invoice_line_id", "credit_note_line", ["invoice_line_id"])
    op.create_table(
        "credit_note_tax",
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("tax_class", _one_of("taxclass", *_TAX_CLASSES), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["credit_note.id"], name="fk_credit_note_tax_credit_note_id"
        ),
        sa.PrimaryKeyConstraint("credit_note_id", "tax_class", "rate_bp", name="pk_credit_note_tax"),
    )
    op.create_table(
        "revenue_correction",
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_line_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_note_id", "invoice_line_id"],
            ["credit_note_line.credit_note_id", "credit_note_line.invoice_line_id"],
            name="fk_revenue_correction_of_line",
        ),
        sa.PrimaryKeyConstraint("credit_note_id", "invoice_line_id", "month", name="pk_revenue_correction"),
    )
    op.create_index("ix_revenue_correction_invoice_line_id", "revenue_correction", ["invoice_line_id"])


def _create_register() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            _one_of("paperkind", "invoice", "corrected_invoice", "credit_note", "delivery_note", "receipt"),
            nullable=False,
        ),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("billing_account_id", sa.Uuid(), nullable=False),
        sa.Column("counterparty", sa.String(length=100), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("supersedes_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.String(length=200), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(version = 1) = (supersedes_id IS NULL)", name="ck_document_first_or_later"),
        sa.CheckConstraint(
            "(supersedes_id IS NULL) OR (reason <> '')", name="ck_document_corrected_for_a_reason"
        ),
        sa.ForeignKeyConstraint(
            ["billing_account_id"], ["billing_account.id"], name="fk_document_billing_account_id"
        ),
        sa.ForeignKeyConstraint(["supersedes_id"], ["document.id"], name="fk_document_supersedes_id"),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_document_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        sa.UniqueConstraint("number", name="uq_document_number"),
        sa.UniqueConstraint("supersedes_id", name="uq_document_supersedes_id"),
        sa.UniqueConstraint("source_id", "kind", "version", name="uq_document_source_id_kind_version"),
    )
    for column in ("billing_account_id", "dated_on", "amount"):
        op.create_index(f"ix_document_{column}", "document", [column])
    op.create_table(
        "document_content",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column(
            "template",
            _one_of("template", "invoice", "credit_note", "delivery_note", "receipt"),
            nullable=False,
        ),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_document_content_document_id"),
        sa.PrimaryKeyConstraint("document_id", name="pk_document_content"),
    )


def _guard_on_sqlite() -> None:
    for table, keys in _LEDGERS.items():
        for verb in ("UPDATE", "DELETE"):
            _refuse(f"{table}_{verb.lower()}_refused", f"{verb} ON {table}", f"{table} rows are written once")
        # INSERT OR REPLACE would go round both triggers above.
        is_known = " AND ".join(f"{key} = NEW.{key}" for key in keys)
        if table == "credit_note":
            is_known = "id = NEW.id OR number = NEW.number"
        _refuse(
            f"{table}_is_new",
            f"INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {is_known})",  # noqa: S608
            f"{table} rows are written once",
        )
    _refuse("document_update_refused", f"UPDATE OF {_CONTENT} ON document", "document rows are written once")
    _refuse("document_delete_refused", "DELETE ON document", "document rows are written once")
    keys_of_documents = (
        "id = NEW.id",
        "number = NEW.number",
        "supersedes_id = NEW.supersedes_id",
        "source_id = NEW.source_id AND kind = NEW.kind AND version = NEW.version",
    )
    # One question for each index: of questions joined by OR the planner may make one scan.
    exists = " OR ".join(f"EXISTS (SELECT 1 FROM document WHERE {each})" for each in keys_of_documents)  # noqa: S608
    _refuse("document_is_new", f"INSERT ON document WHEN {exists}", "document rows are written once")
    for table, drawing in _DRAWINGS.items():
        _refuse(
            f"{table}_drawn_once",
            f"UPDATE OF {drawing} ON {table} WHEN OLD.{drawing} IS NOT NULL",
            f"a {table} is drawn once",
        )


def _refuse(name: str, what: str, why: str) -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{why}'); END")


def _guard_on_postgresql() -> None:
    for table in (*_LEDGERS, "document"):
        verbs = f"UPDATE OF {_CONTENT} OR DELETE" if table == "document" else "UPDATE OR DELETE"
        op.execute(
            f"CREATE TRIGGER {table}_refused BEFORE {verbs} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_refuse()"
        )
    for table, drawing in _DRAWINGS.items():
        op.execute(
            f"CREATE TRIGGER {table}_drawn_once BEFORE UPDATE OF {drawing} ON {table} FOR EACH ROW "
            f"WHEN (OLD.{drawing} IS NOT NULL) EXECUTE FUNCTION ledger_refuse()"
        )


def _enter_earlier_invoices() -> None:
    """Invoices from before there were books: all of them for days gone by, so their amounts are sales."""
    op.execute(
        "INSERT INTO document (id, kind, number, source_id, billing_account_id, counterparty, dated_on, "
        "amount, sha256, version, registered_at, registered_by, file_id) "
        "SELECT id, 'invoice', number, id, billing_account_id, recipient_name, issued_on, total, "
        "snapshot_sha256, 1, finalised_at, 'migration', document_id FROM invoice"
    )
    op.execute(
        "INSERT INTO journal_entry (source_id, kind, source_type, entry_on) "
        "SELECT id, 'sale', 'invoice', closed_on FROM invoice WHERE EXISTS "
        "(SELECT 1 FROM invoice_tax WHERE invoice_tax.invoice_id = invoice.id AND (base <> 0 OR tax <> 0))"
    )
    op.execute(
        "INSERT INTO journal_line (source_id, kind, position, debit, credit, amount, tax_class, rate_bp) "
        "SELECT invoice_id, 'sale', "
        "row_number() OVER (PARTITION BY invoice_id ORDER BY account, rate_bp DESC, tax_class), "
        "CASE WHEN amount > 0 THEN 'receivable' ELSE account END, "
        "CASE WHEN amount > 0 THEN account ELSE 'receivable' END, abs(amount), tax_class, rate_bp FROM ("
        "SELECT invoice_id, 'sales' AS account, base AS amount, tax_class, rate_bp FROM invoice_tax "
        "UNION ALL SELECT invoice_id, 'tax_received', tax, tax_class, rate_bp FROM invoice_tax) parts "
        "WHERE amount <> 0"
    )
    lines = sa.table(
        "invoice_line",
        sa.column("id", sa.Uuid()),
        sa.column("amount", sa.BigInteger()),
        sa.column("service_start", sa.Date()),
        sa.column("service_end", sa.Date()),
    )
    months = sa.table(
        "revenue_schedule",
        sa.column("invoice_line_id", sa.Uuid()),
        sa.column("month", sa.Date()),
        sa.column("amount", sa.BigInteger()),
    )
    rows: list[dict[str, Any]] = [
        {"invoice_line_id": line.id, "month": month, "amount": amount}
        for line in op.get_bind().execute(sa.select(lines))
        for month, amount in _earned(line.amount, line.service_start, line.service_end)
        if amount
    ]
    if rows:
        op.bulk_insert(months, rows)


def _earned(amount: int, start: date, end: date) -> Iterator[tuple[date, int]]:
    """Until the end of each month the whole yen for the days gone; a month is the difference."""
    month, before = start.replace(day=1), 0
    while month < end:
        following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        gone = (min(end, following) - start).days
        until = abs(amount) * gone // (end - start).days * (1 if amount >= 0 else -1)
        yield month, until - before
        month, before = following, until
