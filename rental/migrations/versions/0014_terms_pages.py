"""Discounts of a draft may be written anew, and the company says how far back amendments may reach."""

import sqlalchemy as sa
from alembic import op

revision = "0014_terms_pages"
down_revision = "0013_travel"

_NEVER_ON_SQLITE = """
CREATE TRIGGER line_discount_delete_refused BEFORE DELETE ON line_discount
BEGIN SELECT RAISE(ABORT, 'line_discount rows are written once'); END
"""
_ONLY_OF_DRAFTS_ON_SQLITE = """
CREATE TRIGGER line_discount_delete_refused BEFORE DELETE ON line_discount
WHEN EXISTS (
  SELECT 1 FROM contract_line JOIN contract ON contract.id = contract_line.contract_id
  WHERE contract_line.id = OLD.contract_line_id AND contract.state <> 'draft'
)
BEGIN SELECT RAISE(ABORT, 'line_discount rows are written once'); END
"""
_ONLY_OF_DRAFTS = """
CREATE FUNCTION line_discount_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (
    SELECT 1 FROM contract_line JOIN contract ON contract.id = contract_line.contract_id
    WHERE contract_line.id = OLD.contract_line_id AND contract.state <> 'draft'
  ) THEN RAISE EXCEPTION 'line_discount rows are written once'; END IF;
  RETURN OLD;
END $$
"""


def upgrade() -> None:
    column = sa.Column("months_back", sa.Integer(), nullable=False, server_default="24")
    op.add_column("billing_limits", column)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER line_discount_delete_refused")
        op.execute(_ONLY_OF_DRAFTS_ON_SQLITE)
        return
    op.execute(_ONLY_OF_DRAFTS)
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
        op.execute(_NEVER_ON_SQLITE)
    else:
        op.execute("DROP TRIGGER line_discount_kept ON line_discount")
        op.execute("DROP TRIGGER line_discount_refused ON line_discount")
        op.execute("DROP FUNCTION line_discount_refuse()")
        op.execute(
            "CREATE TRIGGER line_discount_refused BEFORE UPDATE OR DELETE ON line_discount "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
    op.drop_column("billing_limits", "months_back")
