"""What the columns behind the audit log hold: the log itself keeps only texts and numbers."""

from collections.abc import Sequence
from functools import cache

from rental.core.db import Base


def python_types_of(attribute: str, entity: str = "") -> Sequence[type]:
    """What an attribute of this table is in the program; what it is in any table, when not one of its own.

    A recorded act, such as a refused sign-in, has facts that are no columns of its entity.
    """
    tables = _python_types()
    own = tables.get(entity, {})
    if attribute in own:
        return (own[attribute],)
    return tuple(columns[attribute] for columns in tables.values() if attribute in columns)


@cache
def _python_types() -> dict[str, dict[str, type]]:
    """By table, in the order of their names, and by attribute; asked when every model is known."""
    mappers = sorted(Base.registry.mappers, key=lambda mapper: str(mapper.class_.__tablename__))
    return {
        mapper.class_.__tablename__: {
            attribute.key: attribute.columns[0].type.python_type for attribute in mapper.column_attrs
        }
        for mapper in mappers
    }
