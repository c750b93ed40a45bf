"""The migrations make exactly the tables the code knows, and can be taken back."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from rental.core import turns
from rental.core.db import Base, db, writing_engine


@pytest.mark.slow
def test_migrations_make_what_the_code_knows_and_can_be_taken_back(app: Flask) -> None:
    with app.app_context():
        assert turns.PeriodicTurn.__tablename__ in Base.metadata.tables
        with writing_engine().connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []

        downgrade(revision="base")
        db.engine.dispose()
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        upgrade()
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version", *Base.metadata.tables}
