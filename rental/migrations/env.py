"""How Alembic reaches the database: the app's own engine, allowed to write, a transaction a migration."""

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from flask import current_app
from sqlalchemy import Connection

from rental.core import turns  # noqa: F401  (its table is not reached through the app)
from rental.core.db import Base, writing_engine

config = context.config


def run_migrations() -> None:
    """Applies migrations inside the app's context."""
    with writing_engine().execution_options(patient=True).connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            _let_tables_be_copied(connection)
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=is_sqlite,
            transactional_ddl=True,
            transaction_per_migration=True,
            compare_type=True,
            on_version_apply=_require_references if is_sqlite else None,
            **{
                key: value
                for key, value in current_app.extensions["migrate"].configure_args.items()
                if key not in {"render_as_batch", "compare_type"}
            },
        )
        with context.begin_transaction():
            context.run_migrations()


def _let_tables_be_copied(connection: Connection) -> None:
    """SQLite alters a constraint by a copy in the table's place; rows of others point at nothing meanwhile.

    It hears of this between transactions only (section 7 of its documentation of ALTER TABLE). The connection
    leaves the pool, so that nobody else writes without references being looked at.
    """
    connection.detach()
    connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")


def _require_references(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """What SQLite did not look at row by row, before the migration is committed. Raises RuntimeError."""
    lost = context.get_bind().exec_driver_sql("PRAGMA foreign_key_check").all()
    if lost:
        places = ", ".join(sorted({f"{row.table} → {row.parent}" for row in lost}))
        raise RuntimeError(f"{len(lost)} rows point at nothing after {step.up_revision_id}: {places}")


run_migrations()
