"""Documents that are sent, months whose revenue is booked, how documents look, accounts left out."""

import sqlalchemy as sa
from alembic import op

revision = "0016_papers"
down_revision = "0013_travel"


def upgrade() -> None:
    _add_sending()


def downgrade() -> None:
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
