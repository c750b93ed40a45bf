"""What a credit note keeps for later invoices (前受金): it waits like money that came too early."""

from uuid import UUID

from rental.billing.credit_models import CreditNote
from rental.billing.payment_models import Payment
from rental.billing.rules.payments import NUMBERS, PaymentMethod
from rental.core.ids import new_id
from rental.core.numbering import number_of_year
from rental.core.uow import UnitOfWork


def keep_credit(uow: UnitOfWork, note: CreditNote, billing_account_id: UUID) -> Payment:
    """All of the note waits for invoices of the account. Its own entry in the books said so already."""
    kept = Payment(
        id=new_id(),
        number=number_of_year(uow, *NUMBERS),
        billing_account_id=billing_account_id,
        received_on=note.issued_on,
        amount=note.total,
        unapplied=note.total,
        method=PaymentMethod.CREDIT_NOTE,
        reference=note.number,
        recorded_at=uow.now,
    )
    uow.session.add(kept)
    uow.session.flush()
    return kept
