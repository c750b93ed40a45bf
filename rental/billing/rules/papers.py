"""Which documents we issue, and what they are drawn with."""

from enum import StrEnum

from rental.core.errors import Conflict


class PaperKind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    CORRECTED_INVOICE = "corrected_invoice"
    CREDIT_NOTE = "credit_note"
    DELIVERY_NOTE = "delivery_note"
    RECEIPT = "receipt"
    DEPOSIT_RECEIPT = "deposit_receipt"


# What goes to the customer once it is drawn, as invoices do; the others are asked for and handed over.
SENT_BY_ITSELF = frozenset({PaperKind.CORRECTED_INVOICE, PaperKind.CREDIT_NOTE})
SENT = SENT_BY_ITSELF | {PaperKind.INVOICE}


class Template(StrEnum):
    """The drawing of a document, by its file in templates/documents."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    DELIVERY_NOTE = "delivery_note"
    RECEIPT = "receipt"
    DEPOSIT_RECEIPT = "deposit_receipt"

    @property
    def file_name(self) -> str:
        return f"{self.value}.typ"


class NothingToCorrect(Conflict):
    """The names and addresses on the invoice are those of today, so a new one would say the same."""

    code = "billing.nothing_to_correct"


class NothingDelivered(Conflict):
    """Only an installation that is over and left a machine in its place has a delivery note."""

    code = "billing.nothing_delivered"

    def __init__(self, *, work_order: str) -> None:
        super().__init__(work_order=work_order)
