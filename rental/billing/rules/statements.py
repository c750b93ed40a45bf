"""What moves the balance of a billing account, as a statement of it (取引の明細) names it."""

from enum import StrEnum


class EntryKind(StrEnum):
    """What moved a balance.

    Taking something back sorts after the thing itself, by its name: both may bear one day and one id.
    """

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    CREDIT_KEPT = "credit_kept"
    CREDIT_PAID_BACK = "credit_paid_back"
    PAYMENT = "payment"
    PAYMENT_TAKEN_BACK = "payment_taken_back"
    FEE = "fee"
    FEE_TAKEN_BACK = "fee_taken_back"
    DEPOSIT = "deposit"
