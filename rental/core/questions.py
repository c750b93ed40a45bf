"""Questions that nearly every page asks: put into words once, and asked without anything in between."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from rental.core.db import db, pooled_connection

Translation = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Words:
    """The statement in one database's words; how it wants values written, and what has to be read back."""

    text: str
    given: tuple[tuple[str, Any, Translation | None], ...]
    is_positional: bool
    translated: tuple[tuple[int, Translation], ...]


class Question:
    """A statement that only reads, and is answered by an index within microseconds.

    SQLAlchemy looks such a statement up among those it knows, binds its values and describes its columns,
    every time: that takes five times as long as the database takes to answer. Here all this is done when the
    statement is asked for the first time. A question is asked on the connection on which this request reads,
    and begins no transaction: it sees the database as it is then.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self.statement = statement
        self._row = _row_of(statement)
        self._words: dict[str, _Words] = {}

    def ask(self, **values: Any) -> list[Any]:
        """The rows, with the statement's columns by name. `values` are its parameters."""
        engine = db.engine
        words = self._words.get(engine.dialect.name) or self._put_into_words(engine.dialect)
        given = {
            name: write(values.get(name, default)) if write else values.get(name, default)
            for name, default, write in words.given
        }
        sent = tuple(given.values()) if words.is_positional else given
        for tell in engine.dispatch.before_cursor_execute:
            tell(None, None, words.text, sent, None, False)
        connection: Any = pooled_connection().driver_connection
        # PostgreSQL plans such a statement longer than it takes to answer it: it is kept planned.
        options = {} if words.is_positional else {"prepare": True}
        rows = connection.execute(words.text, sent, **options)
        return [self._read(words, row) for row in rows.fetchall()]

    def _read(self, words: _Words, row: tuple[Any, ...]) -> Any:
        found = list(row)
        for place, read in words.translated:
            found[place] = read(found[place])
        return self._row._make(found)

    def _put_into_words(self, dialect: Dialect) -> _Words:
        compiled: Any = self.statement.compile(dialect=dialect)
        binds = [compiled.binds[name] for name in compiled.positiontup or compiled.binds]
        columns = [column.type for column in self.statement.selected_columns]
        reads = [_in(dialect, kind).result_processor(dialect, None) for kind in columns]
        words = _Words(
            text=str(compiled),
            given=tuple(
                (bind.key, bind.value, _in(dialect, bind.type).bind_processor(dialect)) for bind in binds
            ),
            is_positional=compiled.positional,
            translated=tuple((place, read) for place, read in enumerate(reads) if read),
        )
        self._words[dialect.name] = words
        return words


def _row_of(statement: Select[*tuple[Any, ...]]) -> Any:
    """A row with the statement's columns by name."""
    return namedtuple("Row", statement.selected_columns.keys())


def _in(dialect: Dialect, kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)
