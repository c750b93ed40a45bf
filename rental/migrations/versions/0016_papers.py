"""Documents that are sent, months that are closed, how documents look, accounts left out of a month."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016_papers"
down_revision = "0015_payments"

_LEDGERS = {"revenue_recognition": ("id", "source_id, month"), "closed_month": ("month",)}
# The first day after the last closed month.
_OPEN_FROM = {
    "sqlite": "(SELECT date(max(month), '+1 month') FROM closed_month)",
    "postgresql": "(SELECT (max(month) + interval '1 month')::date FROM closed_month)",
}
_DAY_AFTER_CLOSING = {
    "sqlite": "date(billing_run.closed_on, '+1 day')",
    "postgresql": "billing_run.closed_on + 1",
}


def upgrade() -> None:
    _add_sending()
    _add_months()
    _add_exclusions()
    _add_templates()


def downgrade() -> None:
    op.drop_table("account_template")
    op.drop_table("document_template")
    op.drop_table("closing_exclusion")
    _drop_months()
    op.drop_column("document", "sent_by")
    op.drop_column("document", "sent_at")


def _add_sending() -> None:
    """What is known of invoices that were sent stands in the register as well."""
    op.add_column("document", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "ALTER TABLE document ADD COLUMN sent_by VARCHAR(40) "
        "CONSTRAINT sendingway CHECK (sent_by IN ('mail', 'post')) "
        "CONSTRAINT ck_document_sent_somehow CHECK ((sent_at IS NULL) = (sent_by IS NULL))"
    )
    op.execute(
        "UPDATE document SET sent_at = (SELECT sent_at FROM invoice WHERE invoice.id = document.id), "
        "sent_by = (SELECT sent_by FROM invoice WHERE invoice.id = document.id) WHERE kind = 'invoice'"
    )


def _add_months() -> None:
    op.create_table(
        "revenue_recognition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column(
            "source_type",
            sa.Enum(
                "invoice",
                "credit_note",
                name="journalsource",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revenue_recognition"),
        sa.UniqueConstraint("source_id", "month", name="uq_revenue_recognition_source_id_month"),
    )
    op.create_table(
        "closed_month",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.String(length=200), nullable=False),
        sa.Column("source_count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", name="pk_closed_month"),
    )
    op.add_column(
        "revenue_schedule",
        sa.Column("is_deferred", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "revenue_correction", sa.Column("deferred", sa.BigInteger(), nullable=False, server_default="0")
    )
    _unguarded("revenue_schedule", "revenue_correction", do=_say_what_was_deferred)
    op.create_index(
        "ix_revenue_schedule_deferred",
        "revenue_schedule",
        ["month"],
        sqlite_where=sa.text("is_deferred"),
        postgresql_where=sa.text("is_deferred"),
    )
    _guard()


def _add_exclusions() -> None:
    op.create_table(
        "closing_exclusion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("billing_account_id", sa.Uuid(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("excluded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("excluded_by", sa.String(length=200), nullable=False),
        sa.CheckConstraint("reason <> ''", name="ck_closing_exclusion_for_a_reason"),
        sa.ForeignKeyConstraint(
            ["billing_account_id"], ["billing_account.id"], name="fk_closing_exclusion_billing_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_closing_exclusion"),
        sa.UniqueConstraint(
            "billing_account_id", "closed_on", name="uq_closing_exclusion_billing_account_id_closed_on"
        ),
    )
    op.create_index("ix_closing_exclusion_closed_on", "closing_exclusion", ["closed_on"])


def _add_templates() -> None:
    op.create_table(
        "document_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "language",
            sa.Enum(
                "ja", "en", "both", name="paperlanguage", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("logo", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("has_unit_price", sa.Boolean(), nullable=False),
        sa.Column("has_details", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document_template"),
        sa.UniqueConstraint("name", name="uq_document_template_name"),
    )
    op.create_index(
        "ix_document_template_default",
        "document_template",
        ["is_default"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "account_template",
        sa.Column("billing_account_id", sa.Uuid(), nullable=False),
        sa.Column("document_template_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["billing_account_id"], ["billing_account.id"], name="fk_account_template_billing_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["document_template_id"],
            ["document_template.id"],
            name="fk_account_template_document_template_id",
        ),
        sa.PrimaryKeyConstraint("billing_account_id", name="pk_account_template"),
    )
    op.create_index("ix_account_template_document_template_id", "account_template", ["document_template_id"])


def _drop_months() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER journal_entry_in_open_month")
    else:
        op.execute("DROP TRIGGER journal_entry_in_open_month ON journal_entry")
        op.execute("DROP FUNCTION require_open_month()")
    op.drop_index("ix_revenue_schedule_deferred", "revenue_schedule")
    op.drop_column("revenue_correction", "deferred")
    op.drop_column("revenue_schedule", "is_deferred")
    # What was recognised is no document's entry without these tables.
    recognised = "(SELECT id FROM revenue_recognition)"
    _unguarded(
        "journal_line",
        "journal_entry",
        do=lambda: _delete_each("journal_line", "journal_entry", where=f"source_id IN {recognised}"),
    )
    op.drop_table("closed_month")
    op.drop_table("revenue_recognition")


def _delete_each(*tables: str, where: str) -> None:
    for table in tables:
        op.execute(f"DELETE FROM {table} WHERE {where}")  # noqa: S608  (names of this module)


def _unguarded(*tables: str, do: Callable[[], object]) -> None:
    """Does something to ledgers whose rows are written once; they are guarded again afterwards."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        do()
        for table in tables:
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    kept = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    triggers = [row for table in tables for row in op.get_bind().execute(kept, {"table": table}).all()]
    for name, _sql in triggers:
        op.execute(f"DROP TRIGGER {name}")
    do()
    for _name, sql in triggers:
        op.execute(sql)


def _say_what_was_deferred() -> None:
    """Rent for days after the closing, where the invoice was booked as owed to the customer.

    A credit took first from the months still to come; its entry says how much that was altogether, and what
    it took beyond that lowered the month of its issue.
    """
    after = _DAY_AFTER_CLOSING[op.get_bind().dialect.name]
    op.execute(
        "UPDATE revenue_schedule SET is_deferred = true WHERE invoice_line_id IN ("  # noqa: S608
        "SELECT invoice_line.id FROM invoice_line "
        "JOIN invoice ON invoice.id = invoice_line.invoice_id "
        "JOIN billing_run ON billing_run.id = invoice.billing_run_id "
        f"WHERE invoice_line.service_end > {after} "
        "AND EXISTS (SELECT 1 FROM billed_segment WHERE billed_segment.invoice_line_id = invoice_line.id "
        "AND billed_segment.kind IN ('recurring', 'overrun')) "
        "AND EXISTS (SELECT 1 FROM journal_line WHERE journal_line.source_id = invoice.id "
        "AND 'contract_liability' IN (journal_line.debit, journal_line.credit)))"
    )
    op.execute(
        "UPDATE revenue_correction SET deferred = amount WHERE EXISTS (SELECT 1 FROM revenue_schedule "
        "WHERE revenue_schedule.invoice_line_id = revenue_correction.invoice_line_id AND is_deferred)"
    )
    surplus = (
        "SELECT credit_note_id, sum(deferred) + coalesce((SELECT sum(CASE WHEN debit = 'contract_liability' "
        "THEN amount ELSE -amount END) FROM journal_line WHERE source_id = credit_note_id AND "
        "'contract_liability' IN (debit, credit)), 0) AS beyond FROM revenue_correction "
        "GROUP BY credit_note_id"
    )
    for credit_note_id, beyond in op.get_bind().execute(sa.text(surplus)).all():
        if beyond:
            _take_at_once(credit_note_id, int(beyond))


def _take_at_once(credit_note_id: Any, beyond: int) -> None:
    """The first month of a credit is that of its issue: it alone bore what was not owed any more."""
    rows = (
        op.get_bind()
        .execute(
            sa.text(
                "SELECT invoice_line_id, month FROM revenue_correction WHERE credit_note_id = :note "
                "AND deferred <> 0 ORDER BY month, abs(deferred) DESC LIMIT 1"
            ),
            {"note": credit_note_id},
        )
        .all()
    )
    for invoice_line_id, month in rows:
        op.get_bind().execute(
            sa.text(
                "UPDATE revenue_correction SET deferred = deferred - :beyond WHERE credit_note_id = :note "
                "AND invoice_line_id = :line AND month = :month"
            ),
            {"beyond": beyond, "note": credit_note_id, "line": invoice_line_id, "month": month},
        )


def _guard() -> None:
    dialect = op.get_bind().dialect.name
    open_from = _OPEN_FROM[dialect]
    if dialect == "sqlite":
        for table, keys in _LEDGERS.items():
            for verb in ("UPDATE", "DELETE"):
                name = f"{table}_{verb.lower()}_refused"
                _refuse(name, f"{verb} ON {table}", f"{table} rows are written once")
            is_known = " OR ".join(
                "EXISTS (SELECT 1 FROM {} WHERE {})".format(  # noqa: S608
                    table, " AND ".join(f"{column} = NEW.{column}" for column in key.split(", "))
                )
                for key in keys
            )
            _refuse(f"{table}_is_new", f"INSERT ON {table} WHEN {is_known}", f"{table} rows are written once")
        _refuse(
            "journal_entry_in_open_month",
            f"INSERT ON journal_entry WHEN NEW.entry_on < {open_from}",
            "a closed month takes no entry",
        )
        return
    for table in _LEDGERS:
        op.execute(
            f"CREATE TRIGGER {table}_refused BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_refuse()"
        )
    # Once for a whole COPY: asked for each row it would slow a closing down.
    op.execute(
        "CREATE FUNCTION require_open_month() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
        f"IF EXISTS (SELECT 1 FROM entered WHERE entry_on < {open_from}) THEN "
        "RAISE EXCEPTION 'a closed month takes no entry' USING ERRCODE = 'check_violation'; END IF; "
        "RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER journal_entry_in_open_month AFTER INSERT ON journal_entry "
        "REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION require_open_month()"
    )


def _refuse(name: str, what: str, why: str) -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{why}'); END")
