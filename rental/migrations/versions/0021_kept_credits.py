"""What a credit note keeps waits among the payments, and settles invoices as they do."""

import re
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0021_kept_credits"
down_revision = "0020_price_mode"

_WORD = "credit_note"


def upgrade() -> None:
    _set_words(["bank_transfer", "direct_debit", "cash", _WORD])
    for note in _notes_that_keep():
        _keep(note)


def downgrade() -> None:
    """Only while none is used: without it an invoice would be settled by nothing."""
    kept = sa.text("SELECT 1 FROM payment WHERE method = 'credit_note' LIMIT 1")
    if op.get_bind().execute(kept).first():
        raise RuntimeError(
            "payment has rows of credit notes, which the version before cannot keep; restore a backup"
        )
    _set_words(["bank_transfer", "direct_debit", "cash"])


def _set_words(words: list[str]) -> None:
    """On SQLite without copying the table, which would lose the triggers that keep payments as they are
    (section 7 of its documentation of ALTER TABLE)."""
    bind, constraint = op.get_bind(), "ck_payment_paymentmethod"
    check = f"CHECK (method IN ({', '.join(repr(word) for word in words)}))"
    if bind.dialect.name != "sqlite":
        op.execute(f"ALTER TABLE payment DROP CONSTRAINT {constraint}")
        op.execute(f"ALTER TABLE payment ADD CONSTRAINT {constraint} {check}")
        return
    (known,) = bind.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'payment'")
    ).one()
    changed, count = re.subn(
        rf"CONSTRAINT {constraint} CHECK \(method IN \([^)]*\)\)", f"CONSTRAINT {constraint} {check}", known
    )
    if count != 1:
        raise RuntimeError(f"payment has no constraint {constraint}")
    (version,) = bind.execute(sa.text("PRAGMA schema_version")).one()
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    bind.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = 'payment'"),
        {"sql": changed},
    )
    bind.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))


def _notes_that_keep() -> list[sa.Row[tuple[object, ...]]]:
    return list(
        op.get_bind().execute(
            sa.text(
                "SELECT n.number, n.total, n.issued_on, n.finalised_at, i.billing_account_id "
                "FROM credit_note n JOIN invoice i ON i.id = n.invoice_id "
                "WHERE n.effect = 'customer_credit' ORDER BY n.number"
            )
        )
    )


def _keep(note: sa.Row[tuple[object, ...]]) -> None:
    """Numbered as if it had been written today: the numbers before are taken."""
    bind = op.get_bind()
    year = str(note.issued_on)[:4]
    series = {"series": f"payment:{year}"}
    taken = bind.execute(sa.text("SELECT next_number FROM counter WHERE series = :series"), series).scalar()
    number = taken or 1
    if taken is None:
        bind.execute(sa.text("INSERT INTO counter (series, next_number) VALUES (:series, 2)"), series)
    else:
        bind.execute(
            sa.text("UPDATE counter SET next_number = next_number + 1 WHERE series = :series"), series
        )
    new_id = uuid.uuid4()
    bind.execute(
        sa.text(
            "INSERT INTO payment (id, number, billing_account_id, received_on, amount, unapplied, method, "
            "reference, recorded_at) VALUES (:id, :number, :account, :day, :total, :total, :method, "
            ":reference, :at)"
        ),
        {
            "id": new_id.hex if bind.dialect.name == "sqlite" else new_id,
            "number": f"PAY-{year}-{number:08}",
            "account": note.billing_account_id,
            "day": note.issued_on,
            "total": note.total,
            "method": _WORD,
            "reference": note.number,
            "at": note.finalised_at,
        },
    )
