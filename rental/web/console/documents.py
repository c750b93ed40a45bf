"""The register of issued documents: searched as an inspector asks for them, each to be opened."""

from collections.abc import Iterator
from typing import Final, Literal
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select
from wtforms.validators import StopValidation

from rental.billing.book_models import Document
from rental.billing.delivery_notes import issue_delivery_note
from rental.billing.document_queries import Wanted, documents_matching
from rental.billing.register import draw_issued, keep_issued
from rental.billing.rules.papers import SENT, PaperKind
from rental.billing.rules.runs import SendingWay
from rental.core.db import found, reading, reading_snapshot
from rental.core.paging import Order, page_of
from rental.core.uow import begin
from rental.identity.permissions import Permission
from rental.web.console.spreadsheets import csv_file
from rental.web.fields import (
    AtMost,
    ChoiceField,
    DayField,
    LineField,
    SearchField,
    YenField,
    choices,
    choices_of,
)
from rental.web.guards import current_actor, requires
from rental.web.problems import answer_form_errors
from rental.web.sentences import state_label
from rental.web.stored_files import answer_with_file
from rental.web.tables import FilterForm, Heading, empty_table, read_table
from rental.web.today import today

bp = Blueprint("documents", __name__)
_ROWS_AT_ONCE = 500
_UNSENT: Final = "unsent"


class DocumentFilter(FilterForm):
    """Counterparty, range of days, range of amounts, kind, number, how it was sent: any of them together."""

    counterparty = SearchField(_l("Counterparty"), validators=[AtMost(100)])
    dated_from = DayField(_l("Dated from"))
    dated_until = DayField(_l("Dated until"))
    amount_from = YenField(_l("Amount from"))
    amount_until = YenField(_l("Amount until"))
    kind = ChoiceField(_l("Kind"))
    number = LineField(_l("Number"), validators=[AtMost(40)])
    sending = ChoiceField(_l("Sent"))

    def __init__(self) -> None:
        super().__init__()
        self.kind.choices = [*choices(("", _("All kinds"))), *choices_of(PaperKind, state_label)]
        self.kind.data = self.kind.data or ""
        self.sending.choices = [
            *choices(("", _("Sent or not")), (_UNSENT, _("Not sent yet"))),
            *choices_of(SendingWay, state_label),
        ]
        self.sending.data = self.sending.data or ""

    def validate_dated_until(self, field: DayField) -> None:
        if self.dated_from.data and field.data and field.data < self.dated_from.data:
            raise StopValidation(_("The range ends before it begins. Swap the two days."))

    def validate_amount_until(self, field: YenField) -> None:
        if self.amount_from.data and field.data and field.data < self.amount_from.data:
            raise StopValidation(_("The range ends below where it begins. Swap the two amounts."))

    @property
    def way(self) -> SendingWay | Literal["unsent"] | None:
        """How it went to the customer; the letters to post are those that went by post."""
        if self.sending.data == _UNSENT:
            return _UNSENT
        return SendingWay(self.sending.data) if self.sending.data else None

    @property
    def statement(self) -> Select[Document]:
        """What is asked for, in no order yet."""
        return documents_matching(
            Wanted(
                counterparty=self.counterparty.data or "",
                number=self.number.data or "",
                kind=PaperKind(self.kind.data) if self.kind.data else None,
                dated_from=self.dated_from.data,
                dated_until=self.dated_until.data,
                amount_from=self.amount_from.data,
                amount_until=self.amount_until.data,
                way=self.way,
            )
        )


@bp.get("/documents")
@requires(Permission.INVOICES_READ)
def index() -> ResponseReturnValue:
    filters = DocumentFilter()
    headings = [
        Heading("number", _("Document"), Order((Document.number,))),
        Heading("kind", _("Kind")),
        Heading("dated_on", _("Dated"), Order((Document.dated_on, Document.id)), numeric=True),
        Heading("counterparty", _("Counterparty")),
        Heading("amount", _("Amount"), numeric=True),
        Heading("version", _("Version"), numeric=True),
        Heading("sent", _("Sent")),
    ]
    if not filters.validate():
        table = empty_table("documents", headings, filters)
        return render_template("console/documents.html", table=table, sent_kinds=SENT), 422
    table = read_table(
        reading(), "documents", filters.statement, headings, default_sort="-dated_on", filters=filters
    )
    return render_template("console/documents.html", table=table, sent_kinds=SENT)


@bp.get("/documents.csv")
@requires(Permission.INVOICES_READ)
def download() -> ResponseReturnValue:
    filters = DocumentFilter()
    if not filters.validate():
        return answer_form_errors(filters)
    return _as_file(filters.statement)


@bp.get("/documents/<uuid:document_id>/document.pdf")
@requires(Permission.INVOICES_READ)
def open_document(document_id: UUID) -> ResponseReturnValue:
    """Where nobody has drawn it yet, it is drawn and kept now: the bytes are the same whenever that is."""
    file = found(reading(), Document, document_id).file
    if file is None:
        content = draw_issued(reading(), document_id)
        with begin(current_actor()) as uow:
            file = keep_issued(uow, document_id, content)
    return answer_with_file(file)


@bp.post("/work-orders/<uuid:work_order_id>/delivery-note")
@requires(Permission.INVOICES_ISSUE)
def issue_delivery_note_of(work_order_id: UUID) -> ResponseReturnValue:
    """Asked for again, it is the same note."""
    with begin(current_actor()) as uow:
        document_id = issue_delivery_note(uow, work_order_id).id
    return redirect(url_for(".open_document", document_id=document_id), 303)


def _as_file(statement: Select[Document]) -> Response:
    head = [
        _("Document"),
        _("Kind"),
        _("Dated"),
        _("Counterparty number"),
        _("Counterparty"),
        _("Amount"),
        _("Version"),
        _("Reason of the correction"),
        _("SHA-256 of the content"),
        _("File"),
        _("SHA-256 of the file"),
        _("Entered at"),
        _("Entered by"),
        _("Sent at"),
        _("Sent by"),
    ]
    return csv_file(f"documents-{today()}.csv", head, _rows_of_file(statement))


def _rows_of_file(statement: Select[Document]) -> Iterator[list[object]]:
    """Every document of the statement as it was at one moment, read a few hundred at a time."""
    with reading_snapshot() as session:
        after: str | None = None
        while True:
            order = Order((Document.dated_on, Document.id))
            page = page_of(session, statement, order, after=after, limit=_ROWS_AT_ONCE)
            yield from (_row_of_file(document) for document in page.rows)
            session.expunge_all()
            after = page.next_cursor
            if after is None:
                return


def _row_of_file(document: Document) -> list[object]:
    file = document.file
    return [
        document.number,
        state_label(document.kind),
        document.dated_on,
        document.billing_account.number,
        document.counterparty,
        document.amount.minor_units if document.amount else None,
        document.version,
        document.reason,
        document.sha256,
        file.download_name if file else None,
        file.sha256 if file else None,
        document.registered_at.isoformat(),
        document.registered_by,
        document.sent_at.isoformat() if document.sent_at else None,
        state_label(document.sent_by) if document.sent_by else None,
    ]
