"""Lists: sorted, filtered and paged by their address, so that every view of a list can be kept as a link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from rental.core.paging import Order, page_of

R = TypeVar("R")
PAGE_ROWS = 50


class FilterForm(FlaskForm):
    """The filters of a list. They come in the address, so there is nothing to forge."""

    tab_name: ClassVar[str | None] = None  # what tabs above the list choose: no field, no chip

    class Meta:
        csrf = False

    def __init__(self, *, prefix: str = "") -> None:
        super().__init__(formdata=MultiDict(request.args), prefix=prefix)


@dataclass(frozen=True, slots=True)
class Column:
    """A heading as the page shows it."""

    key: str
    label: str
    numeric: bool = False
    sort_url: str | None = None
    sorted: str | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the address without it."""

    label: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of a list; with an order it can be sorted by."""

    key: str
    label: str
    order: Order | None = None
    numeric: bool = False


@dataclass(slots=True)
class TableView(Generic[R]):
    """One page of a list, with the addresses of its other views."""

    id: str
    columns: list[Column]
    rows: Sequence[R]
    action_url: str
    limit: int
    filter_form: FilterForm | None = None
    filter_chips: list[Chip] = field(default_factory=list)
    hidden_params: list[tuple[str, str]] = field(default_factory=list)
    next_url: str | None = None
    first_url: str | None = None
    is_invalid: bool = False

    @property
    def is_filtered(self) -> bool:
        tab_name = self.filter_form.tab_name if self.filter_form else None
        return bool(self.filter_chips or (tab_name and request.args.get(tab_name)))

    def column(self, key: str) -> Column:
        """The column that a cell belongs to."""
        return next(column for column in self.columns if column.key == key)


def read_table(
    session: Session,
    name: str,
    statement: Select[R],
    headings: Sequence[Heading],
    *,
    default_sort: str,
    filters: FilterForm | None = None,
) -> TableView[R]:
    """The page of the list that the request's address asks for.

    `sort` is a heading's key, with a minus for descending; an unknown one is the default.
    Raises UnreadableCursor for a place to continue from that is not ours.
    """
    orders = {heading.key: heading.order for heading in headings if heading.order}
    sort = request.args.get("sort", default_sort)
    if sort.removeprefix("-") not in orders:
        sort = default_sort
    wanted = orders[sort.removeprefix("-")]
    order = Order(wanted.columns, descending=sort.startswith("-"))
    page = page_of(session, statement, order, after=request.args.get("after"), limit=PAGE_ROWS)

    kept = _filled_in(filters)
    sorting = {"sort": sort} if sort != default_sort else {}
    return TableView(
        id=name,
        columns=[_column(heading, sort, kept) for heading in headings],
        rows=page.rows,
        action_url=request.path,
        limit=PAGE_ROWS,
        filter_form=filters,
        filter_chips=_chips(filters, kept, sorting),
        hidden_params=list(sorting.items()),
        next_url=_url({**kept, **sorting, "after": page.next_cursor}) if page.next_cursor else None,
        first_url=_url({**kept, **sorting}) if request.args.get("after") else None,
    )


def empty_table(name: str, headings: Sequence[Heading], filters: FilterForm) -> TableView[Any]:
    """The list while its filters are not valid: no rows, and the messages at the fields."""
    return TableView(
        id=name,
        columns=[Column(heading.key, heading.label, heading.numeric) for heading in headings],
        rows=(),
        action_url=request.path,
        limit=PAGE_ROWS,
        filter_form=filters,
        is_invalid=True,
    )


def _filled_in(filters: FilterForm | None) -> dict[str, str]:
    if filters is None:
        return {}
    return {item.name: request.args[item.name] for item in filters if request.args.get(item.name)}


def _column(heading: Heading, sort: str, kept: Mapping[str, str]) -> Column:
    if heading.order is None:
        return Column(heading.key, heading.label, heading.numeric)
    is_sorted = sort.removeprefix("-") == heading.key
    other_way = heading.key if sort.startswith("-") or not is_sorted else f"-{heading.key}"
    return Column(
        heading.key,
        heading.label,
        heading.numeric,
        _url({**kept, "sort": other_way}),
        ("desc" if sort.startswith("-") else "asc") if is_sorted else None,
    )


def _chips(filters: FilterForm | None, kept: Mapping[str, str], sorting: Mapping[str, str]) -> list[Chip]:
    if filters is None:
        return []
    return [
        Chip(
            _("%(field)s: %(message)s", field=filters[name].label.text, message=_shown(filters[name])),
            _url({**{key: value for key, value in kept.items() if key != name}, **sorting}),
        )
        for name in kept
        if name != filters.tab_name
    ]


def _shown(item: Any) -> str:
    words = {choice.value: choice.label for choice in getattr(item, "choices", None) or ()}
    return str(words.get(item.data) or item._value())


def _url(params: Mapping[str, str]) -> str:
    return f"{request.path}?{urlencode(params)}" if params else request.path
