"""What is written once: the database refuses to change or delete it."""

from alembic import op

revision = "0007_ledgers"
down_revision = "0006_fieldwork"


# Each with its primary key.
_LEDGERS = {
    "movement": "id",
    "line_event": "id",
    "field_command": "id",
    "conflict_decision": "command_id",
    "unit_step": "id",
    "contract_step": "id",
    "work_order_step": "id",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, key in _LEDGERS.items():
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_{verb.lower()}_refused BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} rows are written once'); END"
                )
            # INSERT OR REPLACE would go round both triggers above.
            op.execute(
                f"CREATE TRIGGER {table}_is_new BEFORE INSERT ON {table} "  # noqa: S608
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "
                f"BEGIN SELECT RAISE(ABORT, '{table} rows are written once'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% rows are written once', TG_TABLE_NAME; END $$"
    )
    for table in _LEDGERS:
        op.execute(
            f"CREATE TRIGGER {table}_refused BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_refuse()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in _LEDGERS:
            for name in ("update_refused", "delete_refused", "is_new"):
                op.execute(f"DROP TRIGGER {table}_{name}")
        return
    for table in _LEDGERS:
        op.execute(f"DROP TRIGGER {table}_refused ON {table}")
        op.execute(f"DROP TRIGGER {table}_stays ON {table}")
    op.execute("DROP FUNCTION ledger_refuse()")
