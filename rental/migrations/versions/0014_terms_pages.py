"""Discounts of a draft may be written anew, and the company says how far back amendments may reach."""

import sqlalchemy as sa
from alembic import op

revision = "0014_terms_pages"
down_revision = "0013_travel"

_IS_PROMISED = (
    "EXISTS (SELECT 1 FROM contract_line JOIN contract ON contract.id = contract_line.contract_id "
    "WHERE contract_line.id = OLD.contract_line_id AND contract.state <> 'draft')"
)
_WRITTEN_ONCE = "line_discount rows are written once"


def upgrade() -> None:
    column = sa.Column("months_back", sa.Integer(), nullable=False, server_default="24")
    op.add_column("billing_limits", column)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER line_discount_delete_refused")
        op.execute(
            "CREATE TRIGGER line_discount_delete_refused BEFORE DELETE ON line_discount "
            f"WHEN {_IS_PROMISED} BEGIN SELECT RAISE(ABORT, '{_WRITTEN_ONCE}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION line_discount_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_IS_PROMISED} THEN RAISE EXCEPTION '{_WRITTEN_ONCE}'; END IF; RETURN OLD; END $$"
    )
    op.execute("DROP TRIGGER line_discount_refused ON line_discount")
    op.execute(
        "CREATE TRIGGER line_discount_refused BEFORE UPDATE ON line_discount "
        "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
    )
    op.execute(
        "CREATE TRIGGER line_discount_kept BEFORE DELETE ON line_discount "
        "FOR EACH ROW EXECUTE FUNCTION line_discount_refuse()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER line_discount_delete_refused")
        op.execute(
            "CREATE TRIGGER line_discount_delete_refused BEFORE DELETE ON line_discount "
            f"BEGIN SELECT RAISE(ABORT, '{_WRITTEN_ONCE}'); END"
        )
    else:
        op.execute("DROP TRIGGER line_discount_kept ON line_discount")
        op.execute("DROP TRIGGER line_discount_refused ON line_discount")
        op.execute("DROP FUNCTION line_discount_refuse()")
        op.execute(
            "CREATE TRIGGER line_discount_refused BEFORE UPDATE OR DELETE ON line_discount "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
    op.drop_column("billing_limits", "months_back")
