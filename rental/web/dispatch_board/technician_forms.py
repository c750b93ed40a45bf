"""The forms of the pages about technicians."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField

from rental.catalog.models import Skill
from rental.core.errors import DomainError
from rental.customers.rules import Position, clock_text, position_of, windows_of
from rental.dispatch.models import OperatingBase, Technician
from rental.dispatch.rules import HIGHEST_LEVEL, MOST_BREAK, MOST_OVERTIME, Hours, ShiftTimes
from rental.web.fields import (
    AtMost,
    ChoiceField,
    CodeField,
    DayField,
    KeyField,
    LineField,
    Needed,
    TimeField,
    VersionField,
    WholeNumberField,
    YenField,
    choices,
)
from rental.web.refusals import refusal
from rental.web.wording.customers import WEEKDAYS


class PositionField(StringField):
    """A point as maps hand it out: 35.6896, 139.7006. `data` is a Position or None."""

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: Position | None = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            self.data = position_of(valuelist[0])
        except DomainError as error:
            raise ValueError(refusal(error)) from error


class BaseForm(FlaskForm):
    """A house from which vans start. The key makes a form sent twice one base."""

    code = CodeField(_l("Code"), validators=[Needed(), AtMost(20)])
    name = LineField(_l("Name"), validators=[Needed(), AtMost(100)])
    position = PositionField(_l("Position"), validators=[Needed(), AtMost(60)])
    request_key = KeyField(_l("Form"), validators=[Needed()])


class FactsForm(FlaskForm):
    """Where a technician starts, and what an hour costs. Version 0: planning did not know them yet."""

    base_id = ChoiceField(_l("Base"))
    hourly_cost = YenField(_l("Cost of an hour"), validators=[Needed()], maximum=100_000)
    max_overtime = WholeNumberField(
        _l("Most overtime in minutes"), validators=[Needed()], maximum=MOST_OVERTIME
    )
    is_active = BooleanField(_l("Is planned for"))
    version = VersionField(_l("Version"), validators=[Needed()])

    def __init__(self, bases: Sequence[OperatingBase], **kwargs: object) -> None:
        super().__init__(prefix="facts-", **kwargs)
        self.base_id.choices = choices(*((str(base.id), f"{base.code} {base.name}") for base in bases))


class HoursOfDayField(StringField):
    """One shift, typed as 8:30-17:30. `data` is Hours, or None for a day without work."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{clock_text(self.data.starts)}-{clock_text(self.data.ends)}" if self.data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: Hours | None = None
        try:
            windows = windows_of(valuelist[0] if valuelist else "")
        except DomainError as error:
            raise ValueError(refusal(error)) from error
        if len(windows) > 1:
            raise ValueError(_("Write one shift a day, such as 8:30-17:30."))
        self.data = Hours(*windows[0]) if windows else None


class ShiftsForm(FlaskForm):
    """One line for each weekday, and the break that all of them have."""

    monday = HoursOfDayField(WEEKDAYS[0])
    tuesday = HoursOfDayField(WEEKDAYS[1])
    wednesday = HoursOfDayField(WEEKDAYS[2])
    thursday = HoursOfDayField(WEEKDAYS[3])
    friday = HoursOfDayField(WEEKDAYS[4])
    saturday = HoursOfDayField(WEEKDAYS[5])
    sunday = HoursOfDayField(WEEKDAYS[6])
    break_minutes = WholeNumberField(_l("Break in minutes"), validators=[Needed()], maximum=MOST_BREAK)
    break_from = TimeField(_l("Break not before"), validators=[Needed()])
    break_until = TimeField(_l("Break begins until"), validators=[Needed()])

    def __init__(self, **kwargs: object) -> None:
        super().__init__(prefix="shifts-", **kwargs)

    @classmethod
    def of(cls, technician: Technician) -> "ShiftsForm":
        """As the technician works now; the break of the first shift stands for all."""
        first = technician.shifts[0] if technician.shifts else None
        form = cls(
            formdata=None,
            break_minutes=first.break_minutes if first else 60,
            break_from=first.break_from if first and first.break_minutes else 690,
            break_until=first.break_until if first and first.break_minutes else 810,
        )
        for shift in technician.shifts:
            form.days[shift.weekday].data = Hours(shift.starts, shift.ends)
        return form

    @property
    def days(self) -> list[HoursOfDayField]:
        """The seven fields, from Monday on."""
        return [item for item in self if isinstance(item, HoursOfDayField)]

    @property
    def shifts(self) -> dict[int, ShiftTimes]:
        """What was entered, by weekday."""
        minutes, earliest, latest = (
            item.data or 0 for item in (self.break_minutes, self.break_from, self.break_until)
        )
        return {
            weekday: ShiftTimes(*day.data, minutes, earliest, latest)
            for weekday, day in enumerate(self.days)
            if day.data
        }


class DayOffForm(FlaskForm):
    """A day without work."""

    off_on = DayField(_l("Day"), validators=[Needed()])
    reason = LineField(_l("Reason"), validators=[AtMost(200)])
    call_off = BooleanField(_l("Call off the visits of this day"))

    def __init__(self, **kwargs: object) -> None:
        super().__init__(prefix="off-", **kwargs)


class SkillsForm(FlaskForm):
    """A level for each skill of the company; made with one field a skill by `skills_form`."""

    @property
    def levels(self) -> dict[UUID, int]:
        """The skills that were chosen, with their levels."""
        return {
            UUID(hex=item.short_name.removeprefix("skill_")): int(item.data)
            for item in self
            if item.short_name.startswith("skill_") and item.data
        }


def skills_form(skills: Sequence[Skill], technician: Technician | None = None) -> SkillsForm:
    """The form for these skills: as it was sent, or with a technician as they are now."""
    labels = [
        ("", _("Cannot do it")),
        *((str(n), _("Level %(level)s", level=n)) for n in range(1, HIGHEST_LEVEL + 1)),
    ]
    fields = {
        f"skill_{skill.id.hex}": ChoiceField(skill.name, choices=choices(*labels), default="")
        for skill in skills
    }
    kind = type("SkillsForm", (SkillsForm,), fields)
    if technician is None:
        form: SkillsForm = kind(prefix="skills-")
        return form
    held = {f"skill_{row.skill_id.hex}": str(row.level) for row in technician.skill_rows}
    return kind(formdata=None, prefix="skills-", **held)
