"""The forms of the pages of units and places."""

from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from rental.catalog.models import EquipmentModel
from rental.catalog.queries import equipment_models_matching
from rental.core.db import reading
from rental.inventory.models import Unit
from rental.inventory.movements import Circumstances
from rental.inventory.rules.unit_states import LocationKind, MovementKind, UnitState
from rental.web.fields import (
    AtMost,
    ChoiceField,
    KeyField,
    LineField,
    Needed,
    SearchField,
    choices,
    choices_of,
)
from rental.web.sentences import state_label
from rental.web.tables import FilterForm


class UnitFilter(FilterForm):
    """Any number, a model, a place; the tabs choose a state."""

    tab_name = "state"
    q = SearchField(_l("Our number, serial number or label"), validators=[AtMost(100)])
    model = ChoiceField(_l("Model"))
    place = LineField(_l("Place begins with"), validators=[AtMost(30)])
    state = ChoiceField(_l("State"))

    def __init__(self) -> None:
        super().__init__()
        every = equipment_models_matching(words="", state=None).order_by(EquipmentModel.code).limit(1000)
        models = [(model.code, f"{model.code} {model.name}") for model in reading().scalars(every)]
        self.model.choices = choices(("", _("All models")), *models)
        self.state.choices = [*choices(("", _("All states"))), *choices_of(UnitState, state_label)]
        self.model.data = self.model.data or ""
        self.state.data = self.state.data or ""

    @property
    def is_number_alone(self) -> bool:
        """Whether a number was searched for, and nothing else was asked."""
        return bool(self.q.data) and not (self.model.data or self.place.data or self.state.data)


class LinesField(TextAreaField):
    """One thing a line, as it is scanned or pasted; a scanner's control marks stay in."""

    def __init__(self, *args: Any, longest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.longest = longest

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = valuelist[0][: self.longest + 1] if valuelist else ""
        self.data = text if text.strip() else ""


class PlaceForm(FlaskForm):
    """Where to; by code, or by scanning the place's label."""

    place = LineField(_l("New place"), validators=[Needed(), AtMost(100)])


class SeenForm(FlaskForm):
    """A move from where the person saw the unit."""

    seen_at = KeyField(_l("Place until now"), validators=[Needed()])

    @property
    def how(self) -> Circumstances:
        return Circumstances(seen_at=UUID(self.seen_at.data))


class MoveForm(PlaceForm, SeenForm):
    """To another place."""


class RetireForm(SeenForm):
    """The end of a unit's life, and why."""

    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(200)])


class NewCodeForm(FlaskForm):
    """Why the unit needs another label code. The key makes a form sent twice one code."""

    reason = LineField(_l("Reason"), validators=[Needed(), AtMost(200)])
    request_key = KeyField(_l("Form"), validators=[Needed()])


# The last word of the address to which the form of each move is sent.
MOVE_NAMES = {
    MovementKind.SHELVING: "shelve",
    MovementKind.TRANSFER: "move",
    MovementKind.LOADING: "load",
    MovementKind.UNLOADING: "unload",
}


def move_form(name: str, unit: Unit) -> MoveForm:
    """An empty form for one of the unit's moves, from where it is now."""
    return MoveForm(formdata=None, prefix=f"{name}-", seen_at=unit.location_id.hex)


def offer_places(form: PlaceForm, kind: LocationKind) -> None:
    """Lets the browser propose the places of a kind: the page lists them under this name."""
    form.place.render_kw = {"list": f"places-{kind.value}"}
