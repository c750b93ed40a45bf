"""Every form of the product as a person finds it on its page, and how it is filled in rightly."""

import itertools
import re
from dataclasses import dataclass, field
from datetime import date, timedelta

from werkzeug.test import TestResponse

from rental.core.national_holidays import is_national_holiday
from rental.fieldwork.rules import WorkOrderState
from rental.identity.permissions import Role
from rental.inventory.rules.unit_states import UnitState
from tests.support.story import PASSWORD
from tests.web.company import Company, Pairs, Seat
from tests.web.html import Element, controls_of, group_of, label_of, read_page
from tests.web.role_routes import VISITOR

Filling = dict[str, str]
_FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)


@dataclass(frozen=True)
class Form:
    """Where a form is found and what a person writes into its empty fields."""

    page: str
    action: str
    who: Role | str = Role.ADMINISTRATOR
    filling: Filling = field(default_factory=dict)
    hidden_labels: Filling = field(default_factory=dict)
    # What a refusal may write all the same, with the reason beside the form.
    bookkeeping: tuple[str, ...] = ()
    stores_nothing: bool = False
    # What is chosen from the device, by the name of its field.
    files: dict[str, bytes] = field(default_factory=dict)


PHOTO = b"\x89PNG\r\n\x1a\n" + b"the picture of a model"
NEW_PASSWORD = "seven lamps over water"
_NEXT = {"next": "Page to go on to"}

# By endpoint. {n} is another number each time; {account_id} and the like are rows that exist.
FORMS: dict[str, Form] = {
    "sign_in.answer": Form(
        "/sign-in",
        "/sign-in",
        VISITOR,
        {"email": "sales@example.jp", "password": PASSWORD},
        _NEXT,
        # Refusals are counted, so that guessing gets slow, and recorded, so that it is seen.
        ("sign_in_throttle", "audit_entry"),
    ),
    "set_up.answer": Form("/set-up/{token}", "/set-up/{token}", VISITOR, {"password": NEW_PASSWORD}),
    "preferences.change": Form("/people", "/preferences", filling={"language": "en"}, hidden_labels=_NEXT),
    "own_account.set_password": Form(
        "/account",
        "/account/password",
        "somebody new",
        {"current_password": PASSWORD, "password": NEW_PASSWORD},
        # A wrong present password counts like a refused sign-in, and is recorded like one.
        bookkeeping=("sign_in_throttle", "audit_entry"),
    ),
    "people.invite": Form(
        "/people/new",
        "/people/new",
        filling={"name": "新人　太郎", "email": "new{n}@example.jp", "roles": "sales"},
        hidden_labels={"request_key": "Form"},
    ),
    "people.change": Form(
        "/people/{account_id}", "/people/{account_id}", hidden_labels={"version": "Version"}
    ),
    "customers.register": Form(
        "/customers/new",
        "/customers/new",
        filling={"name": "株式会社　例 {n}", "registration_number": "Ｔ7123456789012", "note": "n"},
        hidden_labels={"request_key": "Form"},
    ),
    "customers.change": Form(
        "/customers/{customer_id}/change",
        "/customers/{customer_id}/change",
        hidden_labels={"version": "Version"},
    ),
    "customers.add_contact": Form(
        "/customers/{customer_id}/contacts/new",
        "/customers/{customer_id}/contacts/new",
        filling={"name": "担当 {n}", "phone": "03-0000-1234", "is_primary": "y"},
        hidden_labels={"request_key": "Form"},
    ),
    "customers.change_contact": Form(
        "/customers/{customer_id}/contacts/{contact_id}",
        "/customers/{customer_id}/contacts/{contact_id}",
        hidden_labels={"version": "Version"},
    ),
    "billing_accounts.open_account": Form(
        "/customers/{customer_id}/billing-accounts/new",
        "/customers/{customer_id}/billing-accounts/new",
        filling={"address": "東京都新宿区西新宿2-8-1", "postal_code": "１６０－００２３"},
        hidden_labels={"request_key": "Form"},
    ),
    "billing_accounts.change": Form(
        "/billing-accounts/{billing_account_id}",
        "/billing-accounts/{billing_account_id}",
        hidden_labels={"version": "Version"},
    ),
    "sites.add": Form(
        "/customers/{customer_id}/sites/new",
        "/customers/{customer_id}/sites/new",
        filling={"name": "店 {n}", "city": "新宿区", "street": "西新宿2-8-1"},
        hidden_labels={"request_key": "Form"},
    ),
    "sites.change": Form(
        "/sites/{site_id}/change", "/sites/{site_id}/change", hidden_labels={"version": "Version"}
    ),
    "sites.set_hours": Form(
        "/sites/{site_id}",
        "/sites/{site_id}/hours",
        filling={"hours-monday": "7:30-10:30, 14:30-17:00"},
        hidden_labels={"hours-version": "Version"},
    ),
    "sites.enter_position": Form(
        "/sites/{site_id}",
        "/sites/{site_id}/position",
        filling={"position-position": "35.6896, 139.7006"},
        hidden_labels={"position-version": "Version"},
    ),
    "equipment_models.add": Form(
        "/equipment-models/new",
        "/equipment-models/new",
        filling={
            "code": "ＣＭ-{n}",
            "name": "Model {n}",
            "maker": "Kissa Works",
            "category": "cm",
            "install_minutes": "６０",
            "repair_minutes": "45",
            "weight_grams": "12,500",
        },
        hidden_labels={"request_key": "Form"},
    ),
    "equipment_models.change": Form(
        "/equipment-models/{equipment_model_id}/change",
        "/equipment-models/{equipment_model_id}/change",
        hidden_labels={"version": "Version"},
    ),
    "equipment_models.show_photo": Form(
        "/equipment-models/{equipment_model_id}",
        "/equipment-models/{equipment_model_id}/photo",
        files={"photo": PHOTO},
    ),
    "rate_plans.add": Form(
        "/equipment-models/{equipment_model_id}/rate-plans/new",
        "/equipment-models/{equipment_model_id}/rate-plans/new",
        filling={"code": "PLAN-{n}", "name": "Plan {n}", "monthly_fee": "９，８００円"},
        hidden_labels={"request_key": "Form"},
    ),
    "rate_plans.add_version": Form(
        "/rate-plans/{rate_plan_id}/versions/new",
        "/rate-plans/{rate_plan_id}/versions/new",
        filling={"valid_from": "令和9年4月1日"},
        hidden_labels={"request_key": "Form"},
    ),
    "skills.add": Form(
        "/skills",
        "/skills",
        filling={"code": "SKILL-{n}", "name": "Skill {n}"},
        hidden_labels={"request_key": "Form"},
    ),
    "numbering_rules.add": Form(
        "/numbering-rules/new",
        "/numbering-rules/new",
        filling={"company_code": "SR", "valid_from": "2100-01-01", "step": "save"},
        hidden_labels={"request_key": "Form"},
    ),
    "units.shelve": Form(
        "/units/{received_id}",
        "/units/{received_id}/shelve",
        filling={"shelve-place": "A-01-2"},
        hidden_labels={"shelve-seen_at": "Place until now"},
    ),
    "units.move": Form(
        "/units/{available_id}",
        "/units/{available_id}/move",
        filling={"move-place": "A-01-2"},
        hidden_labels={"move-seen_at": "Place until now"},
    ),
    "units.load": Form(
        "/units/{reserved_id}",
        "/units/{reserved_id}/load",
        filling={"load-place": "VAN-1"},
        hidden_labels={"load-seen_at": "Place until now"},
    ),
    "units.unload": Form(
        "/units/{in_transit_id}",
        "/units/{in_transit_id}/unload",
        filling={"unload-place": "A-01-2"},
        hidden_labels={"unload-seen_at": "Place until now"},
    ),
    "units.retire": Form(
        "/units/{available_id}",
        "/units/{available_id}/retire",
        filling={"retire-reason": "broken frame"},
        hidden_labels={"retire-seen_at": "Place until now"},
    ),
    "units.replace_code": Form(
        "/units/{unit_id}",
        "/units/{unit_id}/new-code",
        filling={"code-reason": "label torn off"},
        hidden_labels={"code-request_key": "Form"},
    ),
    "receiving.receive": Form(
        "/receiving/new",
        "/receiving/new",
        filling={"supplier_name": "Kissa Works", "unit_cost": "¥48,000", "serials": "KW-{n}-1\r\nKW-{n}-2"},
        hidden_labels={"request_key": "Form"},
    ),
    "receiving.shelve": Form(
        "/receiving/{waiting_receipt_id}",
        "/receiving/{waiting_receipt_id}/shelve",
        filling={"place": "A-01-1"},
    ),
    "stock_locations.add": Form(
        "/stock-locations/new",
        "/stock-locations/new",
        filling={"code": "B-{n}", "name": "Shelf {n}"},
        hidden_labels={"request_key": "Form"},
    ),
    "stock_locations.rename": Form(
        "/stock-locations/{location_id}",
        "/stock-locations/{location_id}",
        hidden_labels={"version": "Version"},
    ),
    "labels.download": Form("/labels?unit={unit_id}", "/labels"),
    "contracts.draft": Form(
        "/contracts/new?customer_id={customer_id}",
        "/contracts/new?customer_id={customer_id}",
        filling={"months": "２４", "wanted_on": "令和8年5月1日", "note": "n"},
        hidden_labels={"request_key": "Form"},
    ),
    "contracts.change": Form(
        "/contracts/{contract_id}",
        "/contracts/{contract_id}",
        filling={"facts-months": "36"},
        hidden_labels={"facts-version": "Version"},
    ),
    "contracts.add_line": Form(
        "/contracts/{contract_id}",
        "/contracts/{contract_id}/lines",
        filling={"line-quantity": "２", "line-monthly_fee": "９，０００円"},
        hidden_labels={"line-request_key": "Form"},
    ),
    "line_terms.agree": Form(
        "/contracts/{contract_id}/lines/{line_id}/terms",
        "/contracts/{contract_id}/lines/{line_id}/terms",
        filling={
            "monthly_fee": "９，８００円",
            "usage_model": "per_unit",
            "usage_unit_price": "０．５５",
            "discount_1_name": "開店祝い",
            "discount_1_percent": "１２．５％",
            "leaving_model": "percent",
            "leaving_percent": "50",
        },
        hidden_labels={"version": "Version"},
    ),
    "amendments.record": Form(
        "/contracts/{running_contract_id}/amendments/price?look=1&target={running_line_id}"
        "&fee=%EF%BC%99%EF%BC%90%EF%BC%90%EF%BC%90&effective_on=2026-05-01&effect=",
        "/contracts/{running_contract_id}/amendments/price",
        filling={"reason": "asked for by telephone"},
        hidden_labels={
            "target": "For",
            "fee": "New fee of one machine a month",
            "effective_on": "From",
            "effect": "How it counts",
            "seen": "Preview",
            "version": "Version",
            "request_key": "Form",
        },
    ),
    "price_revisions.record": Form(
        "/price-revisions?look=1&rate_plan_id={running_plan_id}&fee=1{n}00&fee_until_now="
        "&effective_on=2027-06-01&effect=next_period&after=",
        "/price-revisions",
        filling={"reason": "steel is dearer", "notified_on": "2026-04-01"},
        hidden_labels={
            "rate_plan_id": "Rate plan",
            "fee": "New fee of one machine a month",
            "fee_until_now": "Only lines that cost until now",
            "effective_on": "From",
            "effect": "How it counts",
            "after": "After contract",
        },
    ),
    "contracts.activate": Form("/contracts/{ready_draft_id}", "/contracts/{ready_draft_id}/activate"),
    "contracts.cancel": Form(
        "/contracts/{ready_draft_id}",
        "/contracts/{ready_draft_id}/cancel",
        filling={"cancel-reason": "went elsewhere"},
    ),
    "work_orders.plan": Form(
        "/work-orders/{ready_order_id}",
        "/work-orders/plan",
        filling={"planned_on": "令和8年5月1日", "starts_at": "９：３０", "publish": "y"},
        hidden_labels={"orders": "Work orders", "request_key": "Form"},
    ),
    "work_orders.cancel": Form(
        "/work-orders/{ready_order_id}",
        "/work-orders/{ready_order_id}/cancel",
        filling={"cancel-reason": "shop is being rebuilt"},
    ),
    "conflicts.decide": Form(
        "/conflicts/{conflict_id}",
        "/conflicts/{conflict_id}",
        filling={"outcome": "corrected", "note": "the machine was booked by hand"},
    ),
    "plans.ask": Form(
        "/plans",
        "/plans",
        filling={"plan-planned_on": "{future_day}"},
        hidden_labels={"plan-request_key": "Form"},
    ),
    "plans.move": Form(
        "/plans/{new_plan_id}/stops/{new_stop_id}",
        "/plans/{new_plan_id}/stops/{new_stop_id}",
        hidden_labels={"version": "Version"},
    ),
    "technicians.add_base": Form(
        "/technicians",
        "/technicians/bases",
        filling={"code": "ｂ-{n}", "name": "Base {n}", "position": "35.6896, 139.7006"},
        hidden_labels={"request_key": "Form"},
    ),
    "technicians.set_up": Form(
        "/technicians/{technician_id}",
        "/technicians/{technician_id}",
        filling={"facts-hourly_cost": "２，８００円"},
        hidden_labels={"facts-version": "Version"},
    ),
    "technicians.set_skills": Form("/technicians/{technician_id}", "/technicians/{technician_id}/skills"),
    "technicians.set_shifts": Form(
        "/technicians/{technician_id}",
        "/technicians/{technician_id}/shifts",
        filling={"shifts-saturday": "９-１８"},
    ),
    "technicians.give_day_off": Form(
        "/technicians/{technician_id}",
        "/technicians/{technician_id}/days-off",
        filling={"off-off_on": "{future_day}", "off-reason": "wedding"},
    ),
    "credit_notes.issue": Form(
        "/invoices/{invoice_id}/credit",
        "/invoices/{invoice_id}/credit",
        filling={"reason": "故障のため", "line_1": "10"},
        hidden_labels={"request_key": "Form"},
    ),
    "credit_notes.correct": Form(
        "/invoices/{misnamed_invoice_id}/correction",
        "/invoices/{misnamed_invoice_id}/correction",
        filling={"reason": "宛名の誤り"},
        hidden_labels={"request_key": "Form"},
    ),
    "payments.record": Form(
        "/billing-accounts/{paying_account_id}/payments/new",
        "/billing-accounts/{paying_account_id}/payments/new",
        filling={"amount": "１０円", "reference": "ＦＢ－{n}"},
        hidden_labels={"request_key": "Form"},
    ),
    "payments.apply": Form(
        "/payments/{unused_payment_id}",
        "/payments/{unused_payment_id}/allocations",
        hidden_labels={"request_key": "Form"},
    ),
    "payments.take_back": Form(
        "/payments/{unused_payment_id}/take-back",
        "/payments/{unused_payment_id}/take-back",
        filling={"reason": "組戻し"},
    ),
    "deposits.enter": Form(
        "/contracts/{contract_id}/deposit",
        "/contracts/{contract_id}/deposit",
        filling={"amount": "５，０００円"},
        hidden_labels={"request_key": "Form"},
    ),
    "closings.start": Form(
        "/closings/preview?closed_on={due_on}", "/closings", hidden_labels={"closed_on": "Closing day"}
    ),
    "issuer.change": Form(
        "/issuer",
        "/issuer",
        filling={"phone": "０３－００００－０００２"},
        hidden_labels={"version": "Version"},
    ),
    "billing_limits.change": Form(
        "/billing-limits",
        "/billing-limits",
        filling={"document": "２，０００，０００円", "run": "50,000,000"},
        hidden_labels={"version": "Version"},
    ),
    "closing_exclusions.exclude": Form(
        "/closings/exclusions/{closed_on}/{due_account_id}",
        "/closings/exclusions/{closed_on}/{due_account_id}",
        filling={"reason": "waits for an order number"},
    ),
    "document_templates.add": Form(
        "/document-templates/new",
        "/document-templates/new",
        filling={
            "name": "英語 {n}",
            "language": "en",
            "logo": "SAKURA",
            "note": "お振込手数料はご負担ください。",
        },
        hidden_labels={"request_key": "Form"},
    ),
    "document_templates.change": Form(
        "/document-templates/{document_template_id}",
        "/document-templates/{document_template_id}",
        hidden_labels={"version": "Version"},
    ),
    "document_templates.choose_default": Form(
        "/document-templates", "/document-templates/default", filling={"template": "{document_template_id}"}
    ),
    "document_templates.choose": Form(
        "/billing-accounts/{billing_account_id}/template",
        "/billing-accounts/{billing_account_id}/template",
        filling={"template": "{document_template_id}"},
    ),
    "books.rename": Form(
        "/books/accounts/{ledger_account}",
        "/books/accounts/{ledger_account}",
        filling={"name": "売上高（レンタル）"},
        hidden_labels={"version": "Version"},
    ),
    "closing_reviews.decline_held": Form(
        "/closings/{billing_run_id}/accounts/{held_item_id}",
        "/closings/{billing_run_id}/accounts/{held_item_id}/decline",
        filling={"reason": "twice as many machines"},
    ),
    "styleguide.check": Form(
        "/styleguide",
        "/styleguide",
        filling={"name": "A", "email": "a@example.jp", "password": "p", "roles": "sales", "note": "n"},
        stores_nothing=True,
    ),
}

# A refused command is kept with its answer: it stays refused when it is sent again.
_COMMAND = {"command_id": "Form", "base": "Version"}
_KEPT = ("field_command", "field_device")
_JOB = "/m/work-orders/{on_site_order_id}"
FORMS |= {
    "own_work_orders.scan": Form(
        _JOB, f"{_JOB}/scan", Role.TECHNICIAN, {"code": "{held_tag}"}, _COMMAND, bookkeeping=_KEPT
    ),
    "own_work_orders.undo_scan": Form(
        _JOB, f"{_JOB}/undo-scan", Role.TECHNICIAN, {}, {**_COMMAND, "item_id": "Machine"}, bookkeeping=_KEPT
    ),
    "own_work_orders.note": Form(
        _JOB,
        f"{_JOB}/note",
        Role.TECHNICIAN,
        {"text": "the door is open"},
        _COMMAND,
        bookkeeping=_KEPT,
    ),
    "own_photos.add": Form(
        _JOB, f"{_JOB}/photos", Role.TECHNICIAN, {}, _COMMAND, bookkeeping=_KEPT, files={"photo": PHOTO}
    ),
    "own_endings.block": Form(
        f"{_JOB}/block", f"{_JOB}/block", Role.TECHNICIAN, {"reason": "absent"}, _COMMAND, bookkeeping=_KEPT
    ),
    "put_away.put": Form(
        "/m/put-away/{location_id}",
        "/m/put-away/{location_id}",
        Role.WAREHOUSE,
        {"code": "{received_tag}"},
        {"request_key": "Form"},
    ),
    "receive.receive": Form(
        "/m/receive",
        "/m/receive",
        Role.WAREHOUSE,
        {"supplier_name": "Kissa Works", "unit_cost": "¥48,000", "serials": "KW-{n}-1\r\nKW-{n}-2"},
        {"request_key": "Form"},
    ),
}

# Buttons: they carry nothing but the token, so only extra fields can be sent with them.
BUTTONS: dict[str, Form] = {
    "sign_in.sign_out": Form("/account", "/sign-out"),
    "own_account.end": Form("/account", "/account/sessions/{own_session_id}/end"),
    "own_account.end_others": Form("/account", "/account/sessions/end-others"),
    "notices.read": Form("/notices", "/notices/read"),
    "people.make_set_up_link": Form("/people/{account_id}", "/people/{account_id}/set-up-link"),
    "people.disable": Form("/people/{account_id}", "/people/{account_id}/disable"),
    "people.enable": Form("/people/{disabled_id}", "/people/{disabled_id}/enable"),
    "people.end": Form("/people/{account_id}", "/people/{account_id}/sessions/{session_id}/end"),
    "customers.remove_contact": Form(
        "/customers/{customer_id}/contacts/{new_contact_id}",
        "/customers/{customer_id}/contacts/{new_contact_id}/remove",
    ),
    "sites.look_up": Form("/sites/{site_id}", "/sites/{site_id}/look-up"),
    "sites.close": Form("/sites/{site_id}", "/sites/{site_id}/close"),
    "sites.reopen": Form("/sites/{closed_site_id}", "/sites/{closed_site_id}/reopen"),
    "equipment_models.withdraw": Form(
        "/equipment-models/{equipment_model_id}", "/equipment-models/{equipment_model_id}/withdraw"
    ),
    "equipment_models.offer": Form(
        "/equipment-models/{withdrawn_model_id}", "/equipment-models/{withdrawn_model_id}/offer"
    ),
    "rate_plans.withdraw": Form(
        "/equipment-models/{equipment_model_id}", "/rate-plans/{rate_plan_id}/withdraw"
    ),
    "rate_plans.offer": Form(
        "/equipment-models/{withdrawn_model_id}", "/rate-plans/{withdrawn_plan_id}/offer"
    ),
    "contracts.remove_line": Form(
        "/contracts/{ready_draft_id}", "/contracts/{ready_draft_id}/lines/{ready_line_id}/remove"
    ),
    "contracts.open_orders": Form(
        "/contracts/{unserved_contract_id}", "/contracts/{unserved_contract_id}/work-orders"
    ),
    "work_orders.make_order_ready": Form(
        "/work-orders/{draft_order_id}", "/work-orders/{draft_order_id}/ready"
    ),
    "work_orders.publish": Form("/work-orders/{planned_order_id}", "/work-orders/{planned_order_id}/publish"),
    "work_orders.call_off": Form(
        "/work-orders/{planned_order_id}", "/work-orders/{planned_order_id}/call-off"
    ),
    "plans.publish": Form("/plans/{new_plan_id}", "/plans/{new_plan_id}/publish"),
    "plans.call_off": Form("/plans/{given_plan_id}", "/plans/{given_plan_id}/stops/{given_stop_id}/call-off"),
    "technicians.take_day_off_back": Form(
        "/technicians/{technician_id}", "/technicians/{technician_id}/days-off/{off_on}/remove"
    ),
    "documents.issue_delivery_note_of": Form(
        "/work-orders/{installed_order_id}", "/work-orders/{installed_order_id}/delivery-note"
    ),
    "closing_reviews.approve_held": Form(
        "/closings/{billing_run_id}/accounts/{held_item_id}",
        "/closings/{billing_run_id}/accounts/{held_item_id}/approve",
    ),
    "books.close": Form("/books", "/books/months/{month}"),
    "closing_exclusions.take_back": Form(
        "/closings/{billing_run_id}", "/closings/exclusions/{exclusion_id}/take-back"
    ),
    "closings.release": Form(
        "/closings/{billing_run_id}", "/closings/{billing_run_id}/accounts/{billing_item_id}/release"
    ),
    "closings.release_all": Form("/closings/{billing_run_id}", "/closings/{billing_run_id}/release"),
    "closing_reviews.stop": Form("/closings/{working_run_id}", "/closings/{working_run_id}/stop"),
    "closing_reviews.resume": Form("/closings/{stopped_run_id}", "/closings/{stopped_run_id}/resume"),
    "closing_reviews.finalise": Form("/closings/{draft_run_id}", "/closings/{draft_run_id}/finalise"),
    "closing_reviews.approve": Form("/closings/{unapproved_run_id}", "/closings/{unapproved_run_id}/approve"),
    "payments.issue_receipt_of": Form(
        "/payments/{unused_payment_id}", "/payments/{unused_payment_id}/receipt"
    ),
    "jobs.again": Form("/jobs/{delivery_id}", "/jobs/{delivery_id}/run-again"),
    "checks.start": Form("/checks", "/checks"),
}


BUTTONS |= {
    "own_work_orders.depart": Form(
        "/m/work-orders/{work_order_id}", "/m/work-orders/{work_order_id}/depart", Role.TECHNICIAN
    ),
    "own_work_orders.arrive": Form(
        "/m/work-orders/{work_order_id}", "/m/work-orders/{work_order_id}/arrive", Role.TECHNICIAN
    ),
    "own_endings.complete": Form(f"{_JOB}/complete", f"{_JOB}/complete", Role.TECHNICIAN),
}


class OpenForm:
    """A form on a page that is open in somebody's browser, filled in rightly."""

    def __init__(self, company: Company, form: Form, endpoint: str) -> None:
        self.endpoint, self.form = endpoint, form
        names = _names_in(company, form)
        self.seat: Seat = company.seat(_who(company, form))
        self.action = form.action.format(**names)
        page = self._forms_on(form.page.format(**names))
        self.parts = _parts(page, self.action, form.page.format(**names))
        assert self.parts, f"no form for {self.action} on {form.page}"
        self.labels = self._labels(page)
        self.pairs = self._filled_in({name: text.format(**names) for name, text in form.filling.items()})

    @property
    def fields(self) -> list[str]:
        return sorted(self.labels)

    def send(self, name: str = "", value: str | None = None, *, extra: Pairs | None = None) -> TestResponse:
        """Sends the form with one field changed; None leaves the field out."""
        pairs = [pair for pair in self.pairs if pair[0] != name]
        if name and value is not None:
            pairs.append((name, value))
        files = {key: content for key, content in self.form.files.items() if key != name}
        return self.seat.post(self.action, pairs + (extra or []), token=self.token, files=files)

    def _forms_on(self, path: str) -> Element:
        """The forms of a page without what is around them: reading the menus takes most of the time."""
        answer = self.seat.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status}"
        return read_page("".join(_FORM.findall(answer.text)))

    def _labels(self, page: Element) -> dict[str, str]:
        labels = {}
        for part in self.parts:
            controls = set(controls_of(part))
            for control in part.all("input", "select", "textarea", "button"):
                name = control.attributes.get("name", "")
                if name == "csrf_token":
                    self.token = control.attributes["value"]
                elif name in self.form.hidden_labels:
                    labels[name] = self.form.hidden_labels[name]
                elif name and control in controls:
                    labels[name] = group_of(control) or _group_label(control) or label_of(page, control)
        return {name: label.removesuffix("Required").strip() for name, label in labels.items()}

    def _filled_in(self, filling: Filling) -> Pairs:
        """What the page already holds, then what the person adds."""
        found: dict[str, list[str]] = {}
        for control in self.parts[0].all("input", "textarea", "select"):
            name, kind = control.attributes.get("name", ""), control.attributes.get("type", "text")
            if not name or name == "csrf_token" or kind == "file":
                continue
            if kind in {"checkbox", "radio"}:
                if "checked" in control.attributes:
                    found.setdefault(name, []).append(control.attributes.get("value", "y"))
            elif control.tag == "select":
                chosen = [o for o in control.all("option") if "selected" in o.attributes]
                chosen = chosen or control.all("option")[:1]
                found[name] = [option.attributes["value"] for option in chosen]
            else:
                found[name] = [control.attributes.get("value", control.text)]
        found |= {name: [value] for name, value in filling.items()}
        return [(name, value) for name, values in found.items() for value in values]


def _parts(page: Element, action: str, here: str) -> list[Element]:
    return [
        form
        for form in page.all("form")
        if form.attributes.get("method") == "post" and form.attributes.get("action", here) == action
    ]


def _group_label(control: Element) -> str:
    for above in control.ancestors():
        if above.attributes.get("role") == "group":
            return above.attributes["aria-label"]
    return ""


def _who(company: Company, form: Form) -> object:
    return company.new_person(Role.SALES) if form.who == "somebody new" else form.who


def _future_workday(number: int) -> date:
    """Another day for each number, none of them a public holiday."""
    days = (date(2027, 1, 1) + timedelta(days=count) for count in itertools.count())
    return next(itertools.islice((day for day in days if not is_national_holiday(day)), number, None))


def _names_in(company: Company, form: Form) -> dict[str, object]:
    """Rows for the places in the form's address, made when the form asks for them."""
    asked = form.page + form.action
    names: dict[str, object] = {"n": next(company.numbers), "delivery_id": company.parked}
    if "{token}" in asked:
        names["token"] = company.set_up_token(company.new_person(Role.SALES))
    if "{account_id}" in asked:
        person = company.new_person(Role.SALES)
        company.seat(person)
        names |= {"account_id": person.id, "session_id": company.newest_session(person)}
    if "{customer_id}" in asked or "{site_id}" in asked or "{billing_account_id}" in asked:
        names |= company.customer_rows
    names |= company.catalog_rows
    names |= company.stock_rows
    names |= company.contract_rows
    names |= company.dispatch_rows
    names |= company.billing_rows
    names["future_day"] = _future_workday(next(company.numbers)).isoformat()
    if "{new_plan_id}" in asked:
        plan = company.new_plan()
        names |= {"new_plan_id": plan["route_plan_id"], "new_stop_id": plan["stop_id"]}
    if "{given_plan_id}" in asked:
        plan = company.plan_with_given_visit()
        names |= {"given_plan_id": plan["route_plan_id"], "given_stop_id": plan["stop_id"]}
    if "{ready_draft_id}" in asked:
        names |= company.ready_draft()
    if "{unserved_contract_id}" in asked:
        names["unserved_contract_id"] = company.unserved_contract()
    for so_far in (WorkOrderState.DRAFT, WorkOrderState.READY, WorkOrderState.PLANNED):
        if f"{{{so_far.value}_order_id}}" in asked:
            names[f"{so_far.value}_order_id"] = company.new_order(so_far)
    for state in (UnitState.RECEIVED, UnitState.AVAILABLE, UnitState.RESERVED, UnitState.IN_TRANSIT):
        if f"{{{state.value}_id}}" in asked:
            names[f"{state.value}_id"] = company.new_unit(state)
    if "{conflict_id}" in asked:
        names["conflict_id"] = company.new_conflict()
    if "{on_site_order_id}" in asked:
        names |= company.order_on_phone(scanned=1)
    if "/m/put-away/" in asked:
        names["received_tag"] = company.tag_of(company.new_unit(UnitState.RECEIVED))
    if "{waiting_receipt_id}" in asked:
        names["waiting_receipt_id"] = company.new_receipt()
    if "{withdrawn_" in asked:
        names |= company.withdrawn_model()
    if "{misnamed_invoice_id}" in asked:
        names["misnamed_invoice_id"] = company.misnamed_invoice()
    if "{unused_payment_id}" in asked:
        names["unused_payment_id"] = company.unused_payment()
    if "{new_contact_id}" in asked:
        names["new_contact_id"] = company.new_contact()
    if "{closed_site_id}" in asked:
        names["closed_site_id"] = company.closed_site()
    if "{disabled_id}" in asked:
        names["disabled_id"] = company.disabled_person().id
    if "{own_session_id}" in asked or "end-others" in asked:
        company.seat(Role.ADMINISTRATOR)
        names["own_session_id"] = company.newest_session(company.people[Role.ADMINISTRATOR])
    return names
