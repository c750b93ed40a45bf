"""The audit log: who changed what, when, from where and why."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from rental.core.audit import AuditEntry, entries_matching, entries_of_transaction
from rental.core.db import found, reading
from rental.core.paging import Order
from rental.core.runtime import runtime
from rental.identity.permissions import Permission
from rental.identity.queries import account_ids_matching, account_names
from rental.web.fields import AtMost, ChoiceField, DayField, SearchField, choices
from rental.web.guards import requires
from rental.web.sentences import audit_entity_label
from rental.web.tables import FilterForm, Heading, empty_table, read_table

bp = Blueprint("audit_log", __name__, url_prefix="/audit")

# What the filter offers, under its headings.
ENTITIES = (
    (_l("Customers"), ("customer", "contact", "billing_account", "site", "site_hours")),
    (
        _l("Catalogue"),
        ("equipment_model", "equipment_model_skill", "skill", "rate_plan", "rate_plan_version"),
    ),
    (
        _l("Stock"),
        (
            "unit",
            "receipt",
            "stock_location",
            "reservation",
            "label_code",
            "label_print",
            "numbering_rule",
        ),
    ),
    (
        _l("Contracts"),
        (
            "contract",
            "term",
            "contract_line",
            "line_terms",
            "line_discount",
            "line_anchor",
            "agreed_cost",
            "slot",
            "placement",
            "line_event",
            "one_off",
            "amendment",
        ),
    ),
    (
        _l("Field service"),
        (
            "work_order",
            "work_order_item",
            "visit",
            "work_order_photo",
            "work_order_note",
            "conflict_decision",
        ),
    ),
    (
        _l("Route plan"),
        (
            "route_plan",
            "plan_route",
            "plan_stop",
            "plan_stop_order",
            "plan_left_out",
            "technician",
            "technician_skill",
            "shift",
            "day_off",
            "operating_base",
        ),
    ),
    (
        _l("Billing"),
        (
            "billing_run",
            "credit_note",
            "payment",
            "allocation",
            "deposit_entry",
            "closed_month",
            "closing_exclusion",
            "billing_limits",
            "company_profile",
            "ledger_account_name",
            "document_template",
            "account_template",
        ),
    ),
    (
        _l("Administration"),
        (
            "account",
            "account_role",
            "set_up_link",
            "check_run",
            "stored_file",
            "delivery",
            "business_date",
        ),
    ),
)


class AuditFilter(FilterForm):
    """Who, what, and a range of days."""

    q = SearchField(_l("Who"), validators=[AtMost(100)])
    entity = ChoiceField(_l("What"))
    from_day = DayField(_l("From"))
    to_day = DayField(_l("To"))

    def __init__(self) -> None:
        super().__init__()
        self.entity.choices = [
            *choices(("", _("Everything"))),
            *(
                SelectChoice(name, audit_entity_label(name), optgroup=str(heading))
                for heading, names in ENTITIES
                for name in names
            ),
        ]
        self.entity.data = self.entity.data or ""

    def validate(self, extra_validators: object = None) -> bool:
        is_valid: bool = super().validate()
        if is_valid and self.from_day.data and self.to_day.data and self.from_day.data > self.to_day.data:
            self.to_day.errors = [_("This day is before the first one.")]
            return False
        return is_valid


@bp.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    filters = AuditFilter()
    headings = [
        Heading("at", _("When"), Order((AuditEntry.at, AuditEntry.id))),
        Heading("actor", _("Who")),
        Heading("action", _("Did")),
        Heading("entity", _("What")),
        Heading("difference", _("Before → after")),
    ]
    if not filters.validate():
        return render_template(
            "console/audit_log.html", table=empty_table("audit", headings, filters), names={}
        ), 422
    statement = entries_matching(
        actor_words=filters.q.data or "",
        actor_ids=account_ids_matching(reading(), filters.q.data) if filters.q.data else [],
        entity=filters.entity.data or None,
        since=_midnight(filters.from_day, 0),
        until=_midnight(filters.to_day, 1),
    )
    table = read_table(reading(), "audit", statement, headings, default_sort="-at", filters=filters)
    return render_template("console/audit_log.html", table=table, names=_subjects(table.rows))


@bp.get("/<uuid:entry_id>")
@requires(Permission.AUDIT_READ)
def show(entry_id: UUID) -> ResponseReturnValue:
    entry = found(reading(), AuditEntry, entry_id)
    together = entries_of_transaction(reading(), entry.transaction_id)
    names = _subjects([entry, *together])
    return render_template("console/audit_entry.html", entry=entry, together=together, names=names)


def _subjects(entries: Sequence[AuditEntry]) -> dict[UUID, str]:
    """Whose account each entry is about, by the entry's id; entries about nobody are left out."""
    about = {entry.id: account_id for entry in entries if (account_id := _account_id(entry))}
    names = account_names(reading(), set(about.values()))
    return {entry_id: names[account_id] for entry_id, account_id in about.items() if account_id in names}


def _account_id(entry: AuditEntry) -> UUID | None:
    named = (entry.after or entry.before or {}).get("account_id")
    return UUID(named) if named else entry.entity_id


def _midnight(field: DayField, days_later: int) -> datetime | None:
    """The instant a day begins in the company's zone; None for an empty field."""
    if field.data is None:
        return None
    return datetime.combine(field.data, time(), runtime().zone) + timedelta(days=days_later)
