"""What follows from a slot that starts, a closing that was opened, an invoice that was finalised."""

from datetime import datetime

from sqlalchemy.orm import Session

from rental.billing.documents import draw_invoice, keep_document
from rental.billing.events import (
    ChunkOpened,
    DocumentDrawn,
    DocumentIssued,
    InvoiceDocumentMade,
    InvoiceFinalised,
)
from rental.billing.register import draw_issued, keep_issued
from rental.billing.rules.runs import SendingWay
from rental.billing.runs import bill_chunk
from rental.billing.schedules import make_due, open_schedule, slot_changed
from rental.billing.sending import mail_document, mail_invoice, mark_document_sent, mark_sent
from rental.contracts.events import CostIncurred, SlotEnded, SlotStarted
from rental.core.bus import Queue, on
from rental.core.runtime import runtime
from rental.core.uow import UnitOfWork


@on(SlotStarted)
def open_billing_schedule(uow: UnitOfWork, event: SlotStarted) -> None:
    """A started slot owes its first period from the day it was installed."""
    open_schedule(uow, event.slot_id, started_on=event.started_on)


@on(SlotEnded)
def look_at_ended_slot(uow: UnitOfWork, event: SlotEnded) -> None:
    """What was billed for days after the end is taken back; the days before it are still owed."""
    slot_changed(uow, event.slot_id, on=event.ended_on)


@on(CostIncurred)
def look_at_incurred_cost(uow: UnitOfWork, event: CostIncurred) -> None:
    """What happened once is asked for by the next closing."""
    make_due(uow, {event.contract_line_id: event.happened_on})


@on(ChunkOpened, queue=Queue.BILLING)
def bill_opened_chunk(uow: UnitOfWork, event: ChunkOpened) -> None:
    """Some thousand accounts at a time, so that none waits long and a crash repeats little."""
    bill_chunk(uow, event.billing_run_id, event.chunk)


def draw_document(snapshot: Session, event: InvoiceFinalised, now: datetime) -> bytes:
    """Drawing takes its time, and nobody has to wait for it."""
    return draw_invoice(snapshot, event.invoice_id)


@on(InvoiceFinalised, queue=Queue.BILLING, reads=draw_document)
def keep_drawn_document(uow: UnitOfWork, event: InvoiceFinalised, document: bytes) -> None:
    """The document is what the customer gets, so it is kept as it was made."""
    keep_document(uow, event.invoice_id, document)


def draw_issued_document(snapshot: Session, event: DocumentIssued, now: datetime) -> bytes:
    """As with invoices: whoever issued it does not wait."""
    return draw_issued(snapshot, event.document_id)


@on(DocumentIssued, queue=Queue.BILLING, reads=draw_issued_document)
def keep_issued_document(uow: UnitOfWork, event: DocumentIssued, document: bytes) -> None:
    """The drawing is kept beside the entry in the register."""
    keep_issued(uow, event.document_id, document)


def hand_over(snapshot: Session, event: InvoiceDocumentMade, now: datetime) -> SendingWay | None:
    """A mail server may be slow or away; then this fails and is tried again."""
    current = runtime()
    return mail_invoice(snapshot, event.invoice_id, current.post, current.files)


@on(InvoiceDocumentMade, queue=Queue.BILLING, reads=hand_over)
def send_made_document(uow: UnitOfWork, event: InvoiceDocumentMade, way: SendingWay | None) -> None:
    """What could not be sent stays finalised, and shows so on its page."""
    if way is not None:
        mark_sent(uow, event.invoice_id, way)


def hand_over_drawn(snapshot: Session, event: DocumentDrawn, now: datetime) -> SendingWay | None:
    """As with invoices: a mail server that is away is asked again."""
    current = runtime()
    return mail_document(snapshot, event.document_id, current.post, current.files)


@on(DocumentDrawn, queue=Queue.BILLING, reads=hand_over_drawn)
def send_drawn_document(uow: UnitOfWork, event: DocumentDrawn, way: SendingWay | None) -> None:
    """What could not be sent, or is not sent by us, stays unsent and shows so in the register."""
    if way is not None:
        mark_document_sent(uow, event.document_id, way)
