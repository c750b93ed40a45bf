"""Questions asked straight to the driver give what SQLAlchemy gives, with and without a pooler in between."""

from sqlalchemy import bindparam, select
from sqlalchemy.engine import make_url

from rental.core.db import engine_options, pooled_connection
from rental.core.questions import Question
from rental.identity.models import Account
from rental.identity.permissions import Role
from tests.support.story import Story

STATEMENT = select(Account.id, Account.email, Account.state, Account.created_at).where(
    Account.email == bindparam("email")
)


def test_a_question_answers_as_a_session_does_however_often_it_is_asked(story: Story) -> None:
    account = story.person(Role.SALES)
    question = Question(STATEMENT)
    with story.reading() as session:
        expected = [tuple(row) for row in session.execute(STATEMENT, {"email": account.email})]
    with story.app.app_context():
        for _ in range(3):
            assert [tuple(row) for row in question.ask(email=account.email)] == expected
        assert question.ask(email="nobody@example.jp") == []
        (row,) = question.ask(email=account.email)
        assert (row.id, row.email, row.state) == (account.id, account.email, account.state)


def test_on_postgresql_it_is_planned_once_unless_a_pooler_changes_connections(story: Story) -> None:
    if make_url(story.app.config["SQLALCHEMY_DATABASE_URI"]).get_backend_name() != "postgresql":
        return  # SQLite keeps every statement planned by itself
    question = Question(STATEMENT)
    with story.app.app_context():
        for _ in range(2):
            question.ask(email="a@example.jp")
        connection = pooled_connection().driver_connection
        assert connection
        prepared = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%account%'"
        assert connection.execute(prepared).fetchone() == (1,)
    pooled = engine_options("postgresql://", is_pooled=True)["connect_args"]
    assert pooled["prepare_threshold"] is None
