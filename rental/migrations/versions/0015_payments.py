"""Payments, what they settle, deposits; and the words the books need for them."""

import re
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0015_payments"
down_revision = "0014_terms_pages"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


_ACCOUNTS = {
    "bank": "普通預金",
    "cash": "現金",
    "sales_discount": "売上値引",
    "deposits_held": "預り保証金",
}
_KINDS = ("receipt", "application", "release", "reversal", "deposit")
_METHODS = ("bank_transfer", "direct_debit", "cash")
_SOURCES = ("payment", "allocation", "deposit_entry")
# The lists of words that get longer: table, name of the constraint, column, the new words.
_WORDS = (
    ("ledger_account_name", "ledgeraccount", "account", tuple(_ACCOUNTS)),
    ("journal_entry", "journalkind", "kind", _KINDS),
    ("journal_entry", "journalsource", "source_type", _SOURCES),
    ("journal_line", "journalkind", "kind", _KINDS),
    ("journal_line", "debit", "debit", tuple(_ACCOUNTS)),
    ("journal_line", "credit", "credit", tuple(_ACCOUNTS)),
    ("document", "paperkind", "kind", ("deposit_receipt",)),
    ("document_content", "template", "template", ("deposit_receipt",)),
)
# What is said of a row when it is written; the rest may follow once.
_CONTENT = {
    "payment": "id, number, billing_account_id, received_on, amount, method, reference, recorded_at",
    "allocation": "id, invoice_id, payment_id, deposit_entry_id, kind, amount, allocated_on",
    "deposit_entry": "id, contract_id, position, kind, amount, balance, entered_on, recorded_at",
}
_KEYS = {
    "payment": ("id = NEW.id", "number = NEW.number"),
    "allocation": ("id = NEW.id", "deposit_entry_id = NEW.deposit_entry_id"),
    "deposit_entry": ("id = NEW.id", "contract_id = NEW.contract_id AND position = NEW.position"),
}
_ENDED = ("payment", "allocation")
_BALANCE = (
    "coalesce((SELECT balance FROM deposit_entry WHERE contract_id = NEW.contract_id "
    "AND position = NEW.position - 1), CASE WHEN NEW.position = 1 THEN 0 END) "
    "+ CASE NEW.kind WHEN 'received' THEN NEW.amount ELSE -NEW.amount END"
)


def upgrade() -> None:
    for table, name, column, words in _WORDS:
        _set_words(table, name, column, added=words)
    accounts = sa.table(
        "ledger_account_name", sa.column("account"), sa.column("name"), sa.column("version", sa.Integer())
    )
    op.bulk_insert(
        accounts, [{"account": account, "name": name, "version": 1} for account, name in _ACCOUNTS.items()]
    )
    _create_payment()
    _create_deposit()
    _create_allocation()
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def downgrade() -> None:
    """Only while nothing was paid: the journal keeps what was booked."""
    for table in ("payment", "deposit_entry"):
        if op.get_bind().execute(sa.text(f"SELECT 1 FROM {table} LIMIT 1")).first():  # noqa: S608
            raise RuntimeError(f"{table} has rows, which the version before cannot keep; restore a backup")
    op.drop_table("allocation")
    op.drop_table("deposit_entry")
    op.drop_table("payment")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION deposit_entry_follows()")
    names = ", ".join(f"'{account}'" for account in _ACCOUNTS)
    op.execute(f"DELETE FROM ledger_account_name WHERE account IN ({names})")  # noqa: S608
    for table, name, column, words in _WORDS:
        _set_words(table, name, column, removed=words)


def _create_payment() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("billing_account_id", sa.Uuid(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("unapplied", sa.BigInteger(), nullable=False),
        sa.Column(
            "method", _one_of("paymentmethod", "bank_transfer", "direct_debit", "cash"), nullable=False
        ),
        sa.Column("reference", sa.String(length=100), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_on", sa.Date(), nullable=True),
        sa.Column("taken_back_for", sa.String(length=400), nullable=True),
        sa.CheckConstraint("amount > 0", name="of_something"),
        sa.CheckConstraint("unapplied BETWEEN 0 AND amount", name="unapplied_of_amount"),
        sa.CheckConstraint(
            "(taken_back_on IS NULL) = (taken_back_for IS NULL)", name="taken_back_for_a_reason"
        ),
        sa.CheckConstraint("taken_back_on IS NULL OR unapplied = 0", name="nothing_left_of_taken_back"),
        sa.ForeignKeyConstraint(
            ["billing_account_id"], ["billing_account.id"], name="fk_payment_billing_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
        sa.UniqueConstraint("number", name="uq_payment_number"),
    )
    op.create_index("ix_payment_of_account", "payment", ["billing_account_id", "received_on"])
    op.create_index("ix_payment_received_on", "payment", ["received_on"])
    in_force = sa.text("reference IS NOT NULL AND taken_back_on IS NULL")
    op.create_index(
        "uq_payment_in_force",
        "payment",
        ["method", "reference"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )


def _create_deposit() -> None:
    op.create_table(
        "deposit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", _one_of("depositkind", "received", "offset", "refunded"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name="of_something"),
        sa.CheckConstraint("balance >= 0", name="never_below_nothing"),
        sa.CheckConstraint("position > 0", name="counted_from_one"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="fk_deposit_entry_contract_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deposit_entry"),
        sa.UniqueConstraint("contract_id", "position", name="uq_deposit_entry_contract_id_position"),
    )


def _create_allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("deposit_entry_id", sa.Uuid(), nullable=True),
        sa.Column("kind", _one_of("allocationkind", "cash", "fee", "deposit"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("allocated_on", sa.Date(), nullable=False),
        sa.Column("taken_back_on", sa.Date(), nullable=True),
        sa.CheckConstraint("amount > 0", name="of_something"),
        sa.CheckConstraint(
            "(kind = 'deposit') = (deposit_entry_id IS NOT NULL) "
            "AND (payment_id IS NULL) = (deposit_entry_id IS NOT NULL)",
            name="of_one_source",
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_allocation_invoice_id"),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name="fk_allocation_payment_id"),
        sa.ForeignKeyConstraint(
            ["deposit_entry_id"], ["deposit_entry.id"], name="fk_allocation_deposit_entry_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_allocation"),
        sa.UniqueConstraint("deposit_entry_id", name="uq_allocation_deposit_entry_id"),
    )
    op.create_index("ix_allocation_invoice_id", "allocation", ["invoice_id"])
    op.create_index("ix_allocation_payment_id", "allocation", ["payment_id"])


def _guard_on_sqlite() -> None:
    for table, content in _CONTENT.items():
        why = f"{table} rows are written once"
        _refuse(f"{table}_update_refused", f"UPDATE OF {content} ON {table}", why)
        _refuse(f"{table}_delete_refused", f"DELETE ON {table}", why)
        is_known = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {key})" for key in _KEYS[table])  # noqa: S608
        # INSERT OR REPLACE would go round both triggers above.
        _refuse(f"{table}_is_new", f"INSERT ON {table} WHEN {is_known}", why)
    for table in _ENDED:
        _refuse(
            f"{table}_taken_back_once",
            f"UPDATE ON {table} WHEN OLD.taken_back_on IS NOT NULL",
            f"a {table} is taken back once",
        )
    _refuse(
        "deposit_entry_follows",
        f"INSERT ON deposit_entry WHEN NEW.balance IS NOT ({_BALANCE})",
        "a deposit goes on from what was held",
    )


def _refuse(name: str, what: str, why: str) -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{why}'); END")


def _guard_on_postgresql() -> None:
    for table, content in _CONTENT.items():
        op.execute(
            f"CREATE TRIGGER {table}_refused BEFORE UPDATE OF {content} OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_refuse()"
        )
    for table in _ENDED:
        op.execute(
            f"CREATE TRIGGER {table}_taken_back_once BEFORE UPDATE ON {table} FOR EACH ROW "
            "WHEN (OLD.taken_back_on IS NOT NULL) EXECUTE FUNCTION ledger_refuse()"
        )
    op.execute(
        "CREATE FUNCTION deposit_entry_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.balance IS DISTINCT FROM ({_BALANCE}) THEN "
        "RAISE EXCEPTION 'a deposit goes on from what was held'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER deposit_entry_follows BEFORE INSERT ON deposit_entry "
        "FOR EACH ROW EXECUTE FUNCTION deposit_entry_follows()"
    )


def _set_words(
    table: str, name: str, column: str, *, added: Sequence[str] = (), removed: Sequence[str] = ()
) -> None:
    """The words a column may hold, changed from whatever they are now.

    On SQLite a constraint can only be changed by copying the table, which would lose the triggers that keep
    ledgers as they are. Its own way for a change that touches no row is to change what it remembers of the
    table (section 7 of its documentation of ALTER TABLE).
    """
    bind, constraint = op.get_bind(), f"ck_{table}_{name}"
    if bind.dialect.name != "sqlite":
        (known,) = bind.execute(
            sa.text(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conname = :name AND conrelid = CAST(:table AS regclass)"
            ),
            {"name": constraint, "table": table},
        ).one()
        listed = _changed(known, added, removed)
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({column} IN ({listed}))")
        return
    (known,) = bind.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), {"table": table}
    ).one()
    found = re.search(rf"(CONSTRAINT {constraint} CHECK \({column} IN \()([^)]*)(\)\))", known)
    if found is None:
        raise RuntimeError(f"{table} has no constraint {constraint} on {column}")
    words = _changed(found[2], added, removed)
    (version,) = bind.execute(sa.text("PRAGMA schema_version")).one()
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    bind.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table"),
        {"sql": known.replace(found[0], f"{found[1]}{words}{found[3]}"), "table": table},
    )
    bind.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))


def _changed(listed: str, added: Sequence[str], removed: Sequence[str]) -> str:
    words = [*re.findall(r"'([^']*)'", listed), *added]
    return ", ".join(f"'{word}'" for word in words if word not in removed)
