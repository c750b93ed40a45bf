"""What billing announces."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from rental.core.events import Event


@dataclass(frozen=True, slots=True)
class ChunkOpened(Event):
    """Some accounts of a closing wait to be billed. Sent once per chunk."""

    name: ClassVar[str] = "billing.chunk_opened"

    billing_run_id: UUID
    chunk: int


@dataclass(frozen=True, slots=True)
class InvoiceFinalised(Event):
    """An invoice was numbered and will never change. Sent once, in the transaction that finalised it."""

    name: ClassVar[str] = "billing.invoice_finalised"

    invoice_id: UUID


@dataclass(frozen=True, slots=True)
class DocumentIssued(Event):
    """A document other than an invoice was entered in the register. Sent once per document."""

    name: ClassVar[str] = "billing.document_issued"

    document_id: UUID


@dataclass(frozen=True, slots=True)
class InvoiceDocumentMade(Event):
    """The PDF of an invoice is kept. Sent once per invoice."""

    name: ClassVar[str] = "billing.invoice_document_made"

    invoice_id: UUID


@dataclass(frozen=True, slots=True)
class DocumentDrawn(Event):
    """The PDF of a document other than an invoice is kept. Sent once per document."""

    name: ClassVar[str] = "billing.document_drawn"

    document_id: UUID
