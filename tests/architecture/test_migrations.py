"""The migrations make exactly the tables the code knows, keep what is in them, and can be taken back."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, inspect, select, text

from rental.core import turns
from rental.core.db import Base, db, reading, writing_engine
from rental.core.ids import new_id
from tests.domain.test_money_checks import close_twice
from tests.factories.billed import close, invoices_of
from tests.support.beginnings import Once
from tests.support.databases import Database
from tests.support.story import Story

# Every table that a closing fills, and what its rows stand on.
AT_WORK = {
    "account",
    "audit_entry",
    "billed_segment",
    "billed_span",
    "billing_account",
    "billing_claim",
    "billing_item",
    "billing_run",
    "billing_schedule",
    "contract",
    "contract_line",
    "customer",
    "delivery",
    "invoice",
    "invoice_line",
    "invoice_tax",
    "line_event",
    "movement",
    "outbox_message",
    "slot",
    "stored_file",
    "unit",
    "work_order",
}
BOOKS = {
    "credit_note",
    "credit_note_line",
    "document",
    "document_content",
    "journal_entry",
    "journal_line",
    "revenue_schedule",
}

# Tables that a release brings rows for.
REFERENCE = {"ledger_account_name"}

Table = dict[tuple[str, ...], dict[str, Any]]


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("revision", "filled"), [("0009_billing", AT_WORK), ("0011_documents", AT_WORK | BOOKS)]
)
def test_a_company_at_work_is_brought_up_to_date_with_all_its_rows(
    story: Story, once: Once, revision: str, filled: set[str]
) -> None:
    once(close_twice)
    with story.app.app_context():
        downgrade(revision=revision)
        before = rows()
        assert {table for table in filled if not before.get(table)} == set()

        upgrade()
        after = rows()
        assert set(before) <= set(after)
        for table, kept in before.items():
            assert as_of_then(after[table], kept) == kept, table
            assert table in REFERENCE or len(after[table]) == len(kept), table
        assert references_are_looked_at()

    story.on("2026-07-01")
    close(story, "2026-06-30")
    assert len(invoices_of(story)) == 6


@pytest.mark.slow
def test_a_migration_that_leaves_a_row_pointing_at_nothing_does_not_happen(
    app: Flask, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite looks at references when a migration is over; PostgreSQL does with every row."""
    if database.kind == "postgresql":
        return
    with app.app_context():
        downgrade(revision="0015_payments")
        db.engine.dispose()
        lose_an_invoice(database.url.removeprefix("sqlite:///"))
        with pytest.raises(SystemExit):
            upgrade()
        assert "1 rows point at nothing after 0016_papers: invoice_tax → invoice" in caplog.text
        assert "document_template" not in inspect(db.engine).get_table_names()


def lose_an_invoice(path: str) -> None:
    """A tax of an invoice that there is not, written by somebody who looked at no reference."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO invoice_tax (invoice_id, tax_class, rate_bp, base, tax) "
            "VALUES (?, 'standard', 1000, 0, 0)",
            (new_id().hex,),
        )
        connection.commit()


def rows() -> dict[str, Table]:
    """Everything there is, by table and primary key, but for the number of the revision."""
    db.engine.dispose()
    tables = MetaData()
    with db.engine.connect() as connection:
        tables.reflect(connection)
        return {
            table.name: {
                tuple(str(row[column.name]) for column in table.primary_key): dict(row)
                for row in connection.execute(select(table)).mappings()
            }
            for table in tables.sorted_tables
            if table.name != "alembic_version"
        }


def as_of_then(found: Table, kept: Table) -> Table:
    """The rows that there were before, with the columns they had then."""
    return {key: {name: found[key][name] for name in row} for key, row in kept.items()}


def references_are_looked_at() -> bool:
    """Whether the database refuses a row that points at nothing; PostgreSQL always does."""
    return db.engine.dialect.name == "postgresql" or reading().scalar(text("PRAGMA foreign_keys")) == 1
