"""The forms of the pages about sites."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField

from rental.core.errors import DomainError
from rental.customers import rules
from rental.customers.geocoding import prefectures
from rental.customers.rules import SiteState, Window
from rental.web.fields import (
    AtMost,
    ChoiceField,
    KeyField,
    LineField,
    Needed,
    ParagraphField,
    SearchField,
    VersionField,
    choices,
    choices_of,
)
from rental.web.refusals import refusal
from rental.web.sentences import state_label
from rental.web.tables import FilterForm
from rental.web.wording.customers import WEEKDAYS

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class SiteFilter(FilterForm):
    """Words, a state, and whether somebody has found the site on the map."""

    q = SearchField(_l("Site, customer or address"), validators=[AtMost(100)])
    state = ChoiceField(_l("State"))
    position = ChoiceField(_l("Position"))

    def __init__(self) -> None:
        super().__init__()
        self.state.choices = [*choices(("", _("All states"))), *choices_of(SiteState, state_label)]
        self.position.choices = choices(("", _("All")), ("known", _("Known")), ("unknown", _("Not known")))
        self.state.data = self.state.data or ""
        self.position.data = self.position.data or ""

    @property
    def has_position(self) -> bool | None:
        return {"known": True, "unknown": False}.get(self.position.data)


class SiteForm(FlaskForm):
    """Name, address and the way in."""

    name = LineField(_l("Name"), validators=[Needed(), AtMost(rules.NAME_MAX_LENGTH)])
    name_kana = LineField(_l("Reading"), validators=[AtMost(rules.KANA_MAX_LENGTH)])
    postal_code = LineField(_l("Postal code"), validators=[AtMost(20)])
    prefecture = ChoiceField(_l("Prefecture"))
    city = LineField(_l("City"), validators=[Needed(), AtMost(rules.NAME_MAX_LENGTH)])
    street = LineField(_l("Street and number"), validators=[Needed(), AtMost(rules.LINE_MAX_LENGTH)])
    building = LineField(_l("Building"), validators=[AtMost(rules.LINE_MAX_LENGTH)])
    phone = LineField(_l("Telephone"), validators=[AtMost(40)])
    access_note = ParagraphField(_l("Way in"), validators=[AtMost(rules.NOTE_MAX_LENGTH)])
    entrance_code = LineField(_l("Entrance code"), validators=[AtMost(rules.NAME_MAX_LENGTH)])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.prefecture.choices = choices(*((name, name) for name in prefectures()))

    @property
    def facts(self) -> dict[str, Any]:
        hidden = {"csrf_token", "request_key", "version"}
        return {item.short_name: item.data for item in self if item.short_name not in hidden}


class NewSiteForm(SiteForm):
    """A new site. The key makes a form sent twice one site."""

    request_key = KeyField(_l("Form"), validators=[Needed()])


class ChangeSiteForm(SiteForm):
    """A known site, as it was when the form was opened."""

    version = VersionField(_l("Version"), validators=[Needed()])


class HoursField(StringField):
    """The windows of one weekday, typed as 9:00-12:00, 13:00-17:00. `data` is a tuple of windows."""

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else rules.windows_text(self.data or ())

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: tuple[Window, ...] = ()
        try:
            self.data = rules.windows_of(valuelist[0] if valuelist else "")
        except DomainError as error:
            raise ValueError(refusal(error)) from error


class HoursForm(FlaskForm):
    """One line for each weekday."""

    monday = HoursField(WEEKDAYS[0])
    tuesday = HoursField(WEEKDAYS[1])
    wednesday = HoursField(WEEKDAYS[2])
    thursday = HoursField(WEEKDAYS[3])
    friday = HoursField(WEEKDAYS[4])
    saturday = HoursField(WEEKDAYS[5])
    sunday = HoursField(WEEKDAYS[6])
    version = VersionField(_l("Version"), validators=[Needed()])

    @property
    def days(self) -> list[HoursField]:
        """The seven fields, from Monday on."""
        return [item for item in self if isinstance(item, HoursField)]


class PositionField(StringField):
    """A point typed or pasted as 35.6896, 139.7006. `data` is a Position or None."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data.latitude}, {self.data.longitude}" if self.data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: Any = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            self.data = rules.position_of(valuelist[0])
        except DomainError as error:
            raise ValueError(refusal(error)) from error


class PositionForm(FlaskForm):
    """Where the site is, as somebody read it from a map."""

    position = PositionField(_l("Latitude and longitude"), validators=[Needed()])
    version = VersionField(_l("Version"), validators=[Needed()])
