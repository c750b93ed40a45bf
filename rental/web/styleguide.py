"""Every component in every state, for whoever builds pages. In development only."""

from datetime import date

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, TextAreaField

from rental.core.money import yen_of
from rental.identity.permissions import Role
from rental.web.fields import (
    AtMost,
    ChecksField,
    ChoiceField,
    DayField,
    EmailField,
    LineField,
    Needed,
    NewPasswordField,
    SearchField,
    YenField,
    choices,
    choices_of,
)
from rental.web.guards import public
from rental.web.sentences import role_label
from rental.web.tables import Chip, Column, FilterForm, TableView

bp = Blueprint("styleguide", __name__)


def register(app: Flask) -> None:
    app.register_blueprint(bp)


class SampleForm(FlaskForm):
    """One field of each kind."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(100)])
    email = EmailField(_l("E-mail"), validators=[Needed(), AtMost(254)])
    password = NewPasswordField(_l("New password"), validators=[Needed()])
    start = DayField(_l("From"), validators=[Needed()])
    price = YenField(_l("Monthly fee"), validators=[Needed()])
    language = ChoiceField(_l("Language"), choices=choices(("ja", "日本語"), ("en", "English")))
    roles = ChecksField(_l("Roles"))
    theme = RadioField(_l("Theme"), choices=choices(("light", _l("Light")), ("dark", _l("Dark"))))
    note = TextAreaField(_l("Note"), validators=[AtMost(1000)])
    is_urgent = BooleanField(_l("Urgent"))

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.roles.choices = choices_of(Role, role_label)


class SampleFilter(FilterForm):
    """A search and a choice, as above a list."""

    q = SearchField(_l("Search"))
    state = ChoiceField(_l("State"), choices=choices(("", _l("All states")), ("active", _l("Active"))))


@bp.get("/styleguide")
@public
def show() -> ResponseReturnValue:
    return _page(SampleForm(formdata=None, start=date(2026, 11, 20), price=yen_of(9800), theme="light")), 200


@bp.post("/styleguide")
@public
def check() -> ResponseReturnValue:
    form = SampleForm()
    return (_page(form), 200) if form.validate_on_submit() else (_page(form), 422)


def _page(form: SampleForm) -> str:
    invalid = SampleForm(formdata=None, prefix="bad")
    invalid.validate()
    return render_template(
        "styleguide.html",
        sample_form=form,
        invalid_form=invalid,
        sample_table=_table("contracts", _ROWS, is_filtered=True),
        empty_table=_table("nothing", [], is_filtered=False),
        unmatched_table=_table("unmatched", [], is_filtered=True),
    )


_ROWS = [
    {
        "number": "C-2024-0182",
        "url": "#tables",
        "customer": "喫茶みどり 神田店",
        "monthly_fee": 48_400,
        "unit_count": 5,
        "renews_on": "12/31",
        "outlook": 90,
        "outlook_kind": "done",
        "state_kind": "done",
        "state_label": _l("Active"),
    },
    {
        "number": "C-2022-0410",
        "url": "#tables",
        "customer": "A long English name that has to wrap somewhere, Tsukishima",
        "monthly_fee": 1_250_000,
        "unit_count": 48,
        "renews_on": "12/28",
        "outlook": 50,
        "outlook_kind": "risk",
        "state_kind": "risk",
        "state_label": _l("At risk"),
    },
    {
        "number": "C-2023-0760",
        "url": "#tables",
        "customer": "押上写真館",
        "monthly_fee": -19_800,
        "unit_count": 2,
        "renews_on": "12/05",
        "outlook": 25,
        "outlook_kind": "stop",
        "state_kind": "hold",
        "state_label": _l("On hold"),
    },
]


def _table(name: str, rows: list[dict[str, object]], *, is_filtered: bool) -> TableView[dict[str, object]]:
    return TableView(
        id=name,
        columns=[
            Column("number", _("Contract"), sort_url="/styleguide?sort=-number", sorted="asc"),
            Column("customer", _("Customer")),
            Column("monthly_fee", _("Monthly fee"), numeric=True, sort_url="/styleguide?sort=monthly_fee"),
            Column("unit_count", _("Units"), numeric=True),
            Column("renews_on", _("Renewal")),
            Column("outlook", _("Outlook")),
            Column("state", _("State")),
        ],
        rows=rows,
        action_url="/styleguide",
        limit=50,
        filter_form=SampleFilter(prefix=name) if is_filtered else None,
        filter_chips=[Chip(_("State: Active"), "/styleguide")] if is_filtered else [],
        next_url="/styleguide?after=x" if rows else None,
    )
