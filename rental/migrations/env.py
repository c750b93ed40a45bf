"""How Alembic reaches the database: the app's own engine, allowed to write, a transaction a migration."""

from alembic import context
from flask import current_app

from rental.core import turns  # noqa: F401  (its table is not reached through the app)
from rental.core.db import Base, writing_engine

config = context.config


def run_migrations() -> None:
    """Applies migrations inside the app's context."""
    with writing_engine().execution_options(patient=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            transactional_ddl=True,
            transaction_per_migration=True,
            compare_type=True,
            **{
                key: value
                for key, value in current_app.extensions["migrate"].configure_args.items()
                if key not in {"render_as_batch", "compare_type"}
            },
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
